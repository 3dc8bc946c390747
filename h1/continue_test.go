package h1_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/h1"
	"gohttpx.dev/wire"
)

func TestContinue(t *testing.T) {
	expect := wire.Timeouts{Continue: time.Second}
	for _, tt := range []struct {
		name   string
		peer   func(r *rig)
		status int
		err    string
		sent   bool // the body was
		open   bool // the connection may be used again
		took   time.Duration
	}{
		{"100 comes", func(r *rig) {
			h := r.p.WantHead("POST /up HTTP/1.1", "the head alone")
			if h.Get("Expect") != "100-continue" {
				r.t.Errorf("head %q", h.Head)
			}
			r.p.WantIdle("the body is held back")
			time.Sleep(900 * time.Millisecond)
			r.p.Send("HTTP/1.1 100 Continue\r\n\r\n")
			r.p.WantBody(h, "hello", "the body follows")
			r.p.Respond("200 OK", "")
		}, 200, "", true, true, 900 * time.Millisecond},
		{"nothing comes", func(r *rig) {
			h := r.p.WantHead("POST /up HTTP/1.1", "the head alone")
			r.p.WantBody(h, "hello", "the body is sent all the same")
			r.p.Respond("200 OK", "")
		}, 200, "", true, true, time.Second},
		{"102 first", func(r *rig) {
			h := r.p.WantHead("POST /up HTTP/1.1", "the head alone")
			r.p.Send("HTTP/1.1 102 Processing\r\n\r\n")
			r.p.WantIdle("102 is no 100")
			r.p.Send("HTTP/1.1 100 Continue\r\n\r\n")
			r.p.WantBody(h, "hello", "the body follows")
			r.p.Send("HTTP/1.1 102 Processing\r\n\r\n")
			r.p.Respond("200 OK", "")
		}, 200, "", true, true, 0},
		{"100 comes late", func(r *rig) {
			h := r.p.WantHead("POST /up HTTP/1.1", "the head alone")
			r.p.WantBody(h, "hello", "the body is sent all the same")
			r.p.Send("HTTP/1.1 100 Continue\r\n\r\n")
			r.p.WantIdle("the body is not sent again")
			r.p.Respond("200 OK", "")
		}, 200, "", true, true, time.Second},
		{"100 comes twice", func(r *rig) {
			h := r.p.WantHead("POST /up HTTP/1.1", "the head alone")
			r.p.Send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
			r.p.WantBody(h, "hello", "the body follows")
			r.p.WantIdle("once")
			r.p.Respond("200 OK", "")
		}, 200, "", true, true, 0},
		{"half of a 100 comes in time", func(r *rig) {
			h := r.p.WantHead("POST /up HTTP/1.1", "the head alone")
			r.p.Send("HTTP/1.1 100 Con")
			r.p.WantBody(h, "hello", "the body is sent all the same")
			r.p.Send("tinue\r\n\r\n")
			r.p.Respond("200 OK", "")
		}, 200, "", true, true, time.Second},
		{"417 after the body", func(r *rig) {
			h := r.p.WantHead("POST /up HTTP/1.1", "the head alone")
			r.p.WantBody(h, "hello", "the body is sent all the same")
			r.p.Respond("417 Expectation Failed", "")
		}, 417, "", true, true, time.Second},
		{"417", func(r *rig) {
			r.p.WantHead("POST /up HTTP/1.1", "the head alone")
			r.p.Respond("417 Expectation Failed", "")
			r.p.WantClosed("the body was not sent, so the connection cannot be used again")
		}, 417, "", false, false, 0},
		{"200 without asking for the body", func(r *rig) {
			r.p.WantHead("POST /up HTTP/1.1", "the head alone")
			r.p.Respond("200 OK", "")
			r.p.WantClosed("the body was not sent, so the connection cannot be used again")
		}, 200, "", false, false, 0},
		{"the peer goes away", func(r *rig) {
			r.p.WantHead("POST /up HTTP/1.1", "the head alone")
			r.p.Close()
		}, 0, "without sending a response", false, false, 0},
		{"silence for ever", func(r *rig) {
			h := r.p.WantHead("POST /up HTTP/1.1", "the head alone")
			r.p.WantBody(h, "hello", "the body is sent all the same")
			r.p.WantClosed("it timed out")
		}, 0, "nothing received for 5s", true, false, 6 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, length := range []int64{5, -1} {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, h1.Config{})
					r.script(func() { tt.peer(r) })
					b := bodyOf("hello")
					start := time.Now()
					var res wire.Response
					err := r.do(context.Background(), timed(post(b, length), expect), &res)
					took := time.Since(start)
					if took < tt.took || took > tt.took+tt.took/10 {
						t.Errorf("took %v, want %v", took, tt.took)
					}
					synctest.Wait()
					if tt.err != "" {
						if err == nil || !strings.Contains(err.Error(), tt.err) {
							t.Fatalf("got %v, want %q", err, tt.err)
						}
					} else if err != nil || res.Status != tt.status {
						t.Fatalf("got %v, status %d", err, res.Status)
					}
					if rest, _ := io.ReadAll(b.Reader); (len(rest) == 0) != tt.sent {
						t.Errorf("%d bytes of the body are left", len(rest))
					}
					if n := b.closes.Load(); n != 1 {
						t.Errorf("body closed %d times", n)
					}
					phase := wire.ConnClosed
					if tt.open {
						phase = wire.ConnOpen
					}
					r.wantFree(1, phase)
				})
			}
		})
	}
}
