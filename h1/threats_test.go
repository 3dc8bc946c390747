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

// Peers that send just enough for no read timeout to fire. What ends them are the
// limits on what is not content, the limit on the time to the head, and the
// context: one of them always does, and says which it was.
func TestThreatsDribble(t *testing.T) {
	const pause = 4 * time.Second // the read timeout is 5 s
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	byByte := func(s string) (pieces []string) {
		for i := range len(s) {
			pieces = append(pieces, s[i:i+1])
		}
		return pieces
	}
	const hour = time.Hour
	for _, tt := range []struct {
		name   string
		first  string
		more   []string // sent over and over, a pause apart
		header time.Duration
		total  time.Duration // of the context
		body   bool          // it ends in the content
		kind   wire.Kind
		text   string
		took   time.Duration // at most
	}{
		{
			"a head, to the header timeout", "HTTP/1.1 200 OK\r\n", byByte("A: b\r\n"), time.Minute, hour,
			false, wire.KindTimeout, "within 1m0s", 67 * time.Second,
		},
		{
			"a head, to the context's deadline", "HTTP/1.1 200 OK\r\n", byByte("A: b\r\n"), 0, time.Minute,
			false, wire.KindCanceled, "deadline", 61 * time.Second,
		},
		{
			"100 (Continue), to the header timeout", "",
			[]string{"HTTP/1.1 100 Continue\r\n\r\n"},
			time.Minute, hour,
			false, wire.KindTimeout, "within 1m0s", 67 * time.Second,
		},
		{
			"100 (Continue), to the limit", "",
			[]string{"HTTP/1.1 100 Continue\r\n\r\n"},
			0, hour,
			false, wire.KindProtocol, "33 interim responses", 33 * pause,
		},
		{
			"a chunk extension, to the limit", chunked + "1;",
			[]string{strings.Repeat("a", 200)},
			0, hour,
			true, wire.KindProtocol, "chunk extensions", 22 * pause,
		},
		{
			"trailers, to the limit", chunked + "0\r\n",
			[]string{strings.Repeat("A: b\r\n", 500)},
			0, hour,
			true, wire.KindProtocol, "trailer section", 23 * pause,
		},
		{
			"content, to the context's deadline", chunked,
			[]string{"1\r\nx\r\n"},
			0, time.Minute,
			true, wire.KindCanceled, "deadline", 61 * time.Second,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, h1.Config{})
				r.script(func() {
					r.p.WantRequest("GET / HTTP/1.1", "the request")
					r.p.TrySend(tt.first)
					for i := 0; ; i++ {
						time.Sleep(pause)
						if r.p.TrySend(tt.more[i%len(tt.more)]) != nil {
							return
						}
					}
				})
				ctx, cancel := context.WithTimeout(context.Background(), tt.total)
				defer cancel()
				start := time.Now()
				var res wire.Response
				err := r.do(ctx, timed(get("/"), wire.Timeouts{Read: 5 * time.Second, Header: tt.header}), &res)
				if tt.body != (err == nil) {
					t.Fatalf("the head: %v", err)
				}
				phase := wire.PhaseHead
				if tt.body {
					phase = wire.PhaseBody
					_, err = io.Copy(io.Discard, res.Body)
				}
				wantErr(t, err, phase, tt.kind, tt.kind != wire.KindCanceled, true, tt.text)
				if took := time.Since(start); took > tt.took {
					t.Errorf("took %v, want %v at most", took, tt.took)
				}
				r.wantFree(1, wire.ConnClosed)
			})
		})
	}
}
