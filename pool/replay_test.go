package pool_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"gohttpx.dev/pool"
	"gohttpx.dev/wire"
)

func disconnected(sent bool) error {
	return &wire.Error{Phase: wire.PhaseHead, Kind: wire.KindDisconnected, Remote: true, Sent: sent, Err: io.EOF}
}

func unprocessed() error {
	return &wire.Error{Phase: wire.PhaseHead, Kind: wire.KindUnprocessed, Remote: true, Sent: true, Err: io.EOF}
}

// B5, C20: what is repeated, and what is not.
func TestReplayRule(t *testing.T) {
	reset := &wire.Error{Phase: wire.PhaseHead, Kind: wire.KindNetwork, Sent: true, Err: io.ErrUnexpectedEOF}
	for name, tt := range map[string]struct {
		reused bool
		method string
		body   bool // a body
		rewind bool // that can be made anew
		marked bool // Idempotent
		err    error
		want   bool // is repeated
	}{
		"GET on a reused connection":             {reused: true, err: disconnected(true), want: true},
		"GET on a new connection":                {err: disconnected(true)},
		"POST after bytes were sent":             {reused: true, method: "POST", err: disconnected(true)},
		"POST before any byte was sent":          {reused: true, method: "POST", err: disconnected(false), want: true},
		"POST that says it is idempotent":        {reused: true, method: "POST", marked: true, err: disconnected(true), want: true},
		"PATCH after bytes were sent":            {reused: true, method: "PATCH", err: disconnected(true)},
		"PUT with a body that rewinds":           {reused: true, method: "PUT", body: true, rewind: true, err: disconnected(true), want: true},
		"PUT with a body that does not":          {reused: true, method: "PUT", body: true, err: disconnected(true)},
		"POST, body not begun, does not rewind":  {reused: true, method: "POST", body: true, err: disconnected(false)},
		"POST that the peer has not processed":   {method: "POST", err: unprocessed(), want: true},
		"POST not processed, body rewinds":       {method: "POST", body: true, rewind: true, err: unprocessed(), want: true},
		"POST not processed, body does not":      {method: "POST", body: true, err: unprocessed()},
		"another error on a reused connection":   {reused: true, err: reset},
		"an error that is not ours":              {reused: true, err: io.EOF},
		"a timeout on a reused connection":       {reused: true, err: &wire.Error{Phase: wire.PhaseHead, Kind: wire.KindTimeout, Err: io.EOF}},
		"a response cut short after some of it":  {reused: true, err: &wire.Error{Phase: wire.PhaseHead, Kind: wire.KindProtocol, Remote: true, Err: io.EOF}},
		"GET before any byte was sent, reused":   {reused: true, err: disconnected(false), want: true},
		"GET before any byte was sent, but new":  {err: disconnected(false)},
		"GET that the peer has not processed":    {err: unprocessed(), want: true},
		"DELETE on a reused connection":          {reused: true, method: "DELETE", err: disconnected(true), want: true},
		"an unknown method, after bytes, reused": {reused: true, method: "get", err: disconnected(true)},
	} {
		t.Run(name, func(t *testing.T) {
			world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
				if tt.reused {
					get(t, p, n, key("a"))
				} else {
					n.made = func(c *fakeConn) {
						if c.id == 1 {
							c.serve = func(context.Context, *wire.Request) error { return tt.err }
						}
					}
				}
				if tt.reused {
					n.conn(0).serve = func(context.Context, *wire.Request) error { return tt.err }
				}
				first, second := &countedBody{}, &countedBody{}
				req := wire.Request{Method: tt.method, Idempotent: tt.marked}
				if tt.body {
					req.Body = first
				}
				if tt.rewind {
					req.Rewind = func() (io.ReadCloser, error) { return second, nil }
				}
				before := req.Body
				var res wire.Response
				err := p.RoundTrip(context.Background(), key("a"), &req, &res)
				if tt.want != (err == nil) || err != nil && err != tt.err {
					t.Errorf("error %v, repeated should be %v", err, tt.want)
				}
				res.Body.Close()
				if req.Body != before {
					t.Error("the caller's request was changed")
				}
				if tt.body && (first.closed != 1 || tt.want && second.closed != 1) {
					t.Errorf("bodies closed %d and %d times, want once each", first.closed, second.closed)
				}
				if want := uint64(0); p.Stats().Replays != want && !tt.want {
					t.Errorf("%d replays", p.Stats().Replays)
				}
			})
		})
	}
}

// A server that was restarted has left a pool of dead connections: after the
// second one the others are not tried.
func TestReplayEndsOnAFreshConnection(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		endAll(hold(t, p, key("a"), 10))
		for _, c := range n.conns {
			c.serve = func(context.Context, *wire.Request) error { return disconnected(true) }
		}
		if c := get(t, p, n, key("a")); c.id != 11 {
			t.Errorf("connection %d was used, want a new one", c.id)
		}
		if s := p.Stats(); s.Replays != 2 || s.Open != 1 {
			t.Errorf("replays %d, open %d; want 2, 1", s.Replays, s.Open)
		}
	})
}

// Connections that come back while a request is repeated may be dead too, when a
// server shuts down. It is patient with all that there were.
func TestReplayMeetsOneDeadConnectionAfterAnother(t *testing.T) {
	for _, dead := range []int{3, 6, 30} {
		world(t, pool.Config{MaxConnections: dead}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
			n.before = func(ctx context.Context, _ pool.Key, i int) error {
				if i <= dead {
					return nil
				}
				select { // slow: what comes back is sooner
				case <-time.After(time.Second):
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			held := hold(t, p, key("a"), dead)
			tries := 0
			for i, c := range n.conns {
				c.serve = func(context.Context, *wire.Request) error {
					tries++
					if i+1 < dead {
						time.AfterFunc(time.Millisecond, held[i+1].end) // while we wait
					}
					return disconnected(true)
				}
			}
			held[0].end()
			err := p.RoundTrip(context.Background(), key("a"), &wire.Request{Method: "GET"}, &wire.Response{})
			if err != nil || tries != dead {
				t.Errorf("%d dead connections: %d tries, %v", dead, tries, err)
			}
			p.Close()
		})
	}
}

// With those that are made later there is an end, though they have served others.
func TestReplayMeetsDyingNewConnections(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		get(t, p, n, key("a"))
		n.before = slowly(time.Second, nil)
		tries := 0
		serve := func(_ context.Context, r *wire.Request) error {
			if r.Method != "PUT" {
				return nil
			}
			tries++
			other := start(p, key("a"), wire.Timeouts{})
			time.Sleep(2 * time.Second) // it has a new connection
			granted(t, other)
			time.AfterFunc(time.Millisecond, other.end) // while we wait
			return disconnected(true)
		}
		n.conn(0).serve = serve
		n.made = func(c *fakeConn) { c.serve = serve }
		err := p.RoundTrip(context.Background(), key("a"), &wire.Request{Method: "PUT"}, &wire.Response{})
		if !errors.Is(err, wire.ErrServerClosedIdle) || tries < 7 || tries > 8 {
			t.Errorf("%d tries, %v; want 7 or 8: the first, one or two for those that there were, and five more", tries, err)
		}
	})
}

// Replays are bounded, and the error says what the last attempt met.
func TestReplayIsBounded(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		tries := 0
		n.limit = func(pool.Key) int { return 100 }
		n.made = func(c *fakeConn) {
			c.serve = func(context.Context, *wire.Request) error { tries++; return unprocessed() }
		}
		began := time.Now()
		err := p.RoundTrip(context.Background(), key("a"), &wire.Request{Method: "POST"}, &wire.Response{})
		if !errors.Is(err, wire.ErrUnprocessed) || tries != 9 {
			t.Errorf("%d attempts, error %v; want 9", tries, err)
		}
		if took := time.Since(began); took < 470*time.Millisecond || took > 790*time.Millisecond {
			t.Errorf("the peer was given %v, want 630 ms give or take a quarter", took)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
		defer cancel()
		began = time.Now()
		err = p.RoundTrip(ctx, key("a"), &wire.Request{Method: "POST"}, &wire.Response{})
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != 5*time.Millisecond {
			t.Errorf("the context has the last word: after %v: %v", took, err)
		}
	})
}

// Part D: a refused stream goes to another connection if there is one.
func TestReplayAvoidsTheConnection(t *testing.T) {
	for _, refuses := range []int{1, 2} {
		world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
			n.limit = func(pool.Key) int { return 2 }
			cs := hold(t, p, key("a"), 4)
			// The one that refuses has nothing to do, the other has one.
			cs[2*refuses-2].end()
			cs[2*refuses-1].end()
			cs[4-2*refuses].end()
			n.conn(refuses - 1).serve = func(context.Context, *wire.Request) error { return unprocessed() }
			if c := get(t, p, n, key("a")); c.id == refuses {
				t.Errorf("connection %d was used again", c.id)
			}
			cs[5-2*refuses].end()
			if s := p.Stats(); s.Replays != 1 {
				t.Errorf("%d replays, want 1", s.Replays)
			}
		})
	}
}

// What an earlier attempt has sent remains sent, whatever the last one says.
func TestReplayKeepsSent(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		get(t, p, n, key("a"))
		n.conn(0).serve = func(context.Context, *wire.Request) error { return disconnected(true) }
		n.before = func(context.Context, pool.Key, int) error { return errRefused }
		c := start(p, key("a"), wire.Timeouts{})
		if e := failed(t, c, errRefused); !e.Sent || e.Phase != wire.PhaseDial {
			t.Errorf("%+v, want Sent: the first attempt was", e)
		}
	})
}

// What one attempt has sent stays sent, whatever the later ones did.
func TestSentOutlastsTheLastAttempt(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		endAll(hold(t, p, key("a"), 3))
		attempts := 0
		for _, c := range n.conns {
			c.serve = func(context.Context, *wire.Request) error {
				if attempts++; attempts < 3 {
					return disconnected(attempts == 1)
				}
				return &wire.Error{Phase: wire.PhaseWrite, Kind: wire.KindRequestBody, Err: io.ErrNoProgress}
			}
		}
		n.made = func(c *fakeConn) { c.serve = n.conns[0].serve } // of those that take their place
		err := p.RoundTrip(context.Background(), key("a"), &wire.Request{}, &wire.Response{})
		var e *wire.Error
		if !errors.As(err, &e) || e.Kind != wire.KindRequestBody || !e.Sent || attempts != 3 {
			t.Errorf("%d attempts, %#v; want Sent", attempts, err)
		}
	})
}

// The wait for a second connection counts, too.
func TestReplayAddsUpItsWaits(t *testing.T) {
	world(t, pool.Config{MaxConnections: 2}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		get(t, p, n, key("a"))
		hog := hold(t, p, key("b"), 1)
		var hogs []*call
		n.conn(0).serve = func(context.Context, *wire.Request) error {
			hogs = append(hogs, start(p, key("b"), wire.Timeouts{})) // waits for our connection's slot
			time.Sleep(time.Second)
			return disconnected(true)
		}
		again := start(p, key("a"), wire.Timeouts{})
		time.Sleep(3 * time.Second)
		waits(t, again)
		endAll(hog)
		granted(t, again)
		if d := again.res.Timing.Pool; d != 2*time.Second {
			t.Errorf("Timing.Pool is %v, want 2s", d)
		}
		again.end()
		endAll(hogs)
	})
}

func TestReplayWithoutBody(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		get(t, p, n, key("a"))
		n.conn(0).serve = func(context.Context, *wire.Request) error { return disconnected(true) }
		why := errors.New("gone")
		c := startReq(p, key("a"), wire.Request{
			Method: "PUT", Body: io.NopCloser(strings.NewReader("x")), BodyLen: 1,
			Rewind: func() (io.ReadCloser, error) { return nil, why },
		})
		if e := failed(t, c, wire.ErrRequestBody); !errors.Is(c.err, why) || !e.Sent {
			t.Errorf("%+v", e)
		}
		if s := p.Stats(); s.Busy != 0 {
			t.Errorf("%d busy: the slot was not given back", s.Busy)
		}
	})
}

// The context has the last word, and is the reason that is given.
func TestNoReplayAfterTheContext(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		get(t, p, n, key("a"))
		ctx, stop := context.WithCancel(context.Background())
		n.conn(0).serve = func(context.Context, *wire.Request) error { stop(); return disconnected(true) }
		err := p.RoundTrip(ctx, key("a"), &wire.Request{}, &wire.Response{})
		if !errors.Is(err, context.Canceled) || p.Stats().Replays != 0 {
			t.Errorf("error %v, %d replays", err, p.Stats().Replays)
		}
	})
}
