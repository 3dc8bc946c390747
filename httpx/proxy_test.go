package httpx_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"gohttpx.dev/httpx"
	"gohttpx.dev/tls"
)

// forwarder is an HTTP proxy, which answers in place of plain origins.
type forwarder struct {
	*httptest.Server
	basic string // credentials wanted, as sent
	mu    sync.Mutex
	asked []string // guarded by mu; "METHOD target [authorization]"
}

func newForwarder(t *testing.T, basic string) *forwarder {
	p := &forwarder{basic: basic}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *forwarder) log() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.asked
	p.asked = nil
	return l
}

func (p *forwarder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	auth := r.Header.Get("Proxy-Authorization")
	p.mu.Lock()
	p.asked = append(p.asked, strings.TrimSpace(r.Method+" "+r.RequestURI+" "+auth))
	p.mu.Unlock()
	if p.basic != "" && auth != p.basic {
		w.Header().Set("Proxy-Authenticate", `Basic realm="p"`)
		w.WriteHeader(407)
		return
	}
	if r.Method != "CONNECT" {
		io.WriteString(w, "forwarded "+r.Header.Get("X-To-Proxy"))
		return
	}
	up, err := net.Dial("tcp", r.Host)
	if err != nil {
		w.WriteHeader(502)
		return
	}
	nc, _, _ := http.NewResponseController(w).Hijack()
	io.WriteString(nc, "HTTP/1.1 200 OK\r\n\r\n")
	go func() { io.Copy(up, nc); up.Close() }()
	io.Copy(nc, up)
	nc.Close()
}

func TestProxies(t *testing.T) {
	ctx := context.Background()
	origin := httptest.NewUnstartedServer(http.HandlerFunc(answerEcho))
	origin.EnableHTTP2 = true
	origin.StartTLS()
	defer origin.Close()
	p := newForwarder(t, "Basic dTpzZWNyZXQ=")
	t.Run("A2.9 forward and tunnel", func(t *testing.T) {
		c := newClient(t, httpx.WithProxyConfig(httpx.Proxy{URL: strings.Replace(p.URL, "://", "://u:secret@", 1), Header: header("X-To-Proxy", "yes")}), httpx.WithHTTP2(true), insecure())
		for range 2 {
			resp, err := c.Get(ctx, "http://a.example/x?y")
			if err != nil || resp.Text() != "forwarded yes" {
				t.Fatal(resp, err)
			}
			if resp.Conn().Proxy != p.URL {
				t.Errorf("proxy %q", resp.Conn().Proxy)
			}
		}
		if got := strings.Join(p.log(), "\n"); got != "GET http://a.example/x?y\nGET http://a.example/x?y Basic dTpzZWNyZXQ=\nGET http://a.example/x?y Basic dTpzZWNyZXQ=" {
			t.Errorf("%s", got)
		}
		for range 2 {
			resp, err := c.Get(ctx, origin.URL+"/x")
			if err != nil || resp.Proto != "HTTP/2" || strings.Contains(resp.Text(), "Proxy") {
				t.Fatal(resp, err)
			}
		}
		if got := p.log(); len(got) != 1 || !strings.HasPrefix(got[0], "CONNECT 127.0.0.1:") {
			t.Errorf("%q", got)
		}
	})
	t.Run("A2.9 wrong password", func(t *testing.T) {
		c := newClient(t, httpx.WithProxy(strings.Replace(p.URL, "://", "://u:wrong@", 1)), insecure())
		resp, err := c.Get(ctx, "http://a.example/")
		if err != nil || resp.StatusCode != 407 {
			t.Errorf("forwarded: %v %v", resp, err)
		}
		_, err = c.Get(ctx, origin.URL)
		if !errors.Is(err, httpx.ErrProxy) || strings.Contains(err.Error(), "wrong") {
			t.Errorf("tunnelled: %v", err)
		}
	})
}

func insecure() httpx.ClientOption {
	return httpx.WithTLS(tls.Options{InsecureSkipVerify: true})
}
