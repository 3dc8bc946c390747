package main

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"gohttpx.dev/internal/peer"
)

func serverTLS(ca *peer.CA, names ...string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{ca.Issue(names...)}, ClientAuth: tls.RequestClientCert}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// Every flag does against a server what it says.
func TestFlags(t *testing.T) {
	slow := func(d time.Duration) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { after(r.Context(), d); w.Write([]byte("ok")) }
	}
	cases := []struct {
		flag string // that the row is about
		run  func(t *testing.T)
	}{
		{"c", func(t *testing.T) {
			s := newSite(t, slow(20*time.Millisecond), nil)
			r := load(t, t.Context(), s.URL, "-c", "7", "-n", "70").want(t, exitOK)
			if r.Dials != 7 || len(s.conns) < 2 || len(s.conns) > 7 {
				t.Errorf("%d connections made, %d used, expected 7", r.Dials, len(s.conns))
			}
		}},
		{"streams", func(t *testing.T) {
			s := newSite(t, slow(50*time.Millisecond), cleartextHTTP2(100))
			r := load(t, t.Context(), s.URL, "-h2c", "-c", "2", "-streams", "5", "-n", "40").want(t, exitOK)
			if len(s.conns) != 2 || s.most < 3 || s.most > 10 {
				t.Errorf("%d connections and up to %d requests at once, expected 2 and at most 10", len(s.conns), s.most)
			}
			if r.Streams != 5 || r.Answered != 40 {
				t.Errorf("%d streams, %d answers in the result", r.Streams, r.Answered)
			}
		}},
		{"rate", func(t *testing.T) {
			s := newSite(t, nil, nil)
			r := load(t, t.Context(), s.URL, "-rate", "100", "-n", "50").want(t, exitOK)
			if r.Answered != 50 || r.Elapsed < 0.48 {
				t.Errorf("%d requests in %.3f s: the last one is due after 0.49 s", r.Answered, r.Elapsed)
			}
			if !strings.Contains(r.out, "open loop at 100/s") || !strings.Contains(r.out, "Sent late by") {
				t.Errorf("the report does not say so\n%s", r.out)
			}
		}},
		{"d", func(t *testing.T) {
			s := newSite(t, nil, nil)
			patiently(t, func(factor time.Duration) string {
				d := factor * 300 * time.Millisecond
				r := load(t, t.Context(), s.URL, "-d", d.String()).want(t, exitOK)
				if r.Elapsed != d.Seconds() || r.Answered == 0 {
					return fmt.Sprintf("%v s of %v, %d answers", r.Elapsed, d, r.Answered)
				}
				return ""
			})
		}},
		{"n", func(t *testing.T) {
			s := newSite(t, nil, nil)
			r := load(t, t.Context(), s.URL, "-n", "123").want(t, exitOK)
			if len(s.all()) != 123 || r.Answered != 123 || r.Statuses[200] != 123 || r.Content != 246 {
				t.Errorf("%d requests sent, %+v counted", len(s.all()), r.counts)
			}
		}},
		{"warmup", func(t *testing.T) {
			for _, open := range [][]string{nil, {"-rate", "200"}} {
				s := newSite(t, nil, nil)
				r := load(t, t.Context(), append(open, s.URL, "-warmup", "300ms", "-n", "40")...).want(t, exitOK)
				if r.Answered != 40 || r.Warm == 0 || int64(len(s.all())) != 40+r.Warm {
					t.Errorf("%v: %d sent, %d counted, %d to warm up", open, len(s.all()), r.Answered, r.Warm)
				}
				if !strings.Contains(r.out, "Warm-up") {
					t.Errorf("the report does not say so\n%s", r.out)
				}
			}
		}},
		{"grace", func(t *testing.T) {
			s := newSite(t, slow(time.Minute), nil)
			patiently(t, func(factor time.Duration) string {
				r := load(t, t.Context(), s.URL, "-c", "3", "-d", (factor * 100 * time.Millisecond).String(), "-grace", "100ms")
				if wrong := r.unlike(exitFailed); wrong != "" {
					return wrong
				}
				if f := r.Failures[kindUnfinished]; f.Count != 3 || r.Latency.Count != 3 || r.Latency.Min < 100 {
					return fmt.Sprintf("%+v, latency %+v: 3 requests were under way for at least 100 ms", r.Failures, r.Latency)
				}
				return ""
			})
		}},
		{"X", func(t *testing.T) {
			s := newSite(t, nil, nil)
			load(t, t.Context(), s.URL, "-X", "PATCH", "-n", "1").want(t, exitOK)
			if m := s.last(t).method; m != "PATCH" {
				t.Error(m)
			}
			// The answer to HEAD has a length and no content.
			load(t, t.Context(), s.URL, "-X", "HEAD", "-n", "20", "-c", "1", "-check-len", "0").want(t, exitOK)
		}},
		{"H", func(t *testing.T) {
			s := newSite(t, nil, nil)
			load(t, t.Context(), "-H", "X-Two: 2", "-H", "Host: else.where:81", "-H", "x-two: zwei", "-H", "User-Agent:", s.URL, "-n", "1").want(t, exitOK)
			got := s.last(t)
			if strings.Join(got.header.Values("X-Two"), "|") != "2|zwei" || got.host != "else.where:81" || got.header.Get("User-Agent") != "" || got.header.Get("Accept") != "*/*" {
				t.Errorf("%+v", got)
			}
		}},
		{"b", func(t *testing.T) {
			for _, how := range [][]string{{"-http1"}, {"-h2c"}} {
				s := newSite(t, nil, cleartextHTTP2(10))
				load(t, t.Context(), append(how, s.URL, "-b", "abc", "-n", "30")...).want(t, exitOK)
				for _, got := range s.all() {
					if got.method != "POST" || got.body != "abc" {
						t.Fatalf("%+v", got)
					}
				}
			}
		}},
		{"body-file", func(t *testing.T) {
			long := strings.Repeat("0123456789abcdef", 8<<10)
			for _, how := range [][]string{{"-http1"}, {"-h2c"}} {
				s := newSite(t, nil, cleartextHTTP2(10))
				load(t, t.Context(), append(how, s.URL, "-X", "PUT", "-body-file", write(t, "body", long), "-n", "30")...).want(t, exitOK)
				for _, got := range s.all() {
					if got.method != "PUT" || got.body != long {
						t.Fatalf("%s with %d bytes", got.method, len(got.body))
					}
				}
			}
		}},
		{"requests", func(t *testing.T) {
			s := newSite(t, nil, nil)
			file := write(t, "mix", "# three\n\nGET /a?x=1\nDELETE "+s.URL+"/b\n"+
				`{"method": "PUT", "url": "/c", "headers": {"X-One": "1", "X-Many": ["a", "b"]}, "body": "see"}`+"\n")
			load(t, t.Context(), s.URL, "-requests", file, "-c", "1", "-n", "4").want(t, exitOK)
			var words []string
			for _, got := range s.all() {
				words = append(words, got.method+" "+got.target+" "+got.body)
			}
			if got := strings.Join(words, "; "); got != "GET /a?x=1 ; DELETE /b ; PUT /c see; GET /a?x=1 " {
				t.Error(got)
			}
			if h := s.all()[2].header; h.Get("X-One") != "1" || strings.Join(h.Values("X-Many"), "") != "ab" {
				t.Error(h)
			}
		}},
		{"http1", func(t *testing.T) {
			s, ca := newTLSSite(t, true)
			load(t, t.Context(), s.URL, "-cacert", ca, "-http1", "-n", "3").want(t, exitOK)
			if p := s.last(t).proto; p != "HTTP/1.1" {
				t.Error(p)
			}
		}},
		{"http2", func(t *testing.T) {
			s, ca := newTLSSite(t, true)
			r := load(t, t.Context(), s.URL, "-cacert", ca, "-http2", "-n", "3").want(t, exitOK)
			if p := s.last(t).proto; p != "HTTP/2.0" || r.Proto != "HTTP/2" {
				t.Error(p, r.Proto)
			}
			plain, ca := newTLSSite(t, false)
			if r := load(t, t.Context(), plain.URL, "-cacert", ca, "-http2", "-n", "3").want(t, exitDown); !strings.Contains(r.err, "no application protocol") && !strings.Contains(r.err, "ALPN") {
				t.Error(r.err)
			}
			if r := load(t, t.Context(), plain.URL, "-cacert", ca, "-streams", "4", "-n", "3").want(t, exitDown); !strings.Contains(r.err, "-streams 4 is for HTTP/2") {
				t.Error(r.err)
			}
		}},
		{"h2c", func(t *testing.T) {
			s := newSite(t, nil, cleartextHTTP2(10))
			load(t, t.Context(), s.URL, "-h2c", "-n", "3").want(t, exitOK)
			if p := s.last(t).proto; p != "HTTP/2.0" {
				t.Error(p)
			}
		}},
		{"insecure", func(t *testing.T) {
			s, _ := newTLSSite(t, true)
			load(t, t.Context(), s.URL, "-insecure", "-n", "3").want(t, exitOK)
			if r := load(t, t.Context(), s.URL, "-n", "3").want(t, exitDown); !strings.Contains(r.err, "certificate") {
				t.Error(r.err)
			}
		}},
		{"cacert", func(t *testing.T) {
			s, ca := newTLSSite(t, true)
			load(t, t.Context(), s.URL, "-cacert", ca, "-n", "3").want(t, exitOK)
			load(t, t.Context(), s.URL, "-cacert", ca+".none", "-n", "3").want(t, exitUsage)
		}},
		{"cert", testClientCert},
		{"key", testClientCert},
		{"sni", func(t *testing.T) {
			s, ca := newTLSSite(t, true, "inner.example")
			load(t, t.Context(), s.URL, "-cacert", ca, "-sni", "inner.example", "-n", "3").want(t, exitOK)
			if got := s.last(t); got.sni != "inner.example" || !strings.HasPrefix(got.host, "127.0.0.1:") {
				t.Errorf("SNI %q, Host %q", got.sni, got.host)
			}
		}},
		{"connect-to", func(t *testing.T) {
			s, ca := newTLSSite(t, true, "far.example")
			load(t, t.Context(), "https://far.example/x", "-cacert", ca, "-connect-to", s.Listener.Addr().String(), "-n", "3").want(t, exitOK)
			if got := s.last(t); got.host != "far.example" || got.sni != "far.example" || got.target != "/x" {
				t.Errorf("%+v", got)
			}
		}},
		{"proxy", testProxies},
		{"fresh", func(t *testing.T) {
			s := newSite(t, nil, nil)
			r := load(t, t.Context(), s.URL, "-fresh", "-c", "2", "-n", "20").want(t, exitOK)
			if len(s.conns) != 20 || r.Dials != 21 {
				t.Errorf("%d connections used for 20 requests, %d made (one more beforehand)", len(s.conns), r.Dials)
			}
		}},
		{"connect-timeout", func(t *testing.T) {
			// Nobody shakes hands.
			s := peer.Listen(t, func(nc net.Conn) { io.Copy(io.Discard, nc) })
			r := load(t, t.Context(), "https://"+s.Addr, "-connect-timeout", "50ms", "-n", "1").want(t, exitDown)
			if !strings.Contains(r.err, "connect timeout: no connection within 50ms") {
				t.Error(r.err)
			}
		}},
		{"read-timeout", func(t *testing.T) {
			s := newSite(t, slow(time.Minute), nil)
			r := load(t, t.Context(), s.URL, "-read-timeout", "50ms", "-c", "2", "-n", "4").want(t, exitFailed)
			if r.Failures["read-timeout"].Count != 4 || r.Latency.Count != 4 || r.Latency.Min < 40 {
				t.Errorf("%+v, latency %+v: the time waited is in it", r.Failures, r.Latency)
			}
		}},
		{"write-timeout", func(t *testing.T) {
			// Nobody reads what is sent.
			s := peer.Listen(t, func(nc net.Conn) { <-t.Context().Done() })
			r := load(t, t.Context(), "http://"+s.Addr, "-write-timeout", "100ms", "-c", "1", "-n", "1",
				"-body-file", write(t, "body", strings.Repeat("x", 32<<20))).want(t, exitFailed)
			if r.Failures["write-timeout"].Count != 1 {
				t.Errorf("%+v", r.Failures)
			}
		}},
		{"header-timeout", func(t *testing.T) {
			s := newSite(t, slow(time.Minute), nil)
			r := load(t, t.Context(), s.URL, "-header-timeout", "50ms", "-c", "1", "-n", "2").want(t, exitFailed)
			if f := r.Failures["read-timeout"]; f.Count != 2 || !strings.Contains(f.Example, "head") {
				t.Errorf("%+v", r.Failures)
			}
		}},
		{"timeout", func(t *testing.T) {
			for _, how := range [][]string{{"-http1"}, {"-h2c"}} {
				s := newSite(t, slow(time.Minute), cleartextHTTP2(10))
				r := load(t, t.Context(), append(how, s.URL, "-timeout", "50ms", "-c", "2", "-n", "4")...).want(t, exitFailed)
				if r.Failures[kindTimeout].Count != 4 || r.Latency.Count != 4 {
					t.Errorf("%v: %+v", how, r.Failures)
				}
			}
		}},
		{"check-status", func(t *testing.T) {
			s := newSite(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(404) }, nil)
			load(t, t.Context(), s.URL, "-n", "3").want(t, exitOK)
			load(t, t.Context(), s.URL, "-n", "3", "-check-status", "200,4xx").want(t, exitOK)
			r := load(t, t.Context(), s.URL, "-n", "3", "-check-status", "200-299").want(t, exitFailed)
			if f := r.Failures[kindStatus]; f.Count != 3 || f.Example != "status 404" || r.Answered != 3 || r.Latency.Count != 3 {
				t.Errorf("%+v", r.counts)
			}
		}},
		{"check-len", func(t *testing.T) {
			s := newSite(t, nil, nil)
			load(t, t.Context(), s.URL, "-n", "3", "-check-len", "2").want(t, exitOK)
			r := load(t, t.Context(), s.URL, "-n", "3", "-check-len", "3").want(t, exitFailed)
			if f := r.Failures[kindLen]; f.Count != 3 || f.Example != "2 bytes of content, not 3" {
				t.Errorf("%+v", r.counts)
			}
		}},
		{"check-prefix", func(t *testing.T) {
			s := newSite(t, func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("hello world")) }, nil)
			load(t, t.Context(), s.URL, "-n", "3", "-check-prefix", "hello").want(t, exitOK)
			for prefix, at := range map[string]string{"help": "byte 3", "hello world!": "byte 11"} {
				r := load(t, t.Context(), s.URL, "-n", "3", "-check-prefix", prefix).want(t, exitFailed)
				if f := r.Failures[kindPrefix]; f.Count != 3 || !strings.Contains(f.Example, at) {
					t.Errorf("%+v", r.counts)
				}
			}
		}},
		{"quiet", func(t *testing.T) {
			s := newSite(t, slow(10*time.Millisecond), nil)
			if r := load(t, t.Context(), s.URL, "-d", "2500ms").want(t, exitOK); !regexp.MustCompile(`(?m)^ *\d\.\d\d s +[\d.,]+/s +p50 `).MatchString(r.err) {
				t.Errorf("progress is %q", r.err)
			}
			if r := load(t, t.Context(), s.URL, "-d", "1200ms", "-quiet").want(t, exitOK); r.err != "" {
				t.Errorf("progress is %q", r.err)
			}
		}},
		{"cpuprofile", func(t *testing.T) {
			s := newSite(t, nil, nil)
			file := filepath.Join(t.TempDir(), "cpu")
			load(t, t.Context(), s.URL, "-n", "3", "-cpuprofile", file).want(t, exitOK)
			if fi, err := os.Stat(file); err != nil || fi.Size() == 0 {
				t.Error(fi, err)
			}
		}},
		{"json", func(t *testing.T) {
			s := newSite(t, nil, nil)
			var out strings.Builder
			code := run(t.Context(), []string{s.URL, "-n", "5", "-json", "-"}, console{out: &out, err: io.Discard})
			if code != exitOK || !strings.HasPrefix(out.String(), "{") || !strings.Contains(out.String(), `"answered": 5`) {
				t.Error(code, out.String())
			}
			dir := filepath.Join(t.TempDir(), "gone")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			gone := newSite(t, func(http.ResponseWriter, *http.Request) { os.Remove(dir) }, nil)
			load(t, t.Context(), gone.URL, "-n", "5", "-html", filepath.Join(dir, "x")).want(t, exitFailed)
		}},
		{"html", testHTMLFile},
		{"hist", func(t *testing.T) {
			s := newSite(t, nil, nil)
			file := filepath.Join(t.TempDir(), "a.hist")
			load(t, t.Context(), s.URL, "-n", "5", "-hist", file).want(t, exitOK)
			load(t, t.Context(), "merge", file).want(t, exitOK)
		}},
	}
	covered := map[string]bool{}
	for _, c := range cases {
		covered[c.flag] = true
		t.Run("-"+c.flag, c.run)
	}
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	new(options).define(fs)
	fs.VisitAll(func(f *flag.Flag) {
		if !covered[f.Name] {
			t.Errorf("-%s has no row", f.Name)
		}
	})
}

func testClientCert(t *testing.T) {
	s, ca := newTLSSite(t, true)
	cert, key := peer.PEM(t, peer.NewCA(t).Issue("client"))
	load(t, t.Context(), s.URL, "-cacert", ca, "-n", "2", "-cert", write(t, "c", string(cert)), "-key", write(t, "k", string(key))).want(t, exitOK)
	if n := s.last(t).clientCerts; n == 0 {
		t.Error("no client certificate")
	}
	load(t, t.Context(), s.URL, "-cacert", ca, "-n", "2", "-cert", write(t, "both", string(cert)+string(key))).want(t, exitOK)
	if n := s.last(t).clientCerts; n == 0 {
		t.Error("no client certificate from one file")
	}
}

// What a proxy is asked for.
func testProxies(t *testing.T) {
	origin := newSite(t, nil, cleartextHTTP2(10))
	secure, ca := newTLSSite(t, true)
	var forwarded, tunnelled []string
	proxy := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "CONNECT" {
			forwarded = append(forwarded, r.RequestURI+" "+r.Header.Get("Proxy-Authorization"))
			w.Write([]byte("ok"))
			return
		}
		tunnelled = append(tunnelled, r.Host+" "+r.Header.Get("Proxy-Authorization"))
		to, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(502)
			return
		}
		nc, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		io.WriteString(nc, "HTTP/1.1 200 OK\r\n\r\n")
		done := make(chan struct{})
		go func() { io.Copy(to, nc); to.Close(); close(done) }()
		io.Copy(nc, to)
		nc.Close()
		<-done
	}, nil)
	through := "http://me:secret@" + proxy.Listener.Addr().String()
	const basic = "Basic bWU6c2VjcmV0"

	load(t, t.Context(), origin.URL+"/p?q=1", "-proxy", through, "-c", "1", "-n", "2").want(t, exitOK)
	if len(forwarded) != 2 || forwarded[0] != origin.URL+"/p?q=1 "+basic {
		t.Errorf("forwarded %q", forwarded)
	}
	for _, c := range []struct {
		url  string
		args []string
		site *testSite
	}{
		{origin.URL, []string{"-h2c"}, origin},
		{secure.URL, []string{"-cacert", ca}, secure},
	} {
		tunnelled = nil
		load(t, t.Context(), append(c.args, c.url, "-proxy", through, "-c", "1", "-n", "2")...).want(t, exitOK)
		if want := c.site.Listener.Addr().String() + " " + basic; len(tunnelled) != 1 || tunnelled[0] != want {
			t.Errorf("tunnelled %q, expected %q", tunnelled, want)
		}
	}
	// SOCKS5, with and without a look-up by the client (RFC 1928 §4: address types 1 and 3).
	_, port, _ := net.SplitHostPort(origin.Listener.Addr().String())
	for scheme, kind := range map[string]byte{"socks5": 1, "socks5h": 3} {
		types := make(chan byte, 10)
		s := peer.Listen(t, func(nc net.Conn) { socksServer(nc, origin.Listener.Addr().String(), types) })
		load(t, t.Context(), "http://localhost:"+port, "-proxy", scheme+"://"+s.Addr, "-c", "1", "-n", "2").want(t, exitOK)
		if got := <-types; got != kind && !(kind == 1 && got == 4) {
			t.Errorf("%s asks with address type %d", scheme, got)
		}
	}
	// A proxy that is not there.
	r := load(t, t.Context(), origin.URL, "-proxy", "http://me:secret@"+unusedAddr(t), "-n", "2").want(t, exitDown)
	if !strings.Contains(r.err, "proxy") || strings.Contains(r.err, "secret") {
		t.Error(r.err)
	}
}

// socksServer serves one connection without authentication; all lead to addr.
func socksServer(nc net.Conn, addr string, types chan<- byte) {
	buf := make([]byte, 512)
	io.ReadFull(nc, buf[:3]) // version, one method, none
	nc.Write([]byte{5, 0})
	io.ReadFull(nc, buf[:5])
	types <- buf[3]
	rest := map[byte]int{1: 3 + 2, 3: int(buf[4]) + 2, 4: 15 + 2}[buf[3]]
	io.ReadFull(nc, buf[:rest])
	nc.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	to, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	done := make(chan struct{})
	go func() { io.Copy(to, nc); to.Close(); close(done) }()
	io.Copy(nc, to)
	nc.Close()
	<-done
}

// unusedAddr is an address where nobody listens.
func unusedAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// What cannot be meant is refused before anything is sent.
func TestUsage(t *testing.T) {
	notPEM := pem.EncodeToMemory(&pem.Block{Type: "NOTHING", Bytes: []byte("x")})
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no URL":                     {nil, "no URL"},
		"two URLs":                   {[]string{"http://a", "http://b"}, `"http://b" is left over`},
		"no scheme":                  {[]string{"localhost"}, "http:// or https://"},
		"unknown flag":               {[]string{"http://a", "-frob"}, "-frob"},
		"no connections":             {[]string{"http://a", "-c", "0"}, "-c must"},
		"negative rate":              {[]string{"http://a", "-rate", "-1"}, "-rate must"},
		"rate beyond the clock":      {[]string{"http://a", "-rate", "1e-9"}, "-rate must"},
		"duration of centuries":      {[]string{"http://a", "-d", "2000000h"}, "at most 10000h"},
		"rate that is no number":     {[]string{"http://a", "-rate", "NaN"}, "-rate must"},
		"no end":                     {[]string{"http://a", "-d", "0"}, "-d 0 needs -n"},
		"two protocols":              {[]string{"http://a", "-http1", "-h2c"}, "exclude"},
		"h2c over https":             {[]string{"https://a", "-h2c"}, "-h2c is without TLS"},
		"HTTP/2 over http":           {[]string{"http://a", "-http2"}, "-http2 is over TLS"},
		"streams over http":          {[]string{"http://a", "-streams", "2"}, "-streams is for HTTP/2"},
		"streams over HTTP/1.1":      {[]string{"https://a", "-http1", "-streams", "2"}, "-streams is for HTTP/2"},
		"fresh over HTTP/2":          {[]string{"http://a", "-h2c", "-fresh"}, "-fresh is for HTTP/1.1"},
		"field without a colon":      {[]string{"http://a", "-H", "secret"}, "Name: value"},
		"field with a newline":       {[]string{"http://a", "-H", "A: b\r\nC: secret"}, "control character"},
		"Host with a path":           {[]string{"http://a", "-H", "Host: a/b"}, "Host field"},
		"length of another body":     {[]string{"http://a", "-b", "abc", "-H", "Content-Length: 5"}, "Content-Length"},
		"method with a space":        {[]string{"http://a", "-X", "GE T"}, "token"},
		"CONNECT":                    {[]string{"http://a", "-X", "CONNECT"}, "tunnel"},
		"two bodies":                 {[]string{"http://a", "-b", "x", "-body-file", "y"}, "exclude"},
		"body file that is missing":  {[]string{"http://a", "-body-file", "/no/such"}, "/no/such"},
		"requests and method":        {[]string{"http://a", "-requests", "x", "-X", "PUT"}, "leave out"},
		"status out of range":        {[]string{"http://a", "-check-status", "99"}, "no status"},
		"status backwards":           {[]string{"http://a", "-check-status", "300-200"}, "no status"},
		"read timeout of 0":          {[]string{"http://a", "-read-timeout", "0"}, "negative is none"},
		"connect timeout of 0":       {[]string{"http://a", "-connect-timeout", "0"}, "must be positive"},
		"connect-to without a port":  {[]string{"http://a", "-connect-to", "b"}, "host:port"},
		"key without certificate":    {[]string{"https://a", "-key", "x"}, "-key needs -cert"},
		"authorities that are none":  {[]string{"https://a", "-cacert", write(t, "pem", string(notPEM))}, "pem"},
		"proxy that is none":         {[]string{"http://a", "-proxy", "ftp://u:secret@b"}, "proxy"},
		"connect-to past the proxy":  {[]string{"http://a", "-proxy", "http://b", "-connect-to", "c:1"}, "leave out one"},
		"report in no folder":        {[]string{"http://a", "-html", "/no/such/x"}, "-html: stat /no/such"},
		"report over a folder":       {[]string{"http://a", "-hist", t.TempDir()}, "is a folder"},
		"report on standard output":  {[]string{"http://a", "-html", "-"}, "take a file"},
		"user with control byte":     {[]string{"http://a", "-proxy", "http://a%0Ab:secret@c"}, "proxy"},
		"merge of nothing":           {[]string{"merge"}, "no files"},
		"merge of a file not there":  {[]string{"merge", "/no/such"}, "/no/such"},
		"merge with a foreign flag":  {[]string{"merge", "-rate", "1", "x"}, "-rate"},
		"merge of something else":    {[]string{"merge", write(t, "x", `{"format": "other"}`)}, `"other"`},
		"merge of a cut histogram":   {[]string{"merge", write(t, "x", `{"format": "gohttpx-load-hist/1", "latency": "HIST"}`)}, "latency"},
		"merge of what is no object": {[]string{"merge", write(t, "x", `[`)}, "JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, err strings.Builder
			code := run(t.Context(), c.args, console{out: &out, err: &err})
			if code != exitUsage || !strings.Contains(err.String(), c.want) {
				t.Errorf("exit code %d, expected %d with %q\n%s", code, exitUsage, c.want, err.String())
			}
			if strings.Contains(err.String(), "secret") {
				t.Errorf("a secret is shown: %s", err.String())
			}
		})
	}
	for _, args := range [][]string{{"-h"}, {"merge", "-h"}} {
		var out strings.Builder
		if code := run(t.Context(), args, console{out: &out, err: io.Discard}); code != exitOK || !strings.Contains(out.String(), "-hist") {
			t.Errorf("%v: exit code %d\n%s", args, code, out.String())
		}
	}
}

// A server that is down is found out at once.
func TestDown(t *testing.T) {
	began := time.Now()
	r := load(t, t.Context(), "http://"+unusedAddr(t)+"/?key=secret", "-d", "1h").want(t, exitDown)
	if !strings.Contains(r.err, "no connection") || !strings.Contains(r.err, "refused") || strings.Contains(r.err, "secret") {
		t.Errorf("the error is %q", r.err)
	}
	if d := time.Since(began); d > time.Minute {
		t.Errorf("it took %v", d)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	if r := load(t, ctx, s.URL).want(t, exitInterrupted); !strings.Contains(r.err, "interrupted before the first request") {
		t.Error(r.err)
	}
}
