package h2_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/h2"
	"gohttpx.dev/wire"
)

func TestGoAwayLetsStreamsFinish(t *testing.T) {
	// httpx fails such a response although the server completes it.
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		k := f.do(t.Context(), get("/"))
		f.WantHeaders(1, "", "a request")
		f.SendHeaders(1, false, ":status", "200")
		f.SendData(1, "abc", false)
		f.SendRaw(h2.AppendGoAway(nil, 1, h2.NoError, ""))
		f.phase(wire.ConnDraining)
		if f.c.Reserve() {
			t.Error("a slot of a connection that is going away")
		}
		f.SendData(1, "def", true)
		k.ok(200, "abcdef")
		f.WantGoAway(h2.NoError, "the last stream closes the connection")
		f.phase(wire.ConnClosed)
	})
}

func TestGoAwayRefusesStreams(t *testing.T) {
	for _, tt := range []struct {
		name string
		last []uint32
		code h2.ErrCode
		keep bool // stream 1 goes on
	}{
		{"last of 0", []uint32{0}, h2.NoError, false},
		{"last of 1", []uint32{1}, h2.NoError, true},
		{"twice, fewer", []uint32{h2.MaxStreamID, 1}, h2.NoError, true},
		{"twice, more", []uint32{1, h2.MaxStreamID}, h2.NoError, true},
		{"ENHANCE_YOUR_CALM", []uint32{0}, h2.EnhanceYourCalm, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := start(t, h2.Config{})
				a := f.do(t.Context(), get("/1"))
				f.WantHeaders(1, "", "a request")
				b := f.do(t.Context(), post("/3", text("x"), 1))
				f.WantHeaders(3, "", "a request")
				f.WantData(3, "x", true, "its content")
				for _, last := range tt.last {
					f.SendRaw(h2.AppendGoAway(nil, last, tt.code, "why"))
				}
				e := b.fails(wire.ErrUnprocessed)
				var g h2.GoAwayError
				if !errors.As(e, &g) || g.Code != tt.code || g.Debug != "why" || !e.Remote {
					t.Errorf("got %+v", e)
				}
				if tt.keep {
					f.Respond(1, "200", "one")
					a.ok(200, "one")
				} else {
					a.fails(wire.ErrUnprocessed)
				}
				f.WantGoAway(h2.NoError, "nothing is left")
				f.phase(wire.ConnClosed)
			})
		})
	}
}

func TestGoAwayBeforeReservedRequest(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		if !f.c.Reserve() {
			t.Fatal("no slot")
		}
		f.SendRaw(h2.AppendGoAway(nil, 0, h2.NoError, ""))
		f.phase(wire.ConnDraining)
		var res wire.Response
		err := f.c.RoundTrip(t.Context(), get("/"), &res)
		var e *wire.Error
		if !errors.As(err, &e) || e.Kind != wire.KindUnprocessed || e.Sent {
			t.Errorf("got %v", err)
		}
		f.phase(wire.ConnClosed)
		f.inFlight(0)
	})
}

// A peer that has answered, if only by an interim response, has looked at the
// request, whatever its GOAWAY says: nobody may take it for unprocessed.
func TestGoAwayBelowWhatWasAnswered(t *testing.T) {
	for _, status := range []string{"103", "200"} {
		t.Run(status, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := start(t, h2.Config{})
				k := f.do(t.Context(), get("/"))
				f.WantHeaders(1, "", "a request")
				f.SendHeaders(1, false, ":status", status)
				f.SendRaw(h2.AppendGoAway(nil, 0, h2.NoError, ""))
				k.wait()
				err := k.err
				if err == nil {
					err = k.berr
				}
				var e *wire.Error
				if !errors.As(err, &e) || e.Kind != wire.KindProtocol || !e.Sent || !e.Remote {
					t.Errorf("got %v (%+v)", err, e)
				}
			})
		})
	}
}

// A request that waits for room in the write buffer of a connection that is going
// away can go elsewhere at once.
func TestGoAwayEndsTheWaitForRoom(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{Write: wire.Never, PingInterval: -1})
		f.nc.SetCapacity(10)
		for range 12 {
			f.do(t.Context(), never(get("/"+strings.Repeat("~", 100<<10))))
			synctest.Wait()
		}
		k := f.do(t.Context(), never(get("/")))
		synctest.Wait()
		f.SendRaw(h2.AppendGoAway(nil, 0, h2.NoError, ""))
		began := time.Now()
		if e := k.fails(wire.ErrUnprocessed); e.Sent || time.Since(began) != 0 {
			t.Errorf("failed after %v with %+v", time.Since(began), e)
		}
	})
}
