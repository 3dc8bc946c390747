package h2_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
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

// connect opens a tunnel.
func connect(f *fixture, req *wire.Request) (net.Conn, *call) {
	f.t.Helper()
	k := f.head(f.t.Context(), req)
	h := f.WantHeaders(0, "", "CONNECT")
	if h.End {
		f.t.Error("CONNECT ends the stream")
	}
	f.SendHeaders(h.ID, false, ":status", "200")
	k.wait()
	if k.err != nil {
		f.t.Fatal(k.err)
	}
	nc, err := k.res.Body.Detach()
	if err != nil {
		f.t.Fatal(err)
	}
	return nc, k
}

func TestConnect(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{PingInterval: -1})
		nc, k := connect(f, &wire.Request{Method: "CONNECT", Target: "example.test:443"})
		if _, err := k.res.Body.Read(make([]byte, 1)); err != wire.ErrBodyClosed {
			t.Errorf("the body of a detached stream: %v", err)
		}
		if _, err := k.res.Body.Detach(); err != wire.ErrBodyClosed {
			t.Errorf("detached twice: %v", err)
		}
		nc.Write([]byte("hello"))
		f.WantData(1, "hello", false, "what is written")
		f.SendData(1, "world", false)
		buf := make([]byte, 100)
		n, err := nc.Read(buf)
		if string(buf[:n]) != "world" || err != nil {
			t.Errorf("got %q, %v", buf[:n], err)
		}
		time.Sleep(time.Hour) // no timeout applies

		nc.SetReadDeadline(time.Now().Add(time.Second))
		began := time.Now()
		_, err = nc.Read(buf)
		var ne net.Error
		if !errors.As(err, &ne) || !ne.Timeout() || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
		nc.SetReadDeadline(time.Time{})
		f.SendData(1, "more", true)
		b, err := io.ReadAll(nc)
		if string(b) != "more" || err != nil {
			t.Errorf("got %q, %v", b, err)
		}
		nc.Write([]byte("still")) // half-closed
		f.WantData(1, "still", false, "what is written")
		nc.(interface{ CloseWrite() error }).CloseWrite()
		f.WantData(1, "", true, "the end")
		if _, err := nc.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v", err)
		}
		f.inFlight(1)
		nc.Close()
		nc.Close()
		f.inFlight(0)
		if _, err := nc.Read(buf); !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v", err)
		}
		f.WantIdle("a stream that both sides have ended is not reset")
		f.alive()
	})
}

func TestConnectWriteDeadline(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{PingInterval: -1}, h2.Setting{ID: h2.SettingInitialWindowSize, Value: 10})
		nc, _ := connect(f, &wire.Request{Method: "CONNECT", Target: "example.test:443"})
		nc.SetWriteDeadline(time.Now().Add(time.Second))
		n, err := nc.Write([]byte("0123456789abc"))
		if n != 10 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %d, %v", n, err)
		}
		nc.SetWriteDeadline(time.Time{})
		f.WantData(1, "0123456789", false, "what the window allows")
		f.SendRaw(h2.AppendWindowUpdate(nil, 1, 10))
		if n, err := nc.Write([]byte("abc")); n != 3 || err != nil {
			t.Errorf("got %d, %v", n, err)
		}
		f.WantData(1, "abc", false, "the rest")
		nc.Close()
		f.WantData(1, "", true, "our end")
		f.WantRST(1, h2.Cancel, "and the peer's")
		f.alive()
	})
}

func TestConnectRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		k := f.head(t.Context(), &wire.Request{Method: "CONNECT", Target: "example.test:443"})
		f.WantHeaders(1, "", "CONNECT")
		f.SendHeaders(1, false, ":status", "407")
		f.SendData(1, "no", true)
		k.wait()
		if _, err := k.res.Body.Detach(); err != wire.ErrNotSwitched {
			t.Errorf("got %v", err)
		}
		k.read()
		k.ok(407, "no")
		f.WantRST(1, h2.Cancel, "our half was open")
		f.alive()
	})
}

func TestExtendedConnect(t *testing.T) {
	req := func() *wire.Request {
		r := get("/chat")
		r.Method = "CONNECT"
		r.Fields.Add(":protocol", "websocket")
		return r
	}
	t.Run("waits for SETTINGS", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := raw(t, h2.Config{})
			k := f.head(t.Context(), req())
			f.WantIdle("whether the peer supports it is not known")
			f.SendSettings(h2.Setting{ID: h2.SettingEnableConnect, Value: 1})
			f.WantSettingsAck("acknowledged")
			h := f.WantHeaders(1, "CONNECT /chat", "extended CONNECT")
			if h.Get(":protocol") != "websocket" || h.Get(":authority") != "example.test" || h.Get(":scheme") != "https" {
				t.Errorf("got %+v", h)
			}
			f.SendHeaders(1, false, ":status", "200")
			k.wait()
			nc, err := k.res.Body.Detach()
			if err != nil {
				t.Fatal(err)
			}
			nc.Close()
		})
	})
	t.Run("is not supported", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{})
			f.head(t.Context(), req()).fails(wire.ErrLocalProtocol)
			f.WantIdle("nothing is sent")
			f.inFlight(0)
		})
	})
	t.Run("no SETTINGS", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := raw(t, h2.Config{})
			f.head(t.Context(), req()).fails(wire.ErrReadTimeout)
			f.inFlight(0)
		})
	})
}

func TestConnectionEndsTunnel(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		nc, _ := connect(f, &wire.Request{Method: "CONNECT", Target: "example.test:443"})
		f.SendData(1, "last words", false)
		synctest.Wait()
		f.Close()
		b, err := io.ReadAll(nc)
		if string(b) != "last words" || err == nil {
			t.Errorf("got %q, %v", b, err)
		}
		if _, err := nc.Write([]byte("x")); err == nil {
			t.Error("written to a dead connection")
		}
		nc.Close()
		f.inFlight(0)
	})
}
