package h1_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/h1"
	"gohttpx.dev/wire"
)

// within checks that the time since start is in [limit, 1.1 limit].
func within(t *testing.T, start time.Time, limit time.Duration) {
	t.Helper()
	if d := time.Since(start); d < limit || d > limit+limit/10 {
		t.Errorf("fired after %v, want %v to %v", d, limit, limit+limit/10)
	}
}

func timed(r *wire.Request, tm wire.Timeouts) *wire.Request {
	r.Timeouts = tm
	return r
}

func TestReadTimeoutBeforeTheHead(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  time.Duration
		want time.Duration
	}{{"default", 0, 5 * time.Second}, {"300 ms", 300 * time.Millisecond, 300 * time.Millisecond}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, h1.Config{})
				r.script(func() {
					r.p.WantRequest("GET / HTTP/1.1", "the request")
					r.p.WantClosed("it timed out")
				})
				start := time.Now()
				err := r.do(context.Background(), timed(get("/"), wire.Timeouts{Read: tt.set}), new(wire.Response))
				within(t, start, tt.want)
				wantErr(t, err, wire.PhaseHead, wire.KindTimeout, true, true, "read timeout: nothing received for "+tt.want.String())
				if !errors.Is(err, wire.ErrReadTimeout) || !errors.Is(err, wire.ErrTimeout) {
					t.Error("sentinels")
				}
				r.wantFree(1, wire.ConnClosed)
			})
		})
	}
}

func TestReadTimeoutInTheContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, h1.Config{})
		r.script(func() {
			r.p.WantRequest("GET / HTTP/1.1", "the request")
			r.p.Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
			r.p.WantClosed("it timed out")
		})
		var res wire.Response
		if err := r.do(context.Background(), timed(get("/"), wire.Timeouts{Read: time.Second}), &res); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 10)
		res.Body.Read(buf)
		time.Sleep(time.Minute) // the application's own pause counts for nothing
		start := time.Now()
		_, err := res.Body.Read(buf)
		within(t, start, time.Second)
		wantErr(t, err, wire.PhaseBody, wire.KindTimeout, true, true, "nothing received for 1s")
		if _, again := res.Body.Read(buf); again != err {
			t.Errorf("the next read says %v", again)
		}
		r.wantFree(1, wire.ConnClosed)
	})
}

// A pause of the application is not the peer's, whose bytes wait.
func TestPauseLongerThanTheReadTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, h1.Config{})
		r.script(func() {
			for range 2 {
				r.p.WantRequest("GET / HTTP/1.1", "the request")
				r.p.Send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
				time.Sleep(time.Second)
				r.p.Send("def")
			}
		})
		for range 2 {
			var res wire.Response
			if err := r.do(context.Background(), timed(get("/"), wire.Timeouts{Read: 2 * time.Second}), &res); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			readAll(t, res.Body, "abcdef")
		}
		r.wantFree(2, wire.ConnOpen)
	})
}

func TestSlowButSteadyPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, h1.Config{})
		r.script(func() {
			r.p.WantRequest("GET / HTTP/1.1", "the request")
			for _, b := range []byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n") {
				time.Sleep(990 * time.Millisecond)
				r.p.Send(string(b))
			}
		})
		var res wire.Response
		if err := r.do(context.Background(), timed(get("/"), wire.Timeouts{Read: time.Second}), &res); err != nil {
			t.Fatal(err)
		}
		readAll(t, res.Body, "abcde")
		r.wantFree(1, wire.ConnOpen)
	})
}

func TestWriteTimeout(t *testing.T) {
	big := strings.Repeat("x", 300_000)
	for _, tt := range []struct {
		name string
		req  func() *wire.Request
	}{
		{"upload", func() *wire.Request { return post(bodyOf(big), int64(len(big))) }},
		{"upload in memory", func() *wire.Request {
			sr := strings.NewReader(big)
			return post(lenBody{&body{Reader: sr}, sr}, int64(len(big)))
		}},
		{"chunked", func() *wire.Request { return post(bodyOf(big), -1) }},
		{"head", func() *wire.Request {
			r := get("/")
			r.Fields.Add("X", big)
			return r
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, h1.Config{})
				start := time.Now()
				err := r.do(context.Background(), timed(tt.req(), wire.Timeouts{Write: 2 * time.Second, Read: 3 * time.Second}), new(wire.Response))
				within(t, start, 2*time.Second)
				wantErr(t, err, wire.PhaseWrite, wire.KindTimeout, true, true, "write timeout: nothing sent for 2s")
				if !errors.Is(err, wire.ErrWriteTimeout) {
					t.Error("sentinels")
				}
				r.wantFree(1, wire.ConnClosed)
			})
		})
	}
	// With equal limits it is the write that stands still.
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, h1.Config{})
		start := time.Now()
		err := r.do(context.Background(), post(bodyOf(big), int64(len(big))), new(wire.Response))
		within(t, start, 5*time.Second)
		wantErr(t, err, wire.PhaseWrite, wire.KindTimeout, true, true, "write timeout: nothing sent for 5s")
		r.wantFree(1, wire.ConnClosed)
	})
}

// With the write limit off or longer, the read limit sees an upload that stands
// still.
func TestStalledUploadWithoutWriteTimeout(t *testing.T) {
	big := strings.Repeat("x", 300_000)
	for _, write := range []time.Duration{wire.Never, 3 * time.Second} {
		for _, rc := range []io.ReadCloser{bodyOf(big), io.NopCloser(strings.NewReader(big))} {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, h1.Config{})
				start := time.Now()
				req := timed(post(rc, 300_000), wire.Timeouts{Write: write, Read: time.Second})
				err := r.do(context.Background(), req, new(wire.Response))
				within(t, start, time.Second)
				wantErr(t, err, wire.PhaseHead, wire.KindTimeout, true, true, "read timeout")
				r.wantFree(1, wire.ConnClosed)
			})
		}
	}
}

// ticking delivers n pieces, one each interval.
type ticking struct {
	n     int
	every time.Duration
	piece string
}

func (s *ticking) Read(p []byte) (int, error) {
	if s.n == 0 {
		return 0, io.EOF
	}
	s.n--
	time.Sleep(s.every)
	return copy(p, s.piece), nil
}

func TestSteadyUploadToSilentServer(t *testing.T) {
	for _, tt := range []struct {
		name  string
		n     int
		every time.Duration
		known bool
	}{
		{"30 s, a piece each second, chunked", 30, time.Second, false},
		{"30 s, a piece each second, known length", 30, time.Second, true},
		{"a source slower than the read timeout", 5, 7 * time.Second, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, h1.Config{})
				r.script(func() {
					req := r.p.WantRequest("POST /up HTTP/1.1", "the whole upload")
					if len(req.Body) != tt.n*4 {
						t.Errorf("got %d bytes", len(req.Body))
					}
					time.Sleep(4900 * time.Millisecond) // less than Read after the end
					r.p.Respond("200 OK", "")
				})
				length := int64(-1)
				if tt.known {
					length = int64(tt.n * 4)
				}
				req := post(&body{Reader: &ticking{tt.n, tt.every, "data"}}, length)
				var res wire.Response
				if err := r.do(context.Background(), req, &res); err != nil {
					t.Fatal(err)
				}
				r.wantFree(1, wire.ConnOpen)
			})
		})
	}
}

// The read clock starts when the upload ends.
func TestReadTimeoutAfterUpload(t *testing.T) {
	for _, every := range []time.Duration{0, 300 * time.Millisecond, 950 * time.Millisecond, 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, h1.Config{})
			var sent time.Time
			r.script(func() {
				r.p.WantRequest("POST /up HTTP/1.1", "the upload")
				sent = time.Now()
				r.p.WantClosed("it timed out")
			})
			req := timed(post(&body{Reader: &ticking{7, every, "data"}}, -1), wire.Timeouts{Read: time.Second})
			err := r.do(context.Background(), req, new(wire.Response))
			synctest.Wait()
			within(t, sent, time.Second)
			wantErr(t, err, wire.PhaseHead, wire.KindTimeout, true, true, "nothing received for 1s")
		})
	}
}

func TestHeaderTimeout(t *testing.T) {
	for _, tt := range []struct {
		name   string
		tm     wire.Timeouts
		upload bool
	}{
		{"alone", wire.Timeouts{Header: 3 * time.Second, Read: wire.Never}, false},
		{"beside the read timeout", wire.Timeouts{Header: 3 * time.Second, Read: 2 * time.Second}, false},
		{"shorter than the read timeout", wire.Timeouts{Header: 3 * time.Second}, false},
		{"after an upload", wire.Timeouts{Header: 3 * time.Second, Read: wire.Never}, true},
		{"after an upload, beside", wire.Timeouts{Header: 3 * time.Second, Read: 2 * time.Second}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, h1.Config{})
				var sent time.Time
				r.script(func() {
					r.p.WantRequest("", "the request")
					sent = time.Now()
					for r.p.TrySend("HTTP/1.1 103 Early Hints\r\n\r\n") == nil {
						time.Sleep(500 * time.Millisecond)
					}
				})
				req := get("/")
				if tt.upload {
					req = post(&body{Reader: &ticking{4, 900 * time.Millisecond, "data"}}, -1)
				}
				err := r.do(context.Background(), timed(req, tt.tm), new(wire.Response))
				within(t, sent, 3*time.Second)
				wantErr(t, err, wire.PhaseHead, wire.KindTimeout, true, true, "no complete response head within 3s")
				r.wantFree(1, wire.ConnClosed)
			})
		})
	}
}

// The header timeout ends with the head.
func TestHeaderTimeoutSparesTheContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, h1.Config{})
		r.script(func() {
			r.p.WantRequest("", "the request")
			r.p.Send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n")
			time.Sleep(4 * time.Second)
			r.p.Send("x")
		})
		var res wire.Response
		if err := r.do(context.Background(), timed(get("/"), wire.Timeouts{Header: time.Second}), &res); err != nil {
			t.Fatal(err)
		}
		readAll(t, res.Body, "x")
	})
}

// 300 ms → Never → 300 ms → 1 h → 300 ms on one connection.
func TestTimeoutsChangePerRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, h1.Config{})
		r.script(func() {
			r.p.WantRequest("GET /1 HTTP/1.1", "300 ms")
			r.p.Respond("200 OK", "")
			r.p.WantRequest("GET /2 HTTP/1.1", "no timeout")
			time.Sleep(time.Hour)
			r.p.Respond("200 OK", "")
			r.p.WantRequest("GET /3 HTTP/1.1", "300 ms again")
			r.p.Respond("200 OK", "")
			r.p.WantRequest("GET /4 HTTP/1.1", "a long one")
			r.p.Respond("200 OK", "")
			r.p.WantRequest("GET /5 HTTP/1.1", "and once more, to fire")
			r.p.WantClosed("it timed out")
		})
		const short = 300 * time.Millisecond
		for i, d := range []time.Duration{short, wire.Never, short, time.Hour} {
			var res wire.Response
			if err := r.do(context.Background(), timed(get("/"+string(rune('1'+i))), wire.Timeouts{Read: d, Write: d}), &res); err != nil {
				t.Fatal(i, err)
			}
		}
		start := time.Now()
		err := r.do(context.Background(), timed(get("/5"), wire.Timeouts{Read: short, Write: short}), new(wire.Response))
		within(t, start, short)
		wantErr(t, err, wire.PhaseHead, wire.KindTimeout, true, true, "300ms")
	})
}

// Body.Close drops a little content for the sake of the connection, and no more.
func TestDrain(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  h1.Config
		send string
		more func(r *rig)
		open bool
		took time.Duration
	}{
		{name: "rest is there", send: "Content-Length: 10\r\n\r\n0123456789", open: true},
		{name: "rest comes soon", send: "Content-Length: 10\r\n\r\n01", more: func(r *rig) {
			time.Sleep(40 * time.Millisecond)
			r.p.Send("23456789")
		}, open: true, took: 40 * time.Millisecond},
		{name: "rest comes too late", send: "Content-Length: 10\r\n\r\n01", more: func(r *rig) {
			time.Sleep(60 * time.Millisecond)
			r.p.TrySend("23456789")
		}, took: 50 * time.Millisecond},
		{name: "drip", send: "Content-Length: 10\r\n\r\n0", more: func(r *rig) {
			for range 9 {
				time.Sleep(20 * time.Millisecond)
				r.p.TrySend("1")
			}
		}, took: 50 * time.Millisecond},
		{name: "rest is too long", send: "Content-Length: 300000\r\n\r\n01"},
		{name: "chunked", send: "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: v\r\n\r\n", open: true},
		{name: "chunked, broken", send: "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n"},
		{
			name: "chunked, above the limit", cfg: h1.Config{DrainBytes: 1000},
			send: "Transfer-Encoding: chunked\r\n\r\nea60\r\n" + strings.Repeat("x", 60_000) + "\r\n0\r\n\r\n",
		},
		{
			name: "chunked, above the limit by its framing", cfg: h1.Config{DrainBytes: 20_000},
			send: "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\nx\r\n", 10_000) + "0\r\n\r\n",
		},
		{name: "until close", send: "\r\nabc"},
		{name: "the peer closes anyway", send: "Connection: close\r\nContent-Length: 3\r\n\r\nabc"},
		{name: "switched off", cfg: h1.Config{DrainBytes: -1}, send: "Content-Length: 10\r\n\r\n0123456789"},
		{name: "no time", cfg: h1.Config{DrainTime: -1}, send: "Content-Length: 10\r\n\r\n0123456789"},
		{name: "above the limit", cfg: h1.Config{DrainBytes: 5}, send: "Content-Length: 6\r\n\r\n012345"},
		{name: "within the limit", cfg: h1.Config{DrainBytes: 6}, send: "Content-Length: 6\r\n\r\n012345", open: true},
		{name: "bytes after the end", send: "Content-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\n\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, tt.cfg)
				r.script(func() {
					r.p.WantRequest("GET / HTTP/1.1", "the request")
					r.p.Send("HTTP/1.1 200 OK\r\n" + tt.send)
					if tt.more != nil {
						tt.more(r)
					}
					if !tt.open {
						r.p.WantClosed("what is left was not read")
						return
					}
					r.p.WantRequest("GET /next HTTP/1.1", "the connection is used again")
					r.p.Respond("200 OK", "")
				})
				var res wire.Response
				if err := r.do(context.Background(), get("/"), &res); err != nil {
					t.Fatal(err)
				}
				b := res.Body
				start := time.Now()
				if err := b.Close(); err != nil {
					t.Error(err)
				}
				if took := time.Since(start); took != tt.took {
					t.Errorf("Close took %v, want %v", took, tt.took)
				}
				if _, err := b.Read(make([]byte, 1)); err != wire.ErrBodyClosed {
					t.Errorf("a read after Close says %v", err)
				}
				if len(res.Trailers) != 0 {
					t.Error("trailers in a response that the caller may be using again")
				}
				if !tt.open {
					r.wantFree(1, wire.ConnClosed)
					return
				}
				r.wantFree(1, wire.ConnOpen)
				if err := r.do(context.Background(), get("/next"), &res); err != nil {
					t.Fatal(err)
				}
				if err := b.Close(); err != nil {
					t.Error(err)
				}
				r.wantFree(2, wire.ConnOpen)
			})
		})
	}
}
