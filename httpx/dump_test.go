package httpx_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/tls"
)

// page is a buffer to dump to.
type page struct {
	mu  sync.Mutex
	buf bytes.Buffer // guarded by mu
}

func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.Write(b)
}

func (p *page) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.String()
}

// answering is a server that answers each request head with the next answer.
func answering(t *testing.T, answers ...string) *peer.Server {
	return peer.Listen(t, func(nc net.Conn) {
		buf := make([]byte, 64<<10)
		for _, a := range answers {
			got := ""
			for !strings.Contains(got, "\r\n\r\n") {
				n, err := nc.Read(buf)
				if err != nil {
					return
				}
				got += string(buf[:n])
			}
			if _, err := io.WriteString(nc, a); err != nil {
				return
			}
		}
		io.Copy(io.Discard, nc)
	})
}

func TestDumpHTTP1(t *testing.T) {
	dump := func(t *testing.T, o httpx.DumpOptions, s *peer.Server, do func(c *httpx.Client, url string)) string {
		t.Helper()
		p := new(page)
		c := newClient(t, httpx.WithDump(p, o), httpx.WithoutDefaultHeaders())
		do(c, "http://"+s.Addr)
		return strings.ReplaceAll(p.String(), s.Addr, "HOST")
	}
	same := func(t *testing.T, got, want string) {
		t.Helper()
		if want = strings.ReplaceAll(strings.TrimLeft(want, "\n"), "\t", ""); got != want {
			t.Errorf("the dump is\n%s\nand should be\n%s", got, want)
		}
	}

	t.Run("B25 heads and sizes, with secrets masked, over two requests of one connection", func(t *testing.T) {
		s := answering(t, "HTTP/1.1 200 OK\r\nSet-Cookie: id=s3cret\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 302 Found\r\nLocation: http://u:s3cret@h/x?t=s3cret#s3cret\r\nContent-Length: 0\r\n\r\n")
		same(t, dump(t, httpx.DumpOptions{}, s, func(c *httpx.Client, url string) {
			c.Get(ctx, url+"/a?key=s3cret", httpx.WithHeader("Authorization", "Bearer s3cret"))
			c.Post(ctx, url+"/b", httpx.String("password=s3cret"))
		}), `
			#1 * HTTP/1.1 to HOST
			#1 > GET /a?key=… HTTP/1.1
			#1 > Host: HOST
			#1 > Authorization: [secure]
			#1 >
			#1 < HTTP/1.1 200 OK
			#1 < Set-Cookie: [secure]
			#1 < Content-Length: 5
			#1 <
			#1 < 5 bytes
			#1 > POST /b HTTP/1.1
			#1 > Host: HOST
			#1 > Cookie: [secure]
			#1 > Content-Length: 15
			#1 >
			#1 > 15 bytes
			#1 < HTTP/1.1 302 Found
			#1 < Location: http://…@h/x?t=…#…
			#1 < Content-Length: 0
			#1 <
		`)
	})

	t.Run("B25 content up to a bound, chunks, trailers and interim responses", func(t *testing.T) {
		s := answering(t, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel\x00o\r\n3\r\n, w\r\n0\r\nX-Sum: 1\r\n\r\n")
		got := dump(t, httpx.DumpOptions{BodyBytes: 6, Secrets: true}, s, func(c *httpx.Client, url string) {
			c.Get(ctx, url+"/?key=shown", httpx.WithHeader("Authorization", "shown"))
		})
		same(t, got, `
			#1 * HTTP/1.1 to HOST
			#1 > GET /?key=shown HTTP/1.1
			#1 > Host: HOST
			#1 > Authorization: shown
			#1 >
			#1 < HTTP/1.1 103 Early Hints
			#1 < Link: </a>
			#1 <
			#1 < HTTP/1.1 200 OK
			#1 < Transfer-Encoding: chunked
			#1 <
			#1 < 5 bytes: "hel\x00o"
			#1 < 3 bytes: ","…
			#1 < X-Sum: 1
			#1 <
		`)
	})

	t.Run("B25 an upgrade: what follows is content", func(t *testing.T) {
		s := answering(t, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nGET /not?a=request HTTP/1.1\r\n\r\n")
		got := dump(t, httpx.DumpOptions{}, s, func(c *httpx.Client, url string) {
			resp, err := c.Get(ctx, url, httpx.WithHeader("Connection", "Upgrade"), httpx.WithHeader("Upgrade", "x"))
			if err != nil {
				t.Fatal(err)
			}
			nc, err := resp.Upgrade()
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(nc, "Authorization: s3cret\r\n")
			io.ReadFull(nc, make([]byte, 31))
			if err := nc.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
				t.Errorf("CloseWrite: %v", err)
			}
			nc.Close()
		})
		for _, want := range []string{"#1 < 31 bytes\n", "#1 > 23 bytes\n", "#1 * closed\n"} {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in %s", want, got)
			}
		}
		if strings.Contains(got, "s3cret") || strings.Contains(got, "request") {
			t.Errorf("content is shown: %s", got)
		}
	})

	t.Run("B25 bytes that are no HTTP, and a folded secret", func(t *testing.T) {
		s := answering(t, "SSH-2.0-s3cret\r\n")
		got := dump(t, httpx.DumpOptions{}, s, func(c *httpx.Client, url string) { c.Get(ctx, url) })
		if !strings.Contains(got, "#1 < what comes is no HTTP/1.1 response\n") || strings.Contains(got, "s3cret") {
			t.Errorf("the dump is %s", got)
		}
		s = answering(t, "HTTP/1.1 200 OK\r\nSet-Cookie: a=b;\r\n s3cret\r\nContent-Length: 0\r\n\r\n")
		got = dump(t, httpx.DumpOptions{}, s, func(c *httpx.Client, url string) { c.Get(ctx, url) })
		if strings.Contains(got, "s3cret") {
			t.Errorf("the dump is %s", got)
		}
	})

	t.Run("B25 whatever pieces the bytes come in", func(t *testing.T) {
		answer := "HTTP/1.1 200 OK\r\nSet-Cookie: id=s3cret\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
		s := peer.Listen(t, func(nc net.Conn) {
			nc.Read(make([]byte, 4096))
			for i := range len(answer) {
				nc.Write([]byte(answer[i : i+1]))
			}
			io.Copy(io.Discard, nc)
		})
		got := dump(t, httpx.DumpOptions{BodyBytes: -1}, s, func(c *httpx.Client, url string) { c.Get(ctx, url) })
		got = regexp.MustCompile(`#1 < \d+ bytes: "(\w+)"\n`).ReplaceAllString(got, "$1")
		if !strings.Contains(got, "#1 < Set-Cookie: [secure]\n#1 < Transfer-Encoding: chunked\n#1 <\nhello") {
			t.Errorf("the dump is %s", got)
		}
	})
}

func TestDumpHTTP2(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "id=s3cret")
		io.Copy(w, r.Body)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	t.Run("B25 frames, decoded and masked", func(t *testing.T) {
		p := new(page)
		c := newClient(t, httpx.WithTLS(tls.Options{InsecureSkipVerify: true}), httpx.WithDump(p, httpx.DumpOptions{BodyBytes: 3}))
		for range 2 { // the second from the table of fields
			if _, err := c.Post(ctx, s.URL+"/a?key=s3cret", httpx.String("hello"), httpx.WithHeader("Authorization", "Bearer s3cret")); err != nil {
				t.Fatal(err)
			}
		}
		got := p.String()
		for _, want := range []string{
			"#1 * HTTP/2 to " + s.Listener.Addr().String() + "\n", "#1 > SETTINGS stream=0 length=", " ENABLE_PUSH=0 ", "#1 < SETTINGS stream=0 length=0 ACK\n", "#1 > WINDOW_UPDATE stream=0 length=4 increment=",
			"#1 > HEADERS stream=1 length=", " END_HEADERS\n", "#1 >   :method: POST\n", "#1 >   :path: /a?key=…\n", "#1 >   authorization: [secure]\n",
			"#1 > DATA stream=1 length=5 END_STREAM 5 bytes: \"hel\"…\n", "#1 <   :status: 200\n", "#1 <   set-cookie: [secure]\n",
			"#1 > HEADERS stream=3 length=",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("no %q", want)
			}
		}
		if n := strings.Count(got, "#1 >   authorization: [secure]\n"); n != 2 {
			t.Errorf("the field is there %d times", n)
		}
		if strings.Contains(got, "s3cret") || t.Failed() {
			t.Errorf("the dump is %s", got)
		}
	})
	t.Run("B25 many connections at once: whole lines", func(t *testing.T) {
		plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }))
		defer plain.Close()
		p := new(page)
		c := newClient(t, httpx.WithTLS(tls.Options{InsecureSkipVerify: true}), httpx.WithDump(p, httpx.DumpOptions{BodyBytes: -1}))
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				url := s.URL
				if i%2 == 0 {
					url = plain.URL
				}
				if _, err := c.Post(ctx, url, httpx.String(strings.Repeat(fmt.Sprint(i%10), 1000))); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		line := regexp.MustCompile(`^#\d+ [*<>]( .*)?$`)
		for l := range strings.Lines(p.String()) {
			if !line.MatchString(strings.TrimSuffix(l, "\n")) {
				t.Fatalf("the line is %q", l)
			}
		}
	})
	t.Run("B25 wrong options", func(t *testing.T) {
		if _, err := httpx.New(httpx.WithDump(nil, httpx.DumpOptions{})); err == nil {
			t.Error("no writer is no error")
		}
		if _, err := newClient(t).With(httpx.WithDump(io.Discard, httpx.DumpOptions{})); err == nil {
			t.Error("a derived client can have a dump of its own")
		}
	})
}
