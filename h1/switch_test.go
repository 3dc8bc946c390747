package h1_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/h1"
	"gohttpx.dev/wire"
)

func upgrade() *wire.Request {
	r := get("/chat")
	r.Fields = wire.Fields{{Name: "Connection", Value: "Upgrade"}, {Name: "Upgrade", Value: "websocket, irc/6.9"}}
	return r
}

func connect() *wire.Request {
	return &wire.Request{Method: "CONNECT", Authority: "example.org:443", Target: "example.org:443"}
}

const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\n\r\n"

func TestDetach(t *testing.T) {
	for _, tt := range []struct {
		name string
		req  *wire.Request
		head string
	}{
		{"101", upgrade(), switching},
		{"CONNECT", connect(), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: gzip\r\n\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, h1.Config{})
				r.script(func() {
					r.p.WantHead("", "the request")
					r.p.Send(tt.head + "leading")
					r.p.WantBytes("ping", "the stream goes both ways")
					time.Sleep(time.Hour) // no timeout applies
					r.p.TrySend(" and more")
					r.p.WantClosed("the stream was closed")
				})
				ctx, cancel := context.WithCancel(context.Background())
				var res wire.Response
				if err := r.do(ctx, tt.req, &res); err != nil {
					t.Fatal(err)
				}
				nc, err := res.Body.Detach()
				if err != nil {
					t.Fatal(err)
				}
				cancel() // no context applies
				synctest.Wait()
				buf := make([]byte, 4)
				if n, err := nc.Read(buf); string(buf[:n]) != "lead" || err != nil {
					t.Errorf("%q, %v", buf[:n], err)
				}
				if _, err := io.WriteString(nc, "ping"); err != nil {
					t.Error(err)
				}
				rest := make([]byte, len("ing and more"))
				if _, err := io.ReadFull(nc, rest); string(rest) != "ing and more" || err != nil {
					t.Errorf("%q, %v", rest, err)
				}
				if s := r.State(); s.InFlight != 1 || r.Reserve() {
					t.Errorf("the slot is free while the stream is open: %+v", s)
				}
				if _, err := res.Body.Read(buf); err != wire.ErrBodyClosed {
					t.Errorf("the body reads beside the stream: %v", err)
				}
				if err := res.Body.Close(); err != nil {
					t.Error(err)
				}
				if _, err := res.Body.Detach(); err != wire.ErrBodyClosed {
					t.Errorf("detached twice: %v", err)
				}
				r.wantHeld()
				if err := nc.Close(); err != nil {
					t.Error(err)
				}
				nc.Close()
				r.wantFree(1, wire.ConnClosed)
			})
		})
	}
}

func (r *rig) wantHeld() {
	r.t.Helper()
	if s := r.State(); s.InFlight != 1 || r.freed.Load() != 0 {
		r.t.Errorf("state %+v, freed %d times", s, r.freed.Load())
	}
}

func TestSwitchedBodyReadsTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, h1.Config{})
		r.script(func() {
			r.p.WantHead("", "the request")
			r.p.Send(switching + "abc")
			time.Sleep(time.Hour)
			r.p.Send("def")
			r.p.Close()
		})
		var res wire.Response
		if err := r.do(context.Background(), upgrade(), &res); err != nil {
			t.Fatal(err)
		}
		readAll(t, res.Body, "abcdef")
		r.wantFree(1, wire.ConnClosed)
	})
}

func TestDetachAfterCancel(t *testing.T) {
	r := newRig(t, h1.Config{})
	r.script(func() {
		r.p.WantHead("", "the request")
		r.p.Send(switching)
		r.p.WantClosed("it was cancelled")
	})
	ctx, cancel := context.WithCancelCause(context.Background())
	var res wire.Response
	if err := r.do(ctx, upgrade(), &res); err != nil {
		t.Fatal(err)
	}
	cancel(errWhy)
	_, err := res.Body.Detach()
	wantCanceled(t, err, wire.PhaseBody, true)
	eventually(t, "the slot is free", func() bool { return r.freed.Load() == 1 })
}

func TestCloseBreaksTheStream(t *testing.T) {
	r := newRig(t, h1.Config{})
	r.script(func() {
		r.p.WantHead("", "the request")
		r.p.Send(switching)
		r.p.WantClosed("the owner has closed it")
	})
	var res wire.Response
	if err := r.do(context.Background(), upgrade(), &res); err != nil {
		t.Fatal(err)
	}
	nc, err := res.Body.Detach()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	if _, err := nc.Read(make([]byte, 1)); err == nil {
		t.Error("the stream lives on")
	}
	nc.Close()
	r.wantFree(1, wire.ConnClosed)
}

func TestNotSwitched(t *testing.T) {
	r := newRig(t, h1.Config{})
	r.script(func() {
		r.p.WantHead("", "the request")
		r.p.Respond("200 OK", "abc")
		r.p.WantHead("", "the next one")
		r.p.Respond("204 No Content", "")
	})
	var res wire.Response
	if err := r.do(context.Background(), upgrade(), &res); err != nil {
		t.Fatal(err)
	}
	if _, err := res.Body.Detach(); err != wire.ErrNotSwitched {
		t.Errorf("got %v", err)
	}
	if _, _, err := r.Detach(); err != wire.ErrNotSwitched {
		t.Errorf("got %v", err)
	}
	readAll(t, res.Body, "abc")
	if _, err := res.Body.Detach(); err != wire.ErrNotSwitched {
		t.Errorf("got %v", err)
	}
	if err := r.do(context.Background(), upgrade(), &res); err != nil {
		t.Fatal(err)
	}
	if _, err := res.Body.Detach(); err != wire.ErrNotSwitched {
		t.Errorf("got %v", err)
	}
	r.wantFree(2, wire.ConnOpen)
}

func TestSwitchRefused(t *testing.T) {
	for _, tt := range []struct {
		name, head, text string
		req              *wire.Request
	}{
		{"another protocol", "HTTP/1.1 101 X\r\nUpgrade: smtp\r\n\r\n", "not asked for", upgrade()},
		{"one of two", "HTTP/1.1 101 X\r\nUpgrade: websocket, smtp\r\n\r\n", "not asked for", upgrade()},
		{"another version", "HTTP/1.1 101 X\r\nUpgrade: irc/7\r\n\r\n", "not asked for", upgrade()},
		{"before the body was sent", switching, "before the request was fully sent", func() *wire.Request {
			r := upgrade()
			r.Method, r.Body, r.BodyLen = "POST", bodyOf("abc"), -1
			r.Timeouts.Continue = time.Hour
			return r
		}()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, h1.Config{})
			r.script(func() {
				r.p.WantHead("", "the request")
				r.p.Send(tt.head)
				r.p.WantClosed("nothing can follow")
			})
			err := r.do(context.Background(), tt.req, new(wire.Response))
			wantErr(t, err, wire.PhaseHead, wire.KindProtocol, true, true, tt.text)
			r.wantFree(1, wire.ConnClosed)
			if b, ok := tt.req.Body.(*body); ok && b.closes.Load() != 1 {
				t.Errorf("body closed %d times", b.closes.Load())
			}
		})
	}
}

func TestRaw(t *testing.T) {
	r := newRig(t, h1.Config{})
	ctx := context.Background()
	r.script(func() {
		r.p.WantBytes("GET /a HTTP/1.1\nbroken : x\r\n\r\n", "exactly these bytes")
		r.p.Send("HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc" +
			"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n" + "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nrest")
		r.p.WantBytes("HEAD /bGET /out", "the rest, and the stream")
		r.p.WantClosed("it was closed")
	})
	send := func(s string) {
		t.Helper()
		if err := r.SendRaw(ctx, []byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	var res wire.Response
	head := func(status int) {
		t.Helper()
		if err := r.ReadHead(ctx, &res); err != nil || res.Status != status {
			t.Fatalf("status %d, %v", res.Status, err)
		}
	}
	send("GET /a HTTP/1.1\nbroken : x\r\n\r\n")
	if r.Reserve() {
		t.Error("the slot is free")
	}
	if err := r.RoundTrip(ctx, get("/"), &res); !errors.Is(err, wire.ErrLocalProtocol) {
		t.Errorf("RoundTrip on a raw connection: %v", err)
	}
	head(103)
	if !res.Body.Ended() || res.Fields.Get("a") != "b" {
		t.Errorf("%+v", res)
	}
	head(200)
	if err := r.ReadHead(ctx, &res); !errors.Is(err, wire.ErrLocalProtocol) {
		t.Errorf("ReadHead before the content was read: %v", err)
	}
	readAll(t, res.Body, "abc")
	send("HEAD /b")
	head(200)
	if !res.Body.Ended() {
		t.Error("a response to HEAD has content")
	}
	send("GET /")
	head(200)
	readAll(t, res.Body, "x")
	nc, lead, err := r.Detach()
	if err != nil || string(lead) != "rest" {
		t.Fatalf("%q, %v", lead, err)
	}
	io.WriteString(nc, "out")
	nc.Close()
	if s := r.State(); s.Phase != wire.ConnClosed || s.InFlight != 0 {
		t.Errorf("%+v", s)
	}
	if err := r.SendRaw(ctx, []byte("x")); !errors.Is(err, wire.ErrClosed) {
		t.Errorf("SendRaw after the end: %v", err)
	}
}

func TestRawClose(t *testing.T) {
	r := newRig(t, h1.Config{})
	if err := r.SendRaw(context.Background(), []byte("GET / HTTP/1.1\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	r.Close()
	if s := r.State(); s.Phase != wire.ConnClosed || s.InFlight != 0 {
		t.Errorf("%+v", s)
	}
	r = newRig(t, h1.Config{})
	ctx, cancel := context.WithCancelCause(context.Background())
	r.script(func() {
		r.p.WantBytes("x", "the byte")
		cancel(errWhy)
		r.p.WantClosed("cancelled")
	})
	r.SendRaw(context.Background(), []byte("x"))
	wantCanceled(t, r.ReadHead(ctx, new(wire.Response)), wire.PhaseHead, true)
	if s := r.State(); s.Phase != wire.ConnClosed || s.InFlight != 0 {
		t.Errorf("%+v", s)
	}
}
