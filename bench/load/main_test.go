package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gohttpx.dev/bench/server"
	"gohttpx.dev/internal/leak"
	"gohttpx.dev/internal/peer"
)

// The test binary starts the servers of the comparison, as package server wants.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == server.ChildArg {
		if err := server.Child(); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(leak.Main(m))
}

// ran is what a run of the command has left.
type ran struct {
	code     int
	out, err string
	*result  // nil unless the command got as far as -json
	Latency  jsonLatency
	Slices   []jsonSlice
	NotHeld  bool
}

// load runs the command with these arguments and -json.
func load(t *testing.T, ctx context.Context, args ...string) *ran {
	t.Helper()
	file := filepath.Join(t.TempDir(), "result.json")
	var out, err bytes.Buffer
	r := &ran{}
	r.code = run(ctx, append(args, "-json", file), console{in: strings.NewReader(""), out: &out, err: &err})
	r.out, r.err = out.String(), err.String()
	text, readErr := os.ReadFile(file)
	if readErr != nil {
		return r
	}
	v := struct {
		*result
		Latency jsonLatency `json:"latency"`
		Slices  []jsonSlice `json:"slices"`
		NotHeld bool        `json:"rate_not_held"`
	}{result: &result{}}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("the JSON does not parse: %v\n%s", err, text)
	}
	r.result, r.Latency, r.Slices, r.NotHeld = v.result, v.Latency, v.Slices, v.NotHeld
	return r
}

// want ends the test if the run did not exit with code.
func (r *ran) want(t *testing.T, code int) *ran {
	t.Helper()
	if r.code != code {
		t.Fatalf("exit code %d, expected %d\n%s%s", r.code, code, r.out, r.err)
	}
	return r
}

// unlike says what a run was if it did not exit with code.
func (r *ran) unlike(code int) string {
	if r.code == code {
		return ""
	}
	return fmt.Sprintf("exit code %d, expected %d\n%s%s", r.code, code, r.out, r.err)
}

// patiently calls try until it finds nothing wrong, with times that are longer by a
// factor: what hangs on the clock goes wrong by chance on a machine that stops a
// goroutine for a while, but a fault of the generator shows at every length.
func patiently(t *testing.T, try func(factor time.Duration) (wrong string)) {
	t.Helper()
	var said []string
	for _, factor := range []time.Duration{1, 1, 2, 4, 8, 8} {
		wrong := try(factor)
		if wrong == "" {
			return
		}
		said = append(said, wrong)
	}
	t.Errorf("wrong %d times, and not by chance:\n%s", len(said), strings.Join(said, "\n"))
}

// site is a server that remembers what it was asked.
type testSite struct {
	*httptest.Server
	mu       sync.Mutex
	requests []seen
	conns    map[string]bool
	most     int // requests at once
	running  int
}

type seen struct {
	method, target, host, proto, body, sni string
	header                                 http.Header
	clientCerts                            int
}

// newSite starts a server, which is changed by edit before it listens and answers
// with answer, "ok" if that is nil.
func newSite(t *testing.T, answer http.HandlerFunc, edit func(*httptest.Server)) *testSite {
	t.Helper()
	s := &testSite{conns: map[string]bool{}}
	if answer == nil {
		answer = func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok")) }
	}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		body.ReadFrom(r.Body)
		one := seen{method: r.Method, target: r.RequestURI, host: r.Host, proto: r.Proto, body: body.String(), header: r.Header}
		if r.TLS != nil {
			one.sni, one.clientCerts = r.TLS.ServerName, len(r.TLS.PeerCertificates)
		}
		s.mu.Lock()
		s.requests = append(s.requests, one)
		s.conns[r.RemoteAddr] = true
		s.running++
		s.most = max(s.most, s.running)
		s.mu.Unlock()
		answer(w, r)
		s.mu.Lock()
		s.running--
		s.mu.Unlock()
	}))
	if edit != nil {
		edit(s.Server)
	}
	if s.TLS == nil {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// newTLSSite starts one over TLS, with HTTP/2 too if that is asked for, whose
// certificate is for names; it returns the file with its authority too.
func newTLSSite(t *testing.T, http2 bool, names ...string) (*testSite, string) {
	t.Helper()
	if names == nil {
		names = []string{"127.0.0.1"}
	}
	ca := peer.NewCA(t)
	s := newSite(t, nil, func(s *httptest.Server) {
		s.EnableHTTP2 = http2
		s.TLS = serverTLS(ca, names...)
		s.StartTLS()
	})
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, ca.PEM(), 0o644); err != nil {
		t.Fatal(err)
	}
	return s, file
}

// cleartextHTTP2 makes a server speak HTTP/1.1 and HTTP/2 in cleartext.
func cleartextHTTP2(streams int) func(*httptest.Server) {
	return func(s *httptest.Server) {
		s.Config.Protocols = new(http.Protocols)
		s.Config.Protocols.SetHTTP1(true)
		s.Config.Protocols.SetUnencryptedHTTP2(true)
		s.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: streams}
	}
}

// all returns what was asked so far.
func (s *testSite) all() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]seen(nil), s.requests...)
}

// last returns the last request.
func (s *testSite) last(t *testing.T) seen {
	t.Helper()
	all := s.all()
	if len(all) == 0 {
		t.Fatal("the server was asked nothing")
	}
	return all[len(all)-1]
}

// after returns when d has passed, or ctx has ended.
func after(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
