package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"gohttpx.dev/httpx"
	"gohttpx.dev/tls"
	"golang.org/x/oauth2"
)

// both runs f with a server's URL and a client for it, over either protocol.
func both(t *testing.T, h http.Handler, f func(t *testing.T, url string, c *httpx.Client)) {
	for _, proto := range []string{"HTTP/1.1", "HTTP/2"} {
		t.Run(proto, func(t *testing.T) {
			url, roots := serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if (r.ProtoMajor == 2) != (proto == "HTTP/2") {
					t.Errorf("came over %s", r.Proto)
				}
				h.ServeHTTP(rw, r)
			}))
			f(t, url, client(t, httpx.WithTLS(tls.Options{RootCAs: roots}), httpx.WithHTTP2(proto == "HTTP/2")))
		})
	}
}

// B23: spans and their propagation come from OpenTelemetry's own transport,
// above ours.
func TestOpenTelemetry(t *testing.T) {
	var parent atomic.Value
	h := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		parent.Store(r.Header.Get("Traceparent"))
		if r.URL.Path == "/bad" {
			rw.WriteHeader(http.StatusBadGateway)
		}
		io.WriteString(rw, "hello")
	})
	both(t, h, func(t *testing.T, url string, c *httpx.Client) {
		t.Run("B23 a span for each request", func(t *testing.T) {
			spans := tracetest.NewSpanRecorder()
			provider := trace.NewTracerProvider(trace.WithSpanProcessor(spans))
			std := &http.Client{Transport: otelhttp.NewTransport(c.RoundTripper(),
				otelhttp.WithTracerProvider(provider), otelhttp.WithPropagators(propagation.TraceContext{}))}
			for _, path := range []string{"/", "/bad"} {
				resp, err := std.Get(url + path)
				if err != nil {
					t.Fatal(err)
				}
				if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "hello" {
					t.Errorf("%q %v", b, err)
				}
				resp.Body.Close() // ends the span
			}
			got := spans.Ended()
			if len(got) != 2 {
				t.Fatalf("%d spans", len(got))
			}
			if id := got[1].SpanContext().SpanID().String(); !strings.Contains(parent.Load().(string), id) {
				t.Errorf("the server saw %q, the span is %s", parent.Load(), id)
			}
			attrs := fmt.Sprint(got[1].Attributes())
			for _, want := range []string{"http.request.method", "502", "server.address"} {
				if !strings.Contains(attrs, want) {
					t.Errorf("%s lacks %s", attrs, want)
				}
			}
		})
	})
}

func TestReverseProxy(t *testing.T) {
	upstream := make(chan struct{}, 1) // the stream has ended there
	h := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/echo":
			rw.Header().Set("Trailer", "X-Sum")
			rw.Header().Set("X-Forwarded-For-Seen", r.Header.Get("X-Forwarded-For"))
			b, _ := io.ReadAll(r.Body) // net/http's HTTP/1.1 server takes no more once it answers
			rw.Write(b)
			rw.Header().Set("X-Sum", fmt.Sprint(len(b)))
		case "/events":
			rw.Header().Set("Content-Type", "text/event-stream")
			for i := range 3 {
				fmt.Fprintf(rw, "data: %d\n\n", i)
				rw.(http.Flusher).Flush()
			}
			<-r.Context().Done() // until the caller leaves
			upstream <- struct{}{}
		case "/hints":
			rw.Header().Set("Link", "</a.css>; rel=preload")
			rw.WriteHeader(http.StatusEarlyHints)
			rw.WriteHeader(http.StatusNoContent)
		case "/broken":
			io.WriteString(rw, strings.Repeat("x", 100_000))
			panic(http.ErrAbortHandler)
		}
	})
	both(t, h, func(t *testing.T, target string, c *httpx.Client) {
		to, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		proxy := &httputil.ReverseProxy{
			Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(to); r.SetXForwarded() },
			Transport: c.RoundTripper(),
			ErrorLog:  silence,
		}
		front := httptest.NewServer(proxy)
		defer front.Close()
		user := client(t, httpx.WithBaseURL(front.URL))

		t.Run("B1 bodies and trailers", func(t *testing.T) {
			body := bytes.Repeat([]byte("0123456789"), 50_000)
			for name, b := range map[string]httpx.RequestOption{"length": httpx.Bytes(body), "chunks": httpx.Reader(struct{ io.Reader }{bytes.NewReader(body)})} {
				resp, err := user.Post(t.Context(), "/echo", b)
				if err != nil {
					t.Fatal(name, err)
				}
				if !bytes.Equal(resp.Bytes(), body) || resp.Trailer().Get("X-Sum") != "500000" || resp.Header.Get("X-Forwarded-For-Seen") != "127.0.0.1" {
					t.Errorf("%s: %d bytes, trailer %v, %v", name, len(resp.Bytes()), resp.Trailer(), resp.Header)
				}
			}
		})
		t.Run("B1 a stream is passed on at once, and its end upstream", func(t *testing.T) {
			resp, err := user.Stream(t.Context(), "GET", "/events")
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for line, err := range resp.Lines() {
				if err != nil {
					t.Fatal(err)
				}
				if strings.HasPrefix(line, "data:") {
					if n++; n == 3 {
						break
					}
				}
			}
			resp.Close() // the handler's context ends through the proxy
			<-upstream
		})
		t.Run("B16 interim responses", func(t *testing.T) {
			var seen []int
			_, err := user.Get(t.Context(), "/hints", httpx.OnInformational(func(status int, h httpx.Header) error {
				seen = append(seen, status)
				return nil
			}))
			if err != nil || fmt.Sprint(seen) != "[103]" {
				t.Errorf("%v %v", seen, err)
			}
		})
		t.Run("B1 a response that breaks off does so here too", func(t *testing.T) {
			if _, err := user.Get(t.Context(), "/broken"); !errors.Is(err, httpx.ErrRemoteProtocol) && !errors.Is(err, httpx.ErrRead) {
				t.Error(err)
			}
		})
		t.Run("B1 nobody there", func(t *testing.T) {
			none, _ := url.Parse("http://127.0.0.1:1")
			p := httputil.NewSingleHostReverseProxy(none)
			p.Transport, p.ErrorLog = c.RoundTripper(), silence
			rec := httptest.NewRecorder()
			p.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
			if rec.Code != http.StatusBadGateway {
				t.Errorf("%d", rec.Code)
			}
		})
	})
}

func TestWebSocket(t *testing.T) {
	h := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(rw, r, nil)
		if err != nil {
			return
		}
		defer ws.CloseNow()
		ws.SetReadLimit(1 << 20)
		for {
			kind, b, err := ws.Read(r.Context())
			if err != nil {
				return
			}
			if err := ws.Write(r.Context(), kind, b); err != nil {
				return
			}
		}
	})
	echo := func(t *testing.T, url string, std *http.Client) {
		t.Helper()
		ws, resp, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{HTTPClient: std})
		if err != nil {
			t.Fatal(err)
		}
		defer ws.CloseNow()
		if resp.StatusCode != http.StatusSwitchingProtocols {
			t.Errorf("%d", resp.StatusCode)
		}
		ws.SetReadLimit(1 << 20)
		for i := range 100 {
			sent := map[string]any{"n": float64(i), "s": strings.Repeat("x", i*500)}
			if err := wsjson.Write(t.Context(), ws, sent); err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			if err := wsjson.Read(t.Context(), ws, &got); err != nil || fmt.Sprint(got) != fmt.Sprint(sent) {
				t.Fatalf("message %d: %v", i, err)
			}
		}
		if err := ws.Close(websocket.StatusNormalClosure, "done"); err != nil {
			t.Error(err)
		}
	}
	t.Run("B18 over TLS", func(t *testing.T) {
		url, roots := serve(t, h)
		c := client(t, httpx.WithTLS(tls.Options{RootCAs: roots}), httpx.WithHTTP2(false))
		echo(t, url, &http.Client{Transport: c.RoundTripper()})
	})
	t.Run("B18 in cleartext", func(t *testing.T) {
		s := httptest.NewServer(h)
		defer s.Close()
		c := client(t)
		echo(t, s.URL, &http.Client{Transport: c.RoundTripper()})
	})
	t.Run("B18 through a reverse proxy of ours", func(t *testing.T) {
		target, roots := serve(t, h)
		to, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		back := client(t, httpx.WithTLS(tls.Options{RootCAs: roots}), httpx.WithHTTP2(false))
		proxy := httputil.NewSingleHostReverseProxy(to)
		proxy.Transport = back.RoundTripper()
		front := httptest.NewServer(proxy)
		defer front.Close()
		echo(t, front.URL, &http.Client{Transport: client(t).RoundTripper()})
		if err := back.Shutdown(t.Context()); err != nil { // the proxy closes its end on a goroutine of its own
			t.Error(err)
		}
	})
	t.Run("B18 a context that ends", func(t *testing.T) {
		s := httptest.NewServer(h)
		defer s.Close()
		ws, _, err := websocket.Dial(t.Context(), s.URL, &websocket.DialOptions{HTTPClient: &http.Client{Transport: client(t).RoundTripper()}})
		if err != nil {
			t.Fatal(err)
		}
		defer ws.CloseNow()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, _, err := ws.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// The token is fetched and renewed through the client, and it authenticates
// what goes through it.
func TestOAuth2(t *testing.T) {
	var mu sync.Mutex
	issued := 0 // guarded by mu
	h := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		current := fmt.Sprintf("token-%d", issued)
		if r.URL.Path != "/token" {
			if r.Header.Get("Authorization") != "Bearer "+current {
				rw.WriteHeader(http.StatusUnauthorized)
			}
			return
		}
		if r.FormValue("grant_type") != "refresh_token" || r.FormValue("refresh_token") != "refresh" {
			rw.WriteHeader(http.StatusBadRequest)
			return
		}
		issued++
		rw.Header().Set("Content-Type", "application/json")
		// Gone as soon as it is there: oauth2 renews ten seconds ahead.
		fmt.Fprintf(rw, `{"access_token":"token-%d","token_type":"Bearer","refresh_token":"refresh","expires_in":5}`, issued)
	})
	both(t, h, func(t *testing.T, url string, c *httpx.Client) {
		t.Run("B1 a token is renewed", func(t *testing.T) {
			mu.Lock()
			issued = 0
			mu.Unlock()
			config := oauth2.Config{ClientID: "id", ClientSecret: "secret", Endpoint: oauth2.Endpoint{TokenURL: url + "/token", AuthStyle: oauth2.AuthStyleInHeader}}
			ctx := context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: c.RoundTripper()})
			std := config.Client(ctx, &oauth2.Token{RefreshToken: "refresh", Expiry: time.Unix(1, 0)})
			for range 3 {
				resp, err := std.Get(url + "/api")
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					t.Errorf("%d", resp.StatusCode)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if issued != 3 {
				t.Errorf("%d tokens", issued)
			}
		})
		t.Run("A12.10 a token source under our own client", func(t *testing.T) {
			config := oauth2.Config{Endpoint: oauth2.Endpoint{TokenURL: url + "/token", AuthStyle: oauth2.AuthStyleInParams}}
			ctx := context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: c.RoundTripper()})
			source := config.TokenSource(ctx, &oauth2.Token{RefreshToken: "refresh", Expiry: time.Unix(1, 0)})
			auth := httpx.TokenAuth(func(context.Context) (string, time.Time, error) {
				token, err := source.Token()
				if err != nil {
					return "", time.Time{}, err
				}
				return token.AccessToken, token.Expiry, nil
			})
			resp, err := c.Get(t.Context(), url+"/api", httpx.WithAuth(auth))
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Errorf("%v %v", resp, err)
			}
		})
	})
}
