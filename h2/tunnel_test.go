package h2_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/nettest"

	"gohttpx.dev/h2"
	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/wire"
)

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

// golang.org/x/net's checks of what a net.Conn does, over a CONNECT to its server.
func TestTunnelIsAConn(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		client, server := memconn.PipeSize(1 << 20)
		near, far := memconn.PipeSize(1 << 10)
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rc := http.NewResponseController(w)
			rc.Flush()
			go func() { // ends with the stream
				io.Copy(near, r.Body)
				near.Close()
			}()
			for buf := make([]byte, 1<<10); ; {
				n, err := near.Read(buf)
				w.Write(buf[:n])
				rc.Flush()
				if err != nil {
					return
				}
			}
		})
		go (&http2.Server{}).ServeConn(server, &http2.ServeConnOpts{Handler: handler})
		c, err := h2.NewConn(t.Context(), client, h2.Config{PingInterval: -1})
		if err != nil {
			return nil, nil, nil, err
		}
		var res wire.Response
		if err := c.RoundTrip(t.Context(), &wire.Request{Method: "CONNECT", Target: "example.test:443"}, &res); err != nil {
			return nil, nil, nil, err
		}
		c1, err = res.Body.Detach()
		return c1, far, func() {
			c1.Close()
			near.Close()
			far.Close()
			c.Close()
		}, err
	})
}

// A window that is open does not help a Write whose deadline has passed.
func TestTunnelAfterDeadline(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{PingInterval: -1})
		nc, _ := connect(f, &wire.Request{Method: "CONNECT", Target: "example.test:443"})
		nc.SetWriteDeadline(time.Now().Add(-time.Second))
		for _, p := range []string{"abc", ""} {
			if n, err := nc.Write([]byte(p)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("writing %q: got %d, %v", p, n, err)
			}
		}
		f.WantIdle("nothing is sent")
		closeWrite := nc.(interface{ CloseWrite() error }).CloseWrite
		if err := closeWrite(); err != nil {
			t.Errorf("got %v", err)
		}
		f.WantData(1, "", true, "our end, which needs no window and no time")
		if err := closeWrite(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v", err)
		}
		nc.Close()
		f.WantRST(1, h2.Cancel, "and the peer's")
		f.alive()
	})
}
