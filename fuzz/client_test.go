package fuzz_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/h1"
	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/wire"
)

// outcome is what an exchange came to.
type outcome struct {
	status   int
	fields   wire.Fields
	body     []byte
	trailers wire.Fields
	err      error
}

// exchangeH1 lets the engine read src, in pieces of step bytes, as the answer to
// one request, until the peer's end.
func exchangeH1(t *testing.T, src []byte, method string, step int) (o outcome) {
	synctest.Test(t, func(t *testing.T) {
		client, server := memconn.PipeSize(1 << 20)
		client.MaxRead(step)
		go func() {
			readRequest(bufio.NewReader(server))
			server.Write(src)
			server.CloseWrite()
		}()
		c := h1.NewConn(client, h1.Config{})
		if !c.Reserve() {
			t.Fatal("a new connection is not free")
		}
		var res wire.Response
		req := wire.Request{Method: method, Scheme: "http", Authority: "e.test", Target: "/"}
		if o.err = c.RoundTrip(context.Background(), &req, &res); o.err == nil && res.Status != 101 {
			o.body, o.err = io.ReadAll(res.Body)
			res.Body.Close()
		}
		o.status, o.fields, o.trailers = res.Status, res.Fields, res.Trailers
		c.Close()
		server.Close()
		if st := c.State(); st.InFlight != 0 && o.status != 101 || st.Phase != wire.ConnClosed {
			t.Fatalf("%q: after the end: %+v", src, st)
		}
	})
	return o
}

// FuzzH1Response: the engine makes the same of bytes whatever the pieces they come
// in, and what net/http makes of them. Allowed disagreements with net/http, beside
// those of FuzzHeadDiff and FuzzChunked:
//
//   - 1xx before the final response are skipped by us, and the response there;
//   - a body cut short by the end is an error to both, of which the bytes before
//     may differ;
//   - the trailer section is read more strictly by us (RFC 9112 §7.1.2), and its
//     fields are taken as they come, while net/http wants them announced to the
//     letter.
func FuzzH1Response(f *testing.F) {
	f.Fuzz(func(t *testing.T, src []byte, isHead bool) {
		method := "GET"
		if isHead {
			method = "HEAD"
		}
		whole := exchangeH1(t, src, method, 0)
		slow := exchangeH1(t, src, method, 1)
		if whole.status != slow.status || !sameFields(whole.fields, slow.fields) || !bytes.Equal(whole.body, slow.body) ||
			!sameFields(whole.trailers, slow.trailers) || errorText(whole.err) != errorText(slow.err) {
			t.Fatalf("%q:\nwhole %+v\nbyte by byte %+v", src, whole, slow)
		}
		if whole.err != nil {
			var e *wire.Error
			var p *h1.ParseError
			if !errors.As(whole.err, &e) || !e.Sent || e.Phase == 0 || e.Kind == 0 || errors.As(whole.err, &p) && !e.Remote || e.Timeout() {
				t.Fatalf("%q: error %#v", src, whole.err)
			}
			return
		}
		if len(whole.body) > len(src) || whole.status < 200 && whole.status != 101 || isHead && len(whole.body) > 0 {
			t.Fatalf("%q: %d with %q", src, whole.status, whole.body)
		}
		std, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(src)), &http.Request{Method: method})
		if err != nil || std.StatusCode/100 == 1 || std.StatusCode != whole.status {
			return // FuzzHeadDiff looks at heads
		}
		theirs, err := io.ReadAll(std.Body)
		if err == nil && !bytes.Equal(theirs, whole.body) {
			t.Fatalf("%q: %q, net/http %q", src, whole.body, theirs)
		}
		if err != nil && !strings.Contains(err.Error(), "malformed MIME header") && !strings.Contains(err.Error(), "trailer") && !strings.Contains(err.Error(), "chunk") {
			t.Fatalf("%q: %q, net/http %q, %v", src, whole.body, theirs, err)
		}
	})
}

// readRequest reads one request with its body, and reports whether it came whole.
func readRequest(br *bufio.Reader) bool {
	r, err := http.ReadRequest(br)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, r.Body)
	return err == nil
}

// answers are what servers send, in order: one for each request, whatever the
// connection. When there are no more the connections end.
type answers struct {
	mu    sync.Mutex
	list  [][]byte // guarded by mu
	asked int      // guarded by mu
	step  int
	plain bool // as it comes: without looking at requests
	wg    sync.WaitGroup
	open  []*memconn.Conn // the server's ends; guarded by mu
}

func (a *answers) next() (b []byte, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.list) == 0 {
		return nil, false
	}
	b, a.list = a.list[0], a.list[1:]
	a.asked++
	return b, true
}

// dial starts a server's goroutine, which ends with the connection.
func (a *answers) dial(context.Context, string, string) (net.Conn, error) {
	client, server := memconn.PipeSize(1 << 20)
	client.MaxRead(a.step)
	a.mu.Lock()
	a.open = append(a.open, server)
	a.mu.Unlock()
	a.wg.Go(func() {
		defer server.CloseWrite()
		br := bufio.NewReader(server)
		for {
			if a.plain {
				a.wg.Go(func() { io.Copy(io.Discard, server) })
			} else if !readRequest(br) {
				return
			}
			b, ok := a.next()
			if !ok {
				return
			}
			if _, err := server.Write(b); err != nil || a.plain {
				return
			}
		}
	})
	return client, nil
}

// mostContent is what the client of FuzzClient takes of a body.
const mostContent = 64 << 10

// clientOptions are what how chooses.
func clientOptions(how uint8, a *answers) []httpx.ClientOption {
	opts := []httpx.ClientOption{
		httpx.WithDialContext(a.dial), httpx.WithMaxResponseBytes(mostContent), httpx.WithLimits(httpx.Limits{MaxHeaderBytes: 32 << 10}),
		httpx.WithFollowRedirects(how&1 != 0),
	}
	if how&2 != 0 {
		opts = append(opts, httpx.WithAuth(httpx.DigestAuth("joe", "S3CRET")))
	}
	if how&4 != 0 {
		opts = append(opts, httpx.WithRetry(httpx.Retry{Attempts: 3, Budget: -1}))
	}
	if how&8 != 0 {
		opts = append(opts, httpx.WithHTTP1(false))
		a.plain = true
	}
	if how&16 != 0 {
		opts = append(opts, httpx.WithProxy("http://joe:S3CRET@proxy.test:3128"))
	}
	return opts
}

// callClient makes one call of a client whose servers answer with src, divided at
// \xff\n, and reads the response in a way that how chooses.
func callClient(t *testing.T, src []byte, how uint8, step int) (o outcome, asked int) {
	synctest.Test(t, func(t *testing.T) {
		a := &answers{list: bytes.Split(src, []byte("\xff\n")), step: step}
		c, err := httpx.New(clientOptions(how, a)...)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		resp, err := c.Stream(ctx, "GET", "http://e.test/?q=S3CRET", httpx.WithHeader("X-Api-Key", "S3CRET"))
		if err == nil {
			o.status, o.fields = resp.StatusCode, wire.Fields(resp.Header)
			switch how >> 5 {
			case 0, 1, 2:
				o.body, err = io.ReadAll(resp.Body)
				o.trailers = wire.Fields(resp.Trailer())
			case 3:
				for line, e := range resp.Lines() {
					o.body, err = append(append(o.body, line...), '\n'), e
				}
			case 4:
				for e, e2 := range resp.Events() {
					o.body, err = append(append(o.body, e.Data...), '\n'), e2
				}
			case 5:
				for piece, e := range resp.RawChunks(0) {
					o.body, err = append(o.body, piece...), e
				}
			case 6:
				var v any
				if err = resp.Buffer(); err == nil {
					resp.JSON(&v)
					o.body = []byte(resp.Text())
				}
			case 7: // nothing of it
			}
			resp.Links()
			resp.Cookies()
			if !safe(resp.Filename()) && resp.Filename() != "" {
				t.Fatalf("the name of the file is %q", resp.Filename())
			}
			if len(resp.History) > 60 {
				t.Fatalf("%d responses before", len(resp.History))
			}
			resp.Close()
		}
		o.err = err
		if d := time.Since(began); d > 10*time.Minute {
			t.Fatalf("it took %v", d)
		}
		cancel()
		c.Close()
		for _, s := range a.open {
			s.Close()
		}
		a.wg.Wait()
		if st := c.Stats(); st.Open+st.Dialing+st.Waiting+st.Streams != 0 {
			t.Fatalf("left after Close: %+v", st)
		}
		asked = a.asked
	})
	return o, asked
}

// FuzzClient is a client against servers that send anything: with redirects,
// Digest, repetitions, HTTP/2 by prior knowledge and a proxy, read as bytes, lines,
// events or JSON. Everything ends within minutes of a clock that the bubble winds,
// no goroutine stays (the bubble would say so), bodies keep to their limit, errors
// have their type and show no secret. Where one request was sent, the pieces in
// which the bytes come change nothing.
func FuzzClient(f *testing.F) {
	f.Fuzz(func(t *testing.T, src []byte, how uint8) {
		whole, n := callClient(t, src, how, 0)
		checkCall(t, src, whole, how)
		slow, n1 := callClient(t, src, how, 1)
		checkCall(t, src, slow, how)
		if n > 1 || n1 > 1 || how&(8|16) != 0 {
			return // bytes behind a response may come too late to be seen
		}
		if whole.status != slow.status || !sameFields(whole.fields, slow.fields) || errorText(whole.err) != errorText(slow.err) ||
			!bytes.Equal(whole.body, slow.body) || !sameFields(whole.trailers, slow.trailers) {
			t.Fatalf("%q, %d:\nwhole %+v\nbyte by byte %+v", src, how, whole, slow)
		}
	})
}

func checkCall(t *testing.T, src []byte, o outcome, how uint8) {
	t.Helper()
	if len(o.body) > mostContent+1 && how>>5 != 5 {
		t.Fatalf("%q: %d bytes", src, len(o.body))
	}
	if o.err == nil {
		if o.status < 100 || o.status > 999 {
			t.Fatalf("%q: status %d", src, o.status)
		}
		return
	}
	var e *httpx.Error
	if !errors.As(o.err, &e) || e.Op == "" || e.Err == nil || e.Request == nil || errors.Is(o.err, context.DeadlineExceeded) {
		t.Fatalf("%q: error %#v", src, o.err)
	}
	if !bytes.Contains(src, []byte("S3CRET")) && strings.Contains(o.err.Error(), "S3CRET") {
		t.Fatalf("%q: a secret is shown: %v", src, o.err)
	}
}
