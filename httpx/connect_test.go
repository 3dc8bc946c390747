package httpx_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/httpx"
)

// A16.9: attempts wait 0, 0.5, 1, … seconds, on every path to a connection, and
// share the Connect timeout.
func TestConnectRetries(t *testing.T) {
	for _, tt := range []struct {
		name            string
		retries, broken int // attempts that fail
		limit, took     time.Duration
		is              error
	}{
		{"none by default", 0, 1, 0, 0, httpx.ErrConnect},
		{"the first retry is at once", 1, 1, 0, 0, nil},
		{"the others wait longer and longer", 4, 4, httpx.Never, 3500 * time.Millisecond, nil},
		{"not for ever", 2, 9, 0, 500 * time.Millisecond, httpx.ErrConnect},
		{"all within the Connect timeout", 9, 9, 2 * time.Second, 2 * time.Second, httpx.ErrConnectTimeout},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				attempts := 0
				dial := memDial(t)
				c := newClient(t, httpx.WithConnectRetries(tt.retries), httpx.WithTimeouts(httpx.Timeouts{Connect: tt.limit}),
					httpx.WithDialContext(func(ctx context.Context, network, addr string) (net.Conn, error) {
						if attempts++; attempts <= tt.broken {
							return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("refused")}
						}
						return dial(ctx, network, addr)
					}))
				start := time.Now()
				_, err := c.Get(t.Context(), "http://server/")
				if took := time.Since(start); !errors.Is(err, tt.is) || took != tt.took {
					t.Errorf("after %v and %d attempts: %v; want %v after %v", took, attempts, err, tt.is, tt.took)
				}
			})
		})
	}
}

func TestRefusedCertificateIsNotRetried(t *testing.T) {
	var conns atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(answerEcho))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		if st == http.StateNew {
			conns.Add(1)
		}
	}
	s.StartTLS()
	defer s.Close()
	_, err := newClient(t, httpx.WithConnectRetries(3)).Get(context.Background(), s.URL)
	if !errors.Is(err, httpx.ErrTLS) || conns.Load() != 1 {
		t.Errorf("%d connections, %v", conns.Load(), err)
	}
}

func TestReaderOfAFileKnowsItsLength(t *testing.T) {
	s, c := echoServer(t), newClient(t)
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	f.Seek(4, io.SeekStart)
	resp, err := c.Post(context.Background(), s.URL, httpx.Reader(f))
	if err != nil {
		t.Fatal(err)
	}
	if e, _ := httpx.Decode[echoed](resp); e.Length != 6 || e.Body != "456789" {
		t.Errorf("got %+v", e)
	}
	if _, err := f.Stat(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the file is left open: %v", err)
	}
}

func TestPrintingShowsNoSecrets(t *testing.T) {
	s := echoServer(t)
	c := newClient(t, httpx.WithHeader("Authorization", "hunter2"))
	resp, err := c.Get(context.Background(), s.URL+"?key=hunter2")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	l := log.New(&b, "", 0)
	for _, v := range []any{c, resp, resp.Request, resp.URL.Redacted(), resp.Request.Header} {
		l.Printf("%v %+v %s", v, v, v)
	}
	if strings.Contains(b.String(), "hunter2") || !strings.Contains(b.String(), "200 OK") {
		t.Errorf("printed:\n%s", b.String())
	}
	if n := len(c.Conns()); n != 1 {
		t.Errorf("%d connections", n)
	}
}
