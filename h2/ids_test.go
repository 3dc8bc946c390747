package h2_test

import (
	"context"
	"errors"
	"testing"

	"gohttpx.dev/h2"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/pool"
	"gohttpx.dev/wire"
)

// RFC 9113 §5.1.1: "A client that is unable to establish a new stream identifier
// can establish a new connection for new streams."
func TestStreamIDsUsedUp(t *testing.T) {
	t.Run("the connection drains", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{})
			f.c.SetNextID(h2.MaxStreamID - 2)
			first := f.do(t.Context(), get("/first"))
			f.WantHeaders(h2.MaxStreamID-2, "GET /first", "the last but one")
			f.phase(wire.ConnOpen)
			if !f.c.Reserve() {
				t.Fatal("no slot")
			}
			last := f.do(t.Context(), get("/last"))
			f.WantHeaders(h2.MaxStreamID, "GET /last", "the last")
			f.phase(wire.ConnDraining)
			if f.c.Reserve() {
				t.Error("a slot of a connection that has no number left")
			}
			// Who has a slot already is sent elsewhere.
			var res wire.Response
			err := f.c.RoundTrip(t.Context(), get("/late"), &res)
			var e *wire.Error
			if !errors.As(err, &e) || e.Kind != wire.KindUnprocessed || e.Sent {
				t.Errorf("got %v", err)
			}
			f.Respond(h2.MaxStreamID, "200", "last")
			last.ok(200, "last")
			f.phase(wire.ConnDraining)
			f.Respond(h2.MaxStreamID-2, "200", "first")
			first.ok(200, "first")
			f.WantGoAway(h2.NoError, "nothing is left")
			f.phase(wire.ConnClosed)
		})
	})
	t.Run("new requests go elsewhere", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			dials := 0
			p := pool.New(pool.Config{Dial: func(ctx context.Context, k pool.Key) (pool.Conn, error) {
				nc, p := peer.H2(t)
				p.Go(func() { answer(p, 0) })
				c, err := h2.NewConn(ctx, nc, h2.Config{})
				if err != nil {
					return nil, err
				}
				if dials++; dials == 1 {
					c.SetNextID(h2.MaxStreamID - 4) // three requests
				}
				return c, nil
			}})
			defer p.Close()
			f := &farm{Pool: p}
			for i := range 7 {
				if body, err := f.get(t.Context(), get("/x")); body != "/x" || err != nil {
					t.Fatalf("request %d: got %q, %v", i, body, err)
				}
				if want := 1 + min(i/3, 1); dials != want {
					t.Errorf("request %d: %d dials, want %d", i, dials, want)
				}
			}
		})
	})
}

func TestMaxRequests(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{MaxRequests: 2})
		f.alive()
		k := f.do(t.Context(), get("/"))
		f.WantHeaders(3, "", "the last request")
		f.phase(wire.ConnDraining)
		f.Respond(3, "200", "x")
		k.ok(200, "x")
		f.WantGoAway(h2.NoError, "that was the last request")
	})
}
