package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/httpx"
)

// TestProxyMatrix sends requests along every path to every kind of origin, and
// has all go well, be refused, stand still and be cancelled at every step.
func TestProxyMatrix(t *testing.T) {
	certs := newCerts(t)
	for _, path := range []string{"direct", "http", "https", "http tunnel", "https tunnel", "socks5", "socks5h"} {
		for _, origin := range []string{"http", "h1", "h2"} {
			scheme, tunnel := strings.CutSuffix(path, " tunnel")
			if tunnel && origin != "http" {
				continue // which is tunnelled anyway
			}
			m := matrix{t, func(t *testing.T) *stage {
				return &stage{t: t, path: scheme, tunnel: tunnel, origin: origin, certs: certs, gone: make(chan struct{})}
			}}
			name := fmt.Sprintf("C36 %s to %s", path, origin)
			t.Run(name, func(t *testing.T) {
				m.t = t
				m.ok()
				m.timeouts()
				m.refused()
				if path != "direct" {
					m.auth()
				}
				for _, step := range m.stage(t).steps() {
					m.hang(step)
					m.cancel(step)
					m.deadline(step)
					if hangs[step].is == httpx.ErrConnectTimeout {
						m.retry(step)
					}
				}
			})
		}
	}
}

// matrix is one path to one kind of origin.
type matrix struct {
	t     *testing.T
	stage func(*testing.T) *stage
}

// run runs one cell in a bubble, and then looks for what is left.
func (m matrix) run(name string, f func(t *testing.T, s *stage)) {
	m.t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := m.stage(t)
			f(t, s)
			if s.origin == "h2" && s.deaf {
				pause(t, time.Second) // which GOAWAY has to get through
			}
			synctest.Wait()
			s.over()
			close(s.gone)
		})
	})
}

func (m matrix) ok() {
	m.run("ok", func(t *testing.T, s *stage) {
		c := s.client("")
		defer c.Close()
		for i := range 2 {
			resp, err := c.Get(t.Context(), s.url())
			if err != nil || resp.StatusCode != 200 || resp.Text() != "body" {
				t.Fatal(resp, err)
			}
			info := resp.Conn()
			if via := "proxy.test:3128"; (info.Proxy == s.path+"://"+via) != (s.path != "direct") {
				t.Errorf("proxy %q", info.Proxy)
			}
			if info.Reused != (i == 1) || (resp.Proto == "HTTP/2") != (s.origin == "h2") {
				t.Errorf("reused %t, %s", info.Reused, resp.Proto)
			}
			if (info.TLS != nil) != (s.origin != "http") {
				t.Errorf("TLS with the origin: %v", info.TLS)
			}
		}
		dialed, asked, head := "proxy.test:3128", "", "GET /x "+originName
		switch {
		case s.path == "direct":
			dialed = originName + map[bool]string{true: ":80", false: ":443"}[s.origin == "http"]
		case s.forwards():
			asked, head = "GET http://origin.test/x\nGET http://origin.test/x", "GET http://origin.test/x origin.test"
		case s.path == "socks5":
			asked = "CONNECT " + originAddr
		default:
			asked = "CONNECT " + originName
		}
		if strings.HasPrefix(asked, "CONNECT") {
			asked += map[bool]string{true: ":80", false: ":443"}[s.origin == "http"]
		}
		if got := s.noted(&s.dialed); got != dialed {
			t.Errorf("dialled %q, want %q", got, dialed)
		}
		if got := s.noted(&s.proxy); got != asked {
			t.Errorf("the proxy was asked %q, want %q", got, asked)
		}
		if got := s.noted(&s.heads); got != head+"\n"+head {
			t.Errorf("the origin got %q, want %q twice", got, head)
		}
		c.Close()
	})
}

// auth gives the right password, a wrong one and none, by Basic and by Digest.
func (m matrix) auth() {
	m.authBy(false)
	if strings.HasPrefix(m.stage(m.t).path, "http") {
		m.authBy(true)
	}
}

func (m matrix) authBy(digest bool) {
	for name, password := range map[string]string{"auth": proxySecret, "wrong auth": "wr0ng-" + proxySecret, "no auth": ""} {
		m.run(fmt.Sprintf("%s, digest %t", name, digest), func(t *testing.T, s *stage) {
			s.auth, s.digest = true, digest
			c := s.client(password, httpx.WithConnectRetries(2))
			defer c.Close()
			resp, err := c.Get(t.Context(), s.url())
			switch {
			case name == "auth":
				if err != nil || resp.Text() != "body" {
					t.Fatal(resp, err)
				}
				before := len(s.noted(&s.dialed))
				if resp, err = c.Get(t.Context(), s.url()); err != nil || resp.StatusCode != 200 || len(s.noted(&s.dialed)) != before {
					t.Error("the second time:", resp, err)
				}
			case s.forwards():
				if err != nil || resp.StatusCode != 407 || resp.Text() != "who" {
					t.Error("the 407 is the response:", resp, err)
				}
			case !errors.Is(err, httpx.ErrProxy) || !strings.Contains(err.Error(), "proxy.test:3128") || !strings.Contains(err.Error(), "user and password"):
				t.Error(err)
			case strings.Contains(s.noted(&s.dialed), "\n"):
				t.Error("it is tried again, to no avail")
			}
			s.keepsSecret(fmt.Sprint(err), fmt.Sprintf("%+v %#v", c.Stats(), c.Conns()))
			c.Close()
		})
	}
}

// keepsSecret looks for the password in texts and in what the origin was sent.
func (s *stage) keepsSecret(texts ...string) {
	s.t.Helper()
	if !s.forwards() {
		texts = append(texts, s.noted(&s.heads))
	}
	for _, text := range texts {
		if strings.Contains(text, proxySecret) || strings.Contains(text, "Basic ") || strings.Contains(text, "Digest username") {
			s.t.Errorf("tells the password: %s", text)
		}
	}
}

func (m matrix) refused() {
	m.run("refused", func(t *testing.T, s *stage) {
		s.refuse = true
		c := s.client("", httpx.WithConnectRetries(1))
		defer c.Close()
		resp, err := c.Get(t.Context(), s.url())
		switch {
		case s.forwards():
			if err != nil || resp.StatusCode != 403 {
				t.Error(resp, err)
			}
		case s.path == "direct":
			// The network may be better in a moment; a proxy that says no will not.
			if !errors.Is(err, httpx.ErrConnect) || errors.Is(err, httpx.ErrProxy) || strings.Count(s.noted(&s.dialed), "\n") != 1 {
				t.Error(s.noted(&s.dialed), err)
			}
		case !errors.Is(err, httpx.ErrProxy) || errors.Is(err, httpx.ErrTimeout) || strings.Contains(s.noted(&s.dialed), "\n"):
			t.Error(s.noted(&s.dialed), err)
		case !strings.Contains(err.Error(), "403") && !strings.Contains(err.Error(), "reply 2"):
			t.Error("does not say what the proxy has said:", err)
		}
		c.Close()
	})
}

// hangs says which timeout a step belongs to, and what its error tells of it.
var hangs = map[string]struct {
	is   error
	tell string
}{
	"dial":          {httpx.ErrConnectTimeout, "connecting"},
	"proxy tls":     {httpx.ErrConnectTimeout, "TLS handshake"},
	"connect":       {httpx.ErrConnectTimeout, "CONNECT origin.test:"},
	"connect again": {httpx.ErrConnectTimeout, "CONNECT origin.test:"},
	"head again":    {httpx.ErrReadTimeout, ""},
	"greeting":      {httpx.ErrConnectTimeout, "SOCKS5 greeting"},
	"auth":          {httpx.ErrConnectTimeout, "SOCKS5 authentication"},
	"request":       {httpx.ErrConnectTimeout, "SOCKS5 request"},
	"tls":           {httpx.ErrConnectTimeout, "tls: connect timeout"},
	"head":          {httpx.ErrReadTimeout, ""},
	"body":          {httpx.ErrReadTimeout, ""},
}

func (m matrix) hang(step string) {
	for _, deaf := range []bool{false, true} {
		m.run(fmt.Sprintf("hang at %s, deaf %t", step, deaf), func(t *testing.T, s *stage) {
			s.deaf = deaf
			s.at(&s.hang, step)
			c := s.client(proxySecret, httpx.WithTimeouts(httpx.Timeouts{Connect: 3 * time.Second, Read: 7 * time.Second, Write: time.Minute}))
			defer c.Close()
			want, limit := hangs[step], 3*time.Second
			if want.is == httpx.ErrReadTimeout {
				limit = 7 * time.Second
			}
			began := time.Now()
			resp, err := c.Get(t.Context(), s.url())
			took := time.Since(began)
			if !errors.Is(err, want.is) || took < limit || took > limit+limit/10 || want.is == httpx.ErrConnectTimeout && took != limit {
				t.Errorf("after %v: %v %v", took, resp, err)
			}
			if s.path == "direct" && step == "dial" {
				return
			}
			if !strings.Contains(fmt.Sprint(err), want.tell) {
				t.Errorf("does not tell of %q: %v", want.tell, err)
			}
			if via := "proxy " + s.path + "://proxy.test:3128"; want.is == httpx.ErrConnectTimeout && step != "tls" && !strings.Contains(err.Error(), via) {
				t.Errorf("does not name the proxy: %v", err)
			}
			s.keepsSecret(err.Error())
			c.Close()
		})
	}
}

func (m matrix) cancel(step string) {
	for _, deaf := range []bool{false, true} {
		m.run(fmt.Sprintf("cancel at %s, deaf %t", step, deaf), func(t *testing.T, s *stage) {
			s.deaf = deaf
			s.at(&s.hang, step)
			c := s.client(proxySecret)
			defer c.Close()
			cause := errors.New("enough of it")
			ctx, cancel := context.WithCancelCause(t.Context())
			done := make(chan error)
			began := time.Now()
			go func() { // ends with the request
				_, err := c.Get(ctx, s.url())
				done <- err
			}()
			synctest.Wait() // everybody is at the step
			cancel(cause)
			err := <-done
			if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) || errors.Is(err, httpx.ErrProxy) || time.Since(began) != 0 {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
			c.Close() // ends the dial, which would serve others still
			s.keepsSecret(err.Error())
		})
	}
}

// deadline has the context's deadline, which bounds all of a request, pass.
func (m matrix) deadline(step string) {
	for _, deaf := range []bool{false, true} {
		m.run(fmt.Sprintf("deadline at %s, deaf %t", step, deaf), func(t *testing.T, s *stage) {
			s.deaf = deaf
			s.at(&s.hang, step)
			c := s.client(proxySecret, httpx.WithTimeout(time.Minute))
			defer c.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			began := time.Now()
			_, err := c.Get(ctx, s.url())
			if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, httpx.ErrTimeout) || errors.Is(err, httpx.ErrProxy) || time.Since(began) != 3*time.Second {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
			c.Close()
			s.keepsSecret(fmt.Sprint(err))
		})
	}
}

// retry has the first connection end at a step of connecting.
func (m matrix) retry(step string) {
	m.run("retry after an end at "+step, func(t *testing.T, s *stage) {
		s.at(&s.breaks, step)
		c := s.client(proxySecret, httpx.WithConnectRetries(1))
		defer c.Close()
		resp, err := c.Post(t.Context(), s.url(), httpx.String("once"))
		if err != nil || resp.Text() != "body" || strings.Count(s.noted(&s.dialed), "\n") != 1 {
			t.Errorf("%q: %v %v", s.noted(&s.dialed), resp, err)
		}
		c.Close()

		s = m.stage(t)
		s.at(&s.breaks, step)
		c = s.client(proxySecret)
		defer c.Close()
		_, err = c.Get(t.Context(), s.url())
		if step == "connect again" {
			if err != nil || strings.Count(s.noted(&s.dialed), "\n") != 1 {
				t.Error("a proxy that closes behind its 407 is asked again over another connection:", err)
			}
		} else if proxy := step != "tls" && s.path != "direct"; !errors.Is(err, httpx.ErrNetwork) || errors.Is(err, httpx.ErrProxy) != proxy || errors.Is(err, httpx.ErrTimeout) {
			t.Error(err)
		}
		s.keepsSecret(fmt.Sprint(err))
		c.Close()
		synctest.Wait()
		s.over()
	})
}

// timeouts are those that no step hangs for: of the response's head, Write and Pool.
func (m matrix) timeouts() {
	m.run("header timeout", func(t *testing.T, s *stage) {
		s.hang = "head"
		c := s.client("", httpx.WithHeaderTimeout(2*time.Second), httpx.WithTimeout(time.Minute))
		defer c.Close()
		began := time.Now()
		_, err := c.Get(t.Context(), s.url())
		if took := time.Since(began); !errors.Is(err, httpx.ErrReadTimeout) || errors.Is(err, httpx.ErrProxy) || took < 2*time.Second || took > 2200*time.Millisecond {
			t.Errorf("after %v: %v", took, err)
		}
		c.Close()
	})
	if m.stage(m.t).forwards() {
		m.run("header timeout after a challenge", func(t *testing.T, s *stage) {
			s.at(&s.hang, "head again")
			c := s.client(proxySecret, httpx.WithHeaderTimeout(2*time.Second), httpx.WithTimeout(time.Minute))
			defer c.Close()
			began := time.Now()
			_, err := c.Get(t.Context(), s.url())
			if took := time.Since(began); !errors.Is(err, httpx.ErrReadTimeout) || took < 2*time.Second || took > 2200*time.Millisecond {
				t.Errorf("after %v: %v", took, err)
			}
			s.keepsSecret(fmt.Sprint(err))
			c.Close()
		})
	}
	m.run("write timeout", func(t *testing.T, s *stage) {
		s.hang, s.deaf = "head", true
		c := s.client("", httpx.WithTimeouts(httpx.Timeouts{Write: 4 * time.Second}))
		defer c.Close()
		began := time.Now()
		_, err := c.Post(t.Context(), s.url(), httpx.Reader(endless{}))
		if took := time.Since(began); !errors.Is(err, httpx.ErrWriteTimeout) || took < 4*time.Second || took > 4400*time.Millisecond {
			t.Errorf("after %v: %v", took, err)
		}
		c.Close()
	})
	m.run("pool timeout", func(t *testing.T, s *stage) {
		s.hang = "body"
		c := s.client("", httpx.WithTimeouts(httpx.Timeouts{Pool: 2 * time.Second}), httpx.WithLimits(httpx.Limits{MaxConnections: 1}))
		defer c.Close()
		held, err := c.Stream(t.Context(), "GET", s.url())
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close()
		other := strings.Replace(s.url(), originName, "other.test", 1)
		began := time.Now()
		if _, err = c.Get(t.Context(), other); !errors.Is(err, httpx.ErrPoolTimeout) || time.Since(began) != 2*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		held.Close()
		c.Close()
	})
}
