package h1_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/h1"
	"gohttpx.dev/internal/await"
	"gohttpx.dev/wire"
)

// When the wait for a response begins with the write, and which limits hold then:
// over a connection whose waits are as bad as they may be, with a clock that stands
// still.

// counted is a connection that takes note of its read deadlines.
type counted struct {
	net.Conn
	by   time.Time // the read deadline
	sets int       // how often it was set
}

func (c *counted) SetReadDeadline(t time.Time) error {
	c.by = t
	c.sets++
	return c.Conn.SetReadDeadline(t)
}

// blind is a connection whose wait misses all that arrives: it ends at the read
// deadline, or after that, as on a machine which does not get round to us.
type blind struct {
	counted
	waits []int         // the lengths of what WriteAwait was given
	late  time.Duration // how long after its deadline a wait ends
	short bool          // end a wait at once, as one that was woken for nothing
	stall time.Duration // how long the write of a piece takes
}

func (b *blind) Write(p []byte) (int, error) {
	time.Sleep(b.stall)
	return b.Conn.Write(p)
}

func (b *blind) WriteAwait(p []byte) (n int, waited bool, err error) {
	b.waits = append(b.waits, len(p))
	n, err = b.Conn.Write(p)
	if err == nil && !b.short {
		time.Sleep(time.Until(b.by) + b.late)
	}
	return n, err == nil, err
}

// newBlind is a rig over such a connection.
func newBlind(t *testing.T, b *blind) *rig {
	if !await.Waits {
		t.Log("no wait begins with a write on this system")
	}
	r := newRig(t, h1.Config{})
	b.Conn = r.nc
	return rigOver(t, h1.Config{}, b, r.p)
}

// wantWaits checks how many waits there were.
func (b *blind) wantWaits(t *testing.T, what string, want int) {
	t.Helper()
	if !await.Waits {
		want = 0
	}
	if len(b.waits) != want {
		t.Errorf("%s: %d waits, want %d", what, len(b.waits), want)
	}
}

// fetch makes one exchange, answered with a body.
func (r *rig) fetch(req *wire.Request) {
	r.t.Helper()
	var res wire.Response
	if err := r.do(context.Background(), req, &res); err != nil {
		r.t.Fatal(err)
	}
	readAll(r.t, res.Body, "hello")
}

func TestWhichWritesWait(t *testing.T) {
	const hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	never := wire.Timeouts{Read: wire.Never, Write: wire.Never}
	long := get("/")
	for range 40 {
		long.Fields = append(long.Fields, wire.Field{Name: "X-Long", Value: strings.Repeat("x", 1000)})
	}
	traced := get("/")
	traced.Trace = new(wire.Trace)
	for _, tt := range []struct {
		name  string
		req   *wire.Request
		waits int
	}{
		{"GET", get("/"), 1},
		{"short body", post(bodyOf("body"), 4), 0}, // of a type that may block: an uploader sends it
		{"short body in memory", post(new(memBody), 0), 1},
		{"no limits", timed(get("/"), never), 1},
		{"long limits", timed(get("/"), wire.Timeouts{Read: ms(200), Header: ms(200)}), 1},
		{"read limit with no room for a look", timed(get("/"), wire.Timeouts{Read: ms(199)}), 0},
		{"header limit with no room for a look", timed(get("/"), wire.Timeouts{Header: ms(199)}), 0},
		{"hooks", traced, 0},
		{"several writes, the last of which waits", long, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &blind{short: true}
				r := newBlind(t, b)
				r.script(func() {
					for range 2 {
						r.p.WantRequest("", "a request")
						r.p.Send(hello)
					}
				})
				r.fetch(get("/"))
				b.wantWaits(t, "the first exchange", 0)
				r.fetch(tt.req)
				b.wantWaits(t, "the second", tt.waits)
				if len(b.waits) == 1 && b.waits[0] > 16<<10 {
					t.Errorf("a wait began with %d bytes in one write", b.waits[0])
				}
			})
		})
	}
}

// A peer that took longer than a look is not waited for next time, until it is
// fast again. What comes before the whole request was sent says nothing of that.
func TestSlowPeerIsNotLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &blind{short: true}
		r := newBlind(t, b)
		pauses := []time.Duration{0, 0, 101 * time.Millisecond, 0, 0, 99 * time.Millisecond, 0}
		r.script(func() {
			for _, pause := range pauses {
				r.p.WantRequest("GET / HTTP/1.1", "a request")
				time.Sleep(pause)
				r.p.Send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
			}
			up := r.p.WantHead("POST /up HTTP/1.1", "a head that expects 100")
			r.p.Send("HTTP/1.1 100 Continue\r\n\r\n")
			r.p.WantBody(up, "body", "the body")
			r.p.Send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
			r.p.WantRequest("GET / HTTP/1.1", "a request after it")
			r.p.Send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
		})
		for i, waits := range []int{0, 1, 2, 2, 3, 4, 5} {
			r.fetch(get("/"))
			b.wantWaits(t, itoa(i), waits)
		}
		up := timed(post(bodyOf("body"), 4), wire.Timeouts{Continue: time.Second})
		up.Fields = append(up.Fields, wire.Field{Name: "Expect", Value: "100-continue"})
		r.fetch(up)
		b.wantWaits(t, "after an upload", 5)
		r.fetch(get("/"))
		b.wantWaits(t, "after 100 (Continue)", 6)
	})
}

// lazyBody is a body in memory whose Read takes its time.
type lazyBody struct{ memBody }

func (b *lazyBody) Read(p []byte) (int, error) {
	time.Sleep(90 * time.Millisecond)
	return b.memBody.Read(p)
}

// No limit fires early or more than a tenth late, however badly the wait goes.
func TestLimitsOfABlindWait(t *testing.T) {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	for _, tt := range []struct {
		name  string
		limit time.Duration
		tm    wire.Timeouts
		text  string
	}{
		{"read, just room for a look", ms(200), wire.Timeouts{Read: ms(200)}, "nothing received for"},
		{"read", ms(5000), wire.Timeouts{Read: ms(5000)}, "nothing received for"},
		{"header, just room for a look", ms(200), wire.Timeouts{Header: ms(200)}, "no complete response head within"},
		{"header, no read limit", ms(700), wire.Timeouts{Read: wire.Never, Header: ms(700)}, "no complete response head within"},
		{"header longer than read", ms(300), wire.Timeouts{Read: ms(300), Header: ms(1000)}, "nothing received for"},
	} {
		for _, late := range []time.Duration{0, ms(50)} {
			for _, before := range []string{"", ", after a slow body", ", after a slow write", ", after a slow write with a hook"} {
				name := tt.name + before
				if late > 0 {
					name += ", woken late"
				}
				t.Run(name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						b := &blind{late: late}
						r := newBlind(t, b)
						var sent time.Time
						r.script(func() {
							r.p.WantRequest("GET / HTTP/1.1", "the first request")
							r.p.Send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
							r.p.WantRequest("", "the second request")
							sent = time.Now()
							r.p.WantClosed("it timed out")
						})
						r.fetch(get("/"))
						req := get("/")
						switch {
						case strings.HasSuffix(before, "body"):
							req = post(new(lazyBody), 0)
						case before != "":
							b.stall = ms(40)
							req.Fields = append(req.Fields, wire.Field{Name: "X-Long", Value: strings.Repeat("x", 33_000)})
						}
						if strings.HasSuffix(before, "hook") {
							req.Trace = new(wire.Trace)
						}
						err := r.do(context.Background(), timed(req, tt.tm), new(wire.Response))
						wantErr(t, err, wire.PhaseHead, wire.KindTimeout, true, true, tt.text)
						synctest.Wait()
						within(t, sent, tt.limit)
						r.wantFree(2, wire.ConnClosed)
					})
				})
			}
		}
	}
}

// The deadline of a wait is no limit: that it has passed, even long ago, says
// nothing, and what came within the limit is read.
func TestLookThatComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBlind(t, &blind{late: 160 * time.Millisecond}) // 270 ms in all
		r.script(func() {
			r.p.WantRequest("GET / HTTP/1.1", "the first request")
			r.p.Send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
			r.p.WantRequest("GET / HTTP/1.1", "the second request")
			time.Sleep(150 * time.Millisecond)
			r.p.Send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
		})
		r.fetch(get("/"))
		r.fetch(timed(get("/"), wire.Timeouts{Read: 250 * time.Millisecond}))
		r.wantFree(2, wire.ConnOpen)
	})
}

// A steady exchange sets next to no deadlines, whether or not its waits begin with
// the write.
func TestDeadlinesOfSteadyExchanges(t *testing.T) {
	const n = 50
	serve := func(r *rig) {
		for range n {
			r.p.WantRequest("GET / HTTP/1.1", "a request")
			r.p.Send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
		}
	}
	synctest.Test(t, func(t *testing.T) {
		b := &blind{short: true}
		r := newBlind(t, b)
		r.script(func() { serve(r) })
		for range n {
			r.fetch(get("/"))
		}
		b.wantWaits(t, "all", n-1)
		if b.sets > 2 { // for the first, and for the look
			t.Errorf("%d deadlines for %d exchanges", b.sets, n)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, h1.Config{})
		c := &counted{Conn: r.nc}
		r = rigOver(t, h1.Config{}, c, r.p)
		r.script(func() { serve(r) })
		for range n {
			r.fetch(get("/"))
		}
		if c.sets != 1 {
			t.Errorf("%d deadlines for %d exchanges that cannot wait", c.sets, n)
		}
	})
}
