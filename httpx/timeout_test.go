package httpx_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/memconn"
)

// timeoutCases provoke each timeout. run returns the error and how long it
// took; it must work on a fake clock and on a real one.
var timeoutCases = []struct {
	name  string
	set   func(d time.Duration) httpx.Timeouts
	is    error
	op    string
	exact bool // fires at T, not within [T, 1.1 T]
	run   func(ctx context.Context, c *httpx.Client, url string) error
}{
	{
		"connect", func(d time.Duration) httpx.Timeouts { return httpx.Timeouts{Connect: d} }, httpx.ErrConnectTimeout, "dial", true,
		func(ctx context.Context, c *httpx.Client, url string) error {
			_, err := c.Get(ctx, strings.Replace(url, "server", "blackhole", 1))
			return err
		},
	},
	{
		"pool", func(d time.Duration) httpx.Timeouts { return httpx.Timeouts{Pool: d} }, httpx.ErrPoolTimeout, "pool", true,
		func(ctx context.Context, c *httpx.Client, url string) error {
			_, err := c.Get(ctx, url+"/held") // the one connection is held by the caller
			return err
		},
	},
	{
		"read the head", func(d time.Duration) httpx.Timeouts { return httpx.Timeouts{Read: d} }, httpx.ErrReadTimeout, "head", false,
		func(ctx context.Context, c *httpx.Client, url string) error {
			_, err := c.Get(ctx, url+"/silent")
			return err
		},
	},
	{
		"read the body", func(d time.Duration) httpx.Timeouts { return httpx.Timeouts{Read: d} }, httpx.ErrReadTimeout, "body", false,
		func(ctx context.Context, c *httpx.Client, url string) error {
			_, err := c.Get(ctx, url+"/half")
			return err
		},
	},
	{
		"write", func(d time.Duration) httpx.Timeouts { return httpx.Timeouts{Write: d} }, httpx.ErrWriteTimeout, "write", false,
		func(ctx context.Context, c *httpx.Client, url string) error {
			_, err := c.Post(ctx, url+"/deaf", httpx.Reader(endless{}))
			return err
		},
	},
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// timeoutServer is a little server that can be silent, deaf, slow or half-hearted.
func timeoutServer(t *testing.T, nc net.Conn) {
	defer nc.Close()
	br := bufio.NewReader(nc)
	for {
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		switch req.URL.Path {
		case "/silent":
			io.Copy(io.Discard, br)
			return
		case "/deaf":
			<-t.Context().Done() // reads no more until the test is over
			return
		case "/half":
			io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
			io.Copy(io.Discard, br)
			return
		case "/drip": // a byte a second
			io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n")
			for range 20 {
				pause(t, time.Second)
				if _, err := io.WriteString(nc, "x"); err != nil {
					return
				}
			}
		case "/events": // one, and then none
			io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: a\n\n")
			io.Copy(io.Discard, br)
			return
		case "/late": // after an hour
			pause(t, time.Hour)
			io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		case "/upload": // says nothing until all is there
			n, err := io.Copy(io.Discard, req.Body)
			if err != nil {
				return
			}
			answer := fmt.Sprint(n)
			fmt.Fprintf(nc, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(answer), answer)
		default:
			io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	}
}

// pause lets time pass on the bubble's clock, but not beyond the test.
func pause(t *testing.T, d time.Duration) {
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

// memDial connects to timeoutServer in memory; the host "blackhole" never
// answers.
func memDial(t *testing.T) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if strings.HasPrefix(addr, "blackhole") {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		client, server := memconn.Pipe()
		go timeoutServer(t, server)
		return client, nil
	}
}

func memClient(t *testing.T, opts ...httpx.ClientOption) *httpx.Client {
	return newClient(t, append([]httpx.ClientOption{httpx.WithDialContext(memDial(t))}, opts...)...)
}

func TestEachTimeoutNamesItselfAndFiresInTime(t *testing.T) {
	for _, tt := range timeoutCases {
		for _, limit := range []time.Duration{50 * time.Millisecond, 5 * time.Second, time.Hour} {
			t.Run(fmt.Sprintf("%s/%v", tt.name, limit), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := memClient(t, httpx.WithTimeout(httpx.Never), httpx.WithTimeouts(tt.set(limit)), httpx.WithLimits(httpx.Limits{MaxConnections: 1}))
					if tt.name == "pool" {
						held, err := c.Stream(t.Context(), "GET", "http://server/half")
						if err != nil {
							t.Fatal(err)
						}
						defer held.Close()
					}
					start := time.Now()
					err := tt.run(t.Context(), c, "http://server")
					took := time.Since(start)
					var e *httpx.Error
					if !errors.Is(err, tt.is) || !errors.Is(err, httpx.ErrTimeout) || !errors.As(err, &e) || e.Op != tt.op || !e.Timeout() {
						t.Errorf("got %v", err)
					}
					if errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("a timeout is not the caller's deadline: %v", err)
					}
					var ne net.Error
					if !errors.As(err, &ne) || !ne.Timeout() {
						t.Errorf("not a net.Error that timed out: %v", err)
					}
					most := limit + limit/10
					if tt.exact {
						most = limit
					}
					if took < limit || took > most {
						t.Errorf("fired after %v, not within [%v, %v]: %v", took, limit, most, err)
					}
				})
			})
		}
	}
}

func TestDisabledTimeoutsNeverFire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := memClient(t, httpx.WithTimeout(time.Second))
		resp, err := c.Get(t.Context(), "http://server/late", httpx.WithTimeout(httpx.Never))
		if err != nil || resp.Text() != "ok" {
			t.Errorf("%v", err)
		}
	})
}

func TestSlowButSteadyPeerIsNoTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := memClient(t, httpx.WithTimeout(1500*time.Millisecond))
		resp, err := c.Get(t.Context(), "http://server/drip")
		if err != nil || len(resp.Bytes()) != 20 {
			t.Errorf("%v", err)
		}
		if d := resp.Elapsed(); d < 20*time.Second {
			t.Errorf("elapsed %v", d)
		}
	})
}

// steady delivers a chunk a second.
type steady struct{ left int }

func (s *steady) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	s.left--
	<-time.After(time.Second)
	return min(len(p), 1000), nil
}

func TestSteadyUploadToASilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := memClient(t)
		resp, err := c.Post(t.Context(), "http://server/upload", httpx.Reader(&steady{left: 30}), httpx.WithTimeouts(httpx.Timeouts{Read: 5 * time.Second}))
		if err != nil || resp.Text() != "30000" {
			t.Errorf("%v", err)
		}
	})
}

func TestTimeoutsChangeOnOneConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := memClient(t, httpx.WithLimits(httpx.Limits{KeepaliveExpiry: 24 * time.Hour}))
		get := func(path string, d time.Duration) (*httpx.Response, error) {
			return c.Get(t.Context(), "http://server"+path, httpx.WithTimeout(d))
		}
		if _, err := get("/", 300*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		resp, err := get("/late", httpx.Never)
		if err != nil || !resp.Conn().Reused {
			t.Fatalf("Never behind 300 ms: %v", err)
		}
		start := time.Now()
		if _, err = get("/silent", 300*time.Millisecond); !errors.Is(err, httpx.ErrReadTimeout) {
			t.Fatalf("300 ms behind Never: %v", err)
		}
		if d := time.Since(start); d < 300*time.Millisecond || d > 330*time.Millisecond {
			t.Errorf("300 ms behind Never fired after %v", d)
		}
		if s := c.Stats(); s.Dials != 1 {
			t.Errorf("all on one connection: %+v", s)
		}
	})
}

func TestHeaderTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := memClient(t, httpx.WithHeaderTimeout(2*time.Second))
		start := time.Now()
		_, err := c.Get(t.Context(), "http://server/silent")
		if d := time.Since(start); !errors.Is(err, httpx.ErrReadTimeout) || d < 2*time.Second || d > 2200*time.Millisecond {
			t.Errorf("after %v: %v", d, err)
		}
		if resp, err := c.Get(t.Context(), "http://server/drip"); err != nil {
			t.Errorf("the body is not the head: %v, %v", resp, err)
		}
	})
}

// A request that was built without a client takes the timeouts of the one that
// sends it, where it sets none.
func TestStandAloneRequestInheritsTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := memClient(t, httpx.WithTimeout(time.Second))
		for want, opts := range map[time.Duration][]httpx.RequestOption{
			time.Second:     nil,
			2 * time.Second: {httpx.WithTimeouts(httpx.Timeouts{Read: 2 * time.Second})},
		} {
			r, err := httpx.NewRequest("GET", "http://server/silent", opts...)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			_, err = c.Send(t.Context(), r)
			if d := time.Since(start); !errors.Is(err, httpx.ErrReadTimeout) || d < want || d > want*11/10 {
				t.Errorf("after %v, want %v: %v", d, want, err)
			}
		}
	})
}

// A request switches off what its client has on.
func TestNeverOverridesTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := memClient(t, httpx.WithHeaderTimeout(time.Second), httpx.WithExpectContinue(time.Second))
		for _, off := range []time.Duration{0, httpx.Never} {
			start := time.Now()
			_, err := c.Get(t.Context(), "http://server/silent", httpx.WithHeaderTimeout(off))
			if d := time.Since(start); !errors.Is(err, httpx.ErrReadTimeout) || d < 5*time.Second {
				t.Errorf("header timeout %v: after %v: %v", off, d, err)
			}
			start = time.Now()
			_, err = c.Post(t.Context(), "http://server/silent", httpx.String("x"), httpx.WithHeaderTimeout(off), httpx.WithExpectContinue(off))
			if d := time.Since(start); !errors.Is(err, httpx.ErrReadTimeout) || d > 5500*time.Millisecond {
				t.Errorf("continue %v: after %v: %v", off, d, err)
			}
		}
	})
}

func TestDeadlineIsTheTotalLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := memClient(t)
		for _, path := range []string{"/silent", "/drip", "/half"} {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			start := time.Now()
			_, err := c.Get(ctx, "http://server"+path)
			if d := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, httpx.ErrTimeout) || d != 3*time.Second {
				t.Errorf("%s: after %v: %v", path, d, err)
			}
			cancel()
		}
	})
}

// Over real sockets a timeout fires not before T and before T + 1 s.
func TestTimeoutsOverSockets(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() }) // the parallel subtests outlive this function
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				br := bufio.NewReader(nc)
				req, err := http.ReadRequest(br)
				if err != nil {
					return
				}
				if req.URL.Path == "/half" {
					io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
				}
				if req.URL.Path == "/deaf" {
					<-t.Context().Done()
					return
				}
				io.Copy(io.Discard, br)
			}()
		}
	}()
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		if strings.HasPrefix(addr, "blackhole") {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return new(net.Dialer).DialContext(ctx, network, ln.Addr().String())
	}
	const limit = 200 * time.Millisecond
	for _, tt := range timeoutCases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, httpx.WithDialContext(dial), httpx.WithTimeout(httpx.Never), httpx.WithTimeouts(tt.set(limit)), httpx.WithLimits(httpx.Limits{MaxConnections: 1}))
			if tt.name == "pool" {
				held, err := c.Stream(t.Context(), "GET", "http://server/half")
				if err != nil {
					t.Fatal(err)
				}
				defer held.Close()
			}
			// Late because the machine is busy is not late every time.
			for n := 1; ; n++ {
				start := time.Now()
				err := tt.run(t.Context(), c, "http://server")
				d := time.Since(start)
				late := d > limit+time.Second
				if !errors.Is(err, tt.is) || d < limit || late && n == 10 {
					t.Errorf("after %v, the %dth time: %v", d, n, err)
				}
				if !late {
					return
				}
			}
		})
	}
}
