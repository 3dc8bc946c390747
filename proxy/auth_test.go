package proxy_test

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"hash"
	"regexp"
	"strings"
	"sync"
	"testing"

	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/proxy"
	"gohttpx.dev/wire"
)

func credentials(t *testing.T, user string) *proxy.Credentials {
	t.Helper()
	c, err := proxy.NewCredentials(user, secret)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// param is one parameter of a Digest value.
func param(value, name string) string {
	m := regexp.MustCompile(`[ ,]` + name + `="?([^",]*)`).FindStringSubmatch(value)
	if m == nil {
		return ""
	}
	return m[1]
}

// right reports whether a value is the answer that RFC 7616 §3.4.1 asks for.
func right(value, method, uri string) bool {
	h := md5.New
	if param(value, "algorithm") == "SHA-256" {
		h = sha256.New
	}
	return param(value, "response") == sum(h, sum(h, "joe", param(value, "realm"), secret), param(value, "nonce"),
		param(value, "nc"), param(value, "cnonce"), "auth", sum(h, method, uri)) && param(value, "uri") == uri
}

func sum(h func() hash.Hash, parts ...string) string {
	d := h()
	d.Write([]byte(strings.Join(parts, ":")))
	return fmt.Sprintf("%x", d.Sum(nil))
}

const (
	basicOffer  = `Basic realm="proxy"`
	md5Offer    = `Digest realm="proxy", nonce="n1", qop="auth", algorithm=MD5`
	sha256Offer = `Digest realm="proxy", nonce="n2", qop="auth", algorithm=SHA-256`
)

func TestCredentials(t *testing.T) {
	next := func(t *testing.T, a *proxy.Answers, challenges ...string) string {
		t.Helper()
		v, ok, err := a.Next(challenges, "CONNECT", target)
		if err != nil || ok != (v != "") {
			t.Fatalf("%q, %v, %v", v, ok, err)
		}
		return v
	}
	t.Run("A19.1 Basic before it is asked for", func(t *testing.T) {
		if v := credentials(t, "joe").Begin().First("CONNECT", target, true); v != basicOf(t) {
			t.Error(v)
		}
	})
	t.Run("A19.1 nothing before it is asked for", func(t *testing.T) {
		a := credentials(t, "joe").Begin()
		if v := a.First("CONNECT", target, false); v != "" {
			t.Error(v)
		}
		if v := next(t, a, basicOffer); v != basicOf(t) {
			t.Error(v)
		}
		if v := next(t, a, basicOffer); v != "" {
			t.Errorf("refused, and again %s", v)
		}
	})
	t.Run("A19.1 the strongest Digest is chosen before Basic", func(t *testing.T) {
		a := credentials(t, "joe").Begin()
		a.First("CONNECT", target, true)
		v := next(t, a, basicOffer+", "+md5Offer, sha256Offer)
		if param(v, "algorithm") != "SHA-256" || !right(v, "CONNECT", target) {
			t.Error(v)
		}
		if v := next(t, a, basicOffer, sha256Offer); v != "" {
			t.Errorf("refused, and again %s", v)
		}
	})
	t.Run("A19.1 the nonce is used again, and counted", func(t *testing.T) {
		c := credentials(t, "joe")
		next(t, c.Begin(), md5Offer)
		var wg sync.WaitGroup
		counts := make([]string, 20)
		for i := range counts {
			wg.Go(func() {
				v := c.Begin().First("CONNECT", target, true)
				if !right(v, "CONNECT", target) {
					t.Error(v)
				}
				counts[i] = param(v, "nc")
			})
		}
		wg.Wait()
		seen := map[string]bool{}
		for _, n := range counts {
			seen[n] = true
		}
		if len(seen) != 20 || seen["00000001"] {
			t.Errorf("%q", counts)
		}
	})
	t.Run("a nonce that was given to us before goes on counting", func(t *testing.T) {
		c := credentials(t, "joe")
		next(t, c.Begin(), md5Offer)
		if v := next(t, c.Begin(), md5Offer); param(v, "nc") != "00000002" {
			t.Error(v)
		}
	})
	t.Run("a stale nonce is replaced", func(t *testing.T) {
		c := credentials(t, "joe")
		next(t, c.Begin(), md5Offer)
		a := c.Begin()
		a.First("CONNECT", target, true)
		if v := next(t, a, strings.Replace(md5Offer, "n1", "n3", 1)); param(v, "nonce") != "n3" || param(v, "nc") != "00000001" {
			t.Error(v)
		}
		if v := next(t, a, strings.Replace(md5Offer, "n1", "n4", 1)+", stale=true"); param(v, "nonce") != "n4" {
			t.Error(v)
		}
		if v := next(t, a, strings.Replace(md5Offer, "n1", "n5", 1)+", stale=true"); v != "" {
			t.Errorf("a third answer: %s", v)
		}
		if v := c.Begin().First("CONNECT", target, false); v != "" {
			t.Errorf("a refused nonce is used again: %s", v)
		}
	})
	t.Run("Digest that cannot be answered, beside Basic", func(t *testing.T) {
		const odd = `Digest realm="x", nonce="y", algorithm=ROT13`
		a := credentials(t, "joe").Begin()
		if v := next(t, a, odd, basicOffer); v != basicOf(t) {
			t.Error(v)
		}
		if _, ok, err := a.Next([]string{odd, basicOffer}, "CONNECT", target); ok || err == nil || !strings.Contains(err.Error(), "ROT13") {
			t.Error(ok, err)
		}
	})
	t.Run("other schemes alone", func(t *testing.T) {
		if v := next(t, credentials(t, "joe").Begin(), "Negotiate", "NTLM abc="); v != "" {
			t.Error(v)
		}
	})
	t.Run("a colon in the user", func(t *testing.T) {
		a := credentials(t, "j:oe").Begin()
		if v := a.First("CONNECT", target, true); v != "" {
			t.Error(v)
		}
		if _, ok, err := a.Next([]string{basicOffer}, "CONNECT", target); ok || err == nil || !strings.Contains(err.Error(), "colon") {
			t.Error(ok, err)
		}
		if v := next(t, a, md5Offer); param(v, "username") != "j:oe" {
			t.Error(v)
		}
	})
	t.Run("control bytes", func(t *testing.T) {
		if _, err := proxy.NewCredentials("joe", secret+"\n"); err == nil {
			t.Error("no error")
		} else {
			harmless(t, err)
		}
	})
	t.Run("no print shows them", func(t *testing.T) {
		c := credentials(t, "joe")
		if s := fmt.Sprintf("%v %+v %#v %s", c, c, c, c); strings.Contains(s, secret) || strings.Contains(s, "joe") {
			t.Error(s)
		}
	})
}

// The whole way: Basic as a first guess, a 407 with Digest on the same
// connection, and the second tunnel with the nonce of the first.
func TestTunnelWithCredentials(t *testing.T) {
	c := credentials(t, "joe")
	tunnel := func() *proxy.Tunnel {
		a := c.Begin()
		return &proxy.Tunnel{Addr: target, Authorization: a.First("CONNECT", target, true), Authorize: a.Next}
	}
	t.Run("A19.1 from Basic to Digest", func(t *testing.T) {
		bubble(t, func(p *peer.Script) {
			if v := p.WantHead(connectLine, "the first guess").Get("Proxy-Authorization"); v != basicOf(t) {
				t.Error(v)
			}
			p.Respond("407 Who?", "log in", "Proxy-Authenticate: "+basicOffer, "Proxy-Authenticate: "+md5Offer)
			if v := p.WantHead(connectLine, "the answer").Get("Proxy-Authorization"); !right(v, "CONNECT", target) {
				t.Error(v)
			}
			p.Send(ok)
			pong(p)
		}, func(ctx context.Context, _ context.CancelCauseFunc, nc *memconn.Conn) {
			got, err := tunnel().Connect(ctx, nc)
			if err != nil {
				t.Fatal(err)
			}
			pingPong(t, got)
		})
	})
	t.Run("A19.1 a wrong password", func(t *testing.T) {
		bubble(t, func(p *peer.Script) {
			if v := p.WantHead(connectLine, "with the nonce that is known").Get("Proxy-Authorization"); !right(v, "CONNECT", target) || param(v, "nc") != "00000002" {
				t.Error(v)
			}
			p.Respond("407 Who?", "", "Proxy-Authenticate: "+sha256Offer)
			if v := p.WantHead(connectLine, "the answer").Get("Proxy-Authorization"); param(v, "nonce") != "n2" {
				t.Error(v)
			}
			p.Respond("407 Who?", "", "Proxy-Authenticate: "+sha256Offer)
			p.WantClosed("there is no better answer")
		}, func(ctx context.Context, _ context.CancelCauseFunc, nc *memconn.Conn) {
			_, err := tunnel().Connect(ctx, nc)
			want(t, err, wire.KindRefused, true, proxy.StepConnect, "check user and password")
		})
	})
}
