package h2_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/h2"
	"gohttpx.dev/wire"
)

func requestFields(method, path string, more ...string) wire.Fields {
	f := wire.Fields{{Name: ":method", Value: method}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: "example.test"}, {Name: ":path", Value: path}}
	for i := 0; i+1 < len(more); i += 2 {
		f.Add(more[i], more[i+1])
	}
	return f
}

func TestOpen(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		// Upper case and a connection-specific field: nothing is checked.
		s, err := f.c.Open(t.Context(), requestFields("POST", "/x", "Upper", "1", "connection", "close"), false)
		if err != nil || s.ID() != 1 {
			t.Fatal(err)
		}
		if h := f.WantHeaders(1, "POST /x", "the head"); h.End || h.Get("Upper") != "1" || h.Get("connection") != "close" {
			t.Errorf("got %+v", h)
		}
		if err := s.SendData(t.Context(), []byte("abc"), false); err != nil {
			t.Error(err)
		}
		f.WantData(1, "abc", false, "content")
		f.SendHeaders(1, false, ":status", "103", "link", "x")
		f.SendHeaders(1, false, ":status", "200", "a", "b")
		f.SendData(1, "def", false)
		f.SendHeaders(1, true, "t", "u")
		want := []h2.Event{
			{Status: 103, Fields: wire.Fields{{Name: "link", Value: "x"}}},
			{Status: 200, Fields: wire.Fields{{Name: "a", Value: "b"}}},
			{Data: []byte("def")},
			{Trailers: true, Fields: wire.Fields{{Name: "t", Value: "u"}}, End: true},
		}
		synctest.Wait()
		for i, w := range want {
			ev, err := s.Recv(t.Context())
			if err != nil || ev.Status != w.Status || string(ev.Data) != string(w.Data) || ev.Trailers != w.Trailers || ev.End != w.End || !slices.Equal(ev.Fields, w.Fields) {
				t.Errorf("event %d: got %+v, %v; want %+v", i, ev, err, w)
			}
		}
		if _, err := s.Recv(t.Context()); err != io.EOF {
			t.Errorf("got %v", err)
		}
		f.inFlight(1)
		if err := s.SendTrailers(t.Context(), wire.Fields{{Name: "z", Value: "1"}}); err != nil {
			t.Error(err)
		}
		if h := f.WantHeaders(1, "", "trailers"); !h.End || h.Get("z") != "1" {
			t.Errorf("got %+v", h)
		}
		f.inFlight(0)
		if err := s.SendData(t.Context(), []byte("x"), true); err == nil {
			t.Error("sent after the end")
		}
		s.Reset(h2.Cancel)
		f.WantIdle("nothing is reset that has ended")
		f.alive()
	})
}

func TestOpenReset(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		s, err := f.c.Open(t.Context(), requestFields("GET", "/"), true)
		if err != nil {
			t.Fatal(err)
		}
		f.WantHeaders(1, "", "the head")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Recv(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		s.Reset(h2.InternalError)
		f.WantRST(1, h2.InternalError, "with the code that was asked for")
		if _, err := s.Recv(t.Context()); err != wire.ErrBodyClosed {
			t.Errorf("got %v", err)
		}
		f.inFlight(0)

		s, _ = f.c.Open(t.Context(), requestFields("GET", "/"), true)
		f.WantHeaders(3, "", "the head")
		f.SendRaw(h2.AppendRSTStream(nil, 3, h2.EnhanceYourCalm))
		_, err = s.Recv(t.Context())
		var se h2.StreamError
		if !errors.As(err, &se) || !se.Reset || se.Code != h2.EnhanceYourCalm {
			t.Errorf("got %v", err)
		}
		f.alive()
	})
}

// Content behind END_STREAM would end the connection.
func TestOpenTrailersDuringData(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{}, h2.Setting{ID: h2.SettingInitialWindowSize, Value: 10})
		s, err := f.c.Open(t.Context(), requestFields("POST", "/"), false)
		if err != nil {
			t.Fatal(err)
		}
		f.WantHeaders(1, "", "a request")
		done := make(chan error, 1)
		go func() { done <- s.SendData(t.Context(), []byte("0123456789abc"), false) }()
		f.WantData(1, "0123456789", false, "what the window allows")
		if err := s.SendTrailers(t.Context(), wire.Fields{{Name: "a", Value: "b"}}); !errors.Is(err, wire.ErrProtocol) {
			t.Errorf("got %v", err)
		}
		f.SendRaw(h2.AppendWindowUpdate(nil, 1, 10))
		f.WantData(1, "abc", false, "the rest")
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := s.SendTrailers(t.Context(), wire.Fields{{Name: "a", Value: "b"}}); err != nil {
			t.Error(err)
		}
		f.WantHeaders(1, "", "trailers")
		s.Reset(h2.Cancel)
		f.inFlight(0)
	})
}

// A peer that has ended its side and gives ours up has ended the stream.
func TestOpenGivenUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		s, err := f.c.Open(t.Context(), requestFields("POST", "/"), false)
		if err != nil {
			t.Fatal(err)
		}
		f.WantHeaders(1, "", "a request")
		f.SendHeaders(1, true, ":status", "200")
		if ev, err := s.Recv(t.Context()); err != nil || !ev.End {
			t.Errorf("got %+v, %v", ev, err)
		}
		f.inFlight(1)
		f.SendRaw(h2.AppendRSTStream(nil, 1, h2.NoError))
		f.inFlight(0)
		if _, err := s.Recv(t.Context()); err != io.EOF {
			t.Errorf("got %v", err)
		}
		if err := s.SendData(t.Context(), []byte("x"), true); err == nil {
			t.Error("sent after the end")
		}
		f.alive()
	})
}

// Open takes a free slot, and none that somebody has reserved.
func TestOpenBesideReservation(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{}, h2.Setting{ID: h2.SettingMaxConcurrentStreams, Value: 2})
		k := f.do(t.Context(), get("/")) // reserves
		f.WantHeaders(1, "", "a request")
		if !f.c.Reserve() {
			t.Fatal("no slot")
		}
		if _, err := f.c.Open(t.Context(), requestFields("GET", "/"), true); !errors.Is(err, wire.ErrProtocol) {
			t.Errorf("got %v", err)
		}
		f.c.Release()
		s, err := f.c.Open(t.Context(), requestFields("GET", "/"), true)
		if err != nil {
			t.Fatal(err)
		}
		f.WantHeaders(3, "", "the slot is free")
		s.Reset(h2.Cancel)
		f.Respond(1, "200", "")
		k.ok(200, "")
		f.inFlight(0)
	})
}

func TestWriteFrameAndOnFrame(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var mu sync.Mutex
		var seen []string
		f := start(t, h2.Config{OnFrame: func(out bool, fr h2.Frame) {
			mu.Lock()
			defer mu.Unlock()
			arrow := "< "
			if out {
				arrow = "> "
			}
			seen = append(seen, arrow+fr.FrameHeader.String())
		}, Settings: []h2.Setting{{ID: 0x99, Value: 7}, {ID: h2.SettingEnablePush, Value: 0}}})
		err := f.c.WriteFrame(t.Context(), h2.Frame{FrameHeader: h2.FrameHeader{Type: 0x42, Flags: 0x81, StreamID: 5, R: true}, Payload: []byte("odd")})
		if err != nil {
			t.Fatal(err)
		}
		if fr := f.Want(0x42, 5, "an injected frame"); string(fr.Payload) != "odd" || !fr.R || fr.Flags != 0x81 {
			t.Errorf("got %+v", fr)
		}
		f.SendRaw(rawFrame(0x43, 1, 9, "back"))
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		got := strings.Join(seen, "\n")
		for _, want := range []string{
			"> SETTINGS stream=0 length=12", "> WINDOW_UPDATE stream=0 length=4", "< SETTINGS stream=0 length=0",
			"> SETTINGS stream=0 flags=0x1 length=0", "> frame type 0x42 stream=5 flags=0x81 R length=3", "< frame type 0x43 stream=9 flags=0x1 length=4",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in\n%s", want, got)
			}
		}
		f.c.Close()
		if err := f.c.WriteFrame(t.Context(), h2.Frame{}); !errors.Is(err, wire.ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
}

// HEADER_TABLE_SIZE is named, although it has the value that it has anyway.
func TestSettingsByDefault(t *testing.T) {
	bubble(t, func(t *testing.T) {
		nc, p := newPeer(t)
		c, err := h2.NewConn(t.Context(), nc, h2.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		want := []h2.Setting{
			{ID: h2.SettingHeaderTableSize, Value: 4096},
			{ID: h2.SettingEnablePush, Value: 0},
			{ID: h2.SettingInitialWindowSize, Value: h2.DefaultStreamWindow},
			{ID: h2.SettingMaxFrameSize, Value: 16384},
			{ID: h2.SettingMaxHeaderListSize, Value: h2.DefaultListBytes},
		}
		if got, _ := p.WantPreface("a connection starts with the preface"); !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
	})
}

func TestSettingsAreSentAsGiven(t *testing.T) {
	bubble(t, func(t *testing.T) {
		nc, p := newPeer(t)
		settings := []h2.Setting{{ID: 0x7777, Value: 1}, {ID: h2.SettingMaxFrameSize, Value: 1 << 20}, {ID: h2.SettingEnablePush, Value: 0}, {ID: h2.SettingHeaderTableSize, Value: 0}}
		c, err := h2.NewConn(t.Context(), nc, h2.Config{Settings: settings, ConnWindow: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		got, window := p.WantPreface("a connection starts with the preface")
		if !slices.Equal(got, settings) || window != 1<<20-65535 {
			t.Errorf("got %v, %d", got, window)
		}
		p.SendSettings()
		p.SendRaw(h2.AppendSettingsAck(nil))
		p.WantSettingsAck("acknowledged")
		f := &fixture{p, t, c, nc}
		// A frame of a size that was allowed.
		k := f.do(t.Context(), get("/"))
		f.WantHeaders(1, "", "a request")
		block := append([]byte{0x20}, 0x88) // the table was reduced to nothing
		f.SendRaw(h2.AppendHeaders(nil, 1, block, h2.HeadersOptions{}))
		f.SendRaw(h2.AppendData(nil, 1, make([]byte, 60000), true, 0))
		k.wait()
		if k.err != nil || len(k.body) != 60000 {
			t.Errorf("got %v, %d bytes", k.err, len(k.body))
		}
	})
}
