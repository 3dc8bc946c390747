package httpx_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"gohttpx.dev/httpx"
	"gohttpx.dev/tls"
)

func http2Server(t *testing.T, tlsOn bool, h http.HandlerFunc) (*httptest.Server, httpx.ClientOption) {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if tlsOn {
		s.EnableHTTP2 = true
		s.StartTLS()
	} else {
		s.Config.Protocols = new(http.Protocols)
		s.Config.Protocols.SetUnencryptedHTTP2(true)
		s.Start()
	}
	t.Cleanup(s.Close)
	if !tlsOn {
		return s, httpx.WithHTTP1(false)
	}
	return s, httpx.WithTLS(tls.Options{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs})
}

func TestHTTP2(t *testing.T) {
	for name, tlsOn := range map[string]bool{"TLS": true, "cleartext": false} {
		t.Run(name, func(t *testing.T) {
			s, opt := http2Server(t, tlsOn, answerEcho)
			c := newClient(t, httpx.WithHTTP2(true), opt)
			large := strings.Repeat("0123456789abcdef", 64<<10)
			var wg sync.WaitGroup
			for i := range 50 {
				wg.Go(func() {
					body := large[:i*1000]
					resp, err := c.Post(context.Background(), s.URL+"/p?q=1", httpx.String(body))
					if err != nil {
						t.Error(err)
						return
					}
					e, err := httpx.Decode[echoed](resp)
					if err != nil || e.Body != body || e.Target != "/p?q=1" || resp.Proto != "HTTP/2" || resp.Conn().StreamID == 0 {
						t.Errorf("%d bytes, %s, %v", len(e.Body), resp.Proto, err)
					}
				})
			}
			wg.Wait()
			if st := c.Stats(); st.Dials != 1 {
				t.Errorf("one connection serves all: %+v", st.Counts)
			}
		})
	}
}

func TestProtocolChoice(t *testing.T) {
	s, opt := http2Server(t, true, answerEcho)
	ctx := context.Background()
	resp, err := newClient(t, opt).Get(ctx, s.URL)
	if err != nil || resp.Proto != "HTTP/2" {
		t.Errorf("the server chooses HTTP/2: %v, %v", resp, err)
	}
	resp, err = newClient(t, opt, httpx.WithHTTP2(false)).Get(ctx, s.URL)
	if err != nil || resp.Proto != "HTTP/1.1" {
		t.Errorf("HTTP/2 is not offered: %v, %v", resp, err)
	}
	h1only := httptest.NewUnstartedServer(http.HandlerFunc(answerEcho))
	h1only.Config.ErrorLog = log.New(io.Discard, "", 0)
	h1only.StartTLS()
	defer h1only.Close()
	roots := httpx.WithTLS(tls.Options{RootCAs: h1only.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs})
	if resp, err = newClient(t, roots, httpx.WithHTTP2(true)).Get(ctx, h1only.URL); err != nil || resp.Proto != "HTTP/1.1" {
		t.Errorf("the server chooses: %v, %v", resp, err)
	}
	if _, err = newClient(t, roots, httpx.WithHTTP2(true), httpx.WithHTTP1(false)).Get(ctx, h1only.URL); !errors.Is(err, httpx.ErrTLS) {
		t.Errorf("no common protocol: %v", err)
	}
	if _, err = httpx.New(httpx.WithHTTP1(false), httpx.WithHTTP2(false)); err == nil {
		t.Error("a client that may speak nothing is refused")
	}
}
