package httpx_test

import (
	"bufio"
	"context"
	stdtls "crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"gohttpx.dev/h2"
	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/tls"
)

const (
	proxyUser   = "joe"
	proxySecret = "pass-S3CRET-word"
	originName  = "origin.test"
	originAddr  = "192.0.2.7" // what a socks5 proxy is given
)

// stage plays everybody but the client: the proxy, the origin behind it and the
// name server, over connections in memory. It is made inside a bubble.
type stage struct {
	t      *testing.T
	path   string // "direct", "http", "https", "socks5", "socks5h"
	origin string // "http", "h1", "h2"
	hang   string // the step at which nothing more comes
	deaf   bool   // and nothing is read either, until gone is closed
	gone   chan struct{}
	breaks string // the step at which the first connection ends
	tunnel bool   // what could be forwarded is tunnelled, too
	auth   bool   // the proxy wants user and password
	digest bool   // and by Digest, not Basic
	refuse bool   // the proxy, or the network where there is none, says no
	certs  certs

	mu     sync.Mutex
	conns  []*memconn.Conn // the client's ends; guarded by mu, like the rest
	dialed []string
	proxy  []string // what the proxy was asked, credentials included
	heads  []string // what the origin has received
}

// certs are made once, outside of bubbles: keys take time.
type certs struct {
	pool          *x509.CertPool
	origin, proxy stdtls.Certificate
}

func newCerts(t *testing.T) certs {
	// What package net sets up once must not belong to a bubble.
	if _, err := stageResolver().LookupIPAddr(t.Context(), originName); err != nil {
		t.Fatal(err)
	}
	ca := peer.NewCA(t)
	return certs{ca.Pool(), ca.Issue(originName, originAddr), ca.Issue("proxy.test")}
}

// steps are those of the path, in order.
func (s *stage) steps() []string {
	steps := []string{"dial"}
	if s.path == "https" {
		steps = append(steps, "proxy tls")
	}
	switch {
	case s.path == "direct":
	case s.forwards():
		steps = append(steps, "head again")
	case s.path == "http", s.path == "https":
		steps = append(steps, "connect", "connect again")
	default:
		steps = append(steps, "greeting", "auth", "request")
	}
	if s.origin != "http" {
		steps = append(steps, "tls")
	}
	return append(steps, "head", "body")
}

// at has something happen at a step: some need a proxy that asks for a password.
func (s *stage) at(where *string, step string) {
	*where = step
	s.auth = strings.HasSuffix(step, " again")
}

func (s *stage) forwards() bool {
	return !s.tunnel && s.origin == "http" && (s.path == "http" || s.path == "https")
}

func (s *stage) url() string {
	if s.origin == "http" {
		return "http://" + originName + "/x"
	}
	return "https://" + originName + "/x"
}

// client makes the client of this stage, with the password that is given.
func (s *stage) client(password string, opts ...httpx.ClientOption) *httpx.Client {
	all := []httpx.ClientOption{
		httpx.WithTrustEnv(false), httpx.WithDialContext(s.dial),
		httpx.WithTLS(tls.Options{RootCAs: s.certs.pool}), httpx.WithHTTP2(s.origin == "h2"),
	}
	if s.path == "socks5" {
		all = append(all, httpx.WithResolver(stageResolver()))
	}
	if s.path != "direct" {
		p := httpx.Proxy{URL: s.path + "://proxy.test:3128"}
		if password != "" {
			p.URL = s.path + "://" + proxyUser + ":" + password + "@proxy.test:3128"
		}
		if s.tunnel {
			p.Mode = httpx.ProxyTunnelOnly
		}
		if s.path == "https" {
			p.TLS = &tls.Options{RootCAs: s.certs.pool}
		}
		all = append(all, httpx.WithProxyConfig(p))
	}
	c, err := httpx.New(append(all, opts...)...)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *stage) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	s.mu.Lock()
	s.dialed = append(s.dialed, addr)
	s.mu.Unlock()
	if s.hang == "dial" {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if s.breaks == "dial" && !strings.Contains(s.noted(&s.dialed), "\n") || s.refuse && s.path == "direct" {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("connection refused")}
	}
	client, server := memconn.Pipe()
	s.mu.Lock()
	s.conns = append(s.conns, client)
	s.mu.Unlock()
	go func() { // ends with the connection, which the client closes
		defer server.Close()
		s.serve(client, server)
	}()
	return client, nil
}

// note writes down what somebody was told.
func (s *stage) note(list *[]string, text string) {
	s.mu.Lock()
	*list = append(*list, text)
	s.mu.Unlock()
}

func (s *stage) noted(list *[]string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(*list, "\n")
}

// stops reports that the step is the one to hang at, once that is over.
func (s *stage) stops(step string, client, server *memconn.Conn) bool {
	if s.breaks == step {
		return !strings.Contains(s.noted(&s.dialed), "\n")
	}
	if s.hang != step {
		return false
	}
	if s.deaf {
		client.SetCapacity(1)
		<-s.gone
		return true
	}
	io.Copy(io.Discard, server)
	return true
}

// stageResolver knows one address.
func stageResolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		client, server := memconn.Pipe()
		go func() {
			defer server.Close()
			answerDNS(server)
		}()
		return client, nil
	}}
}

// answerDNS answers over a stream (RFC 1035 §4.2.2).
func answerDNS(nc net.Conn) {
	for {
		var size [2]byte
		if _, err := io.ReadFull(nc, size[:]); err != nil {
			return
		}
		b := make([]byte, int(size[0])<<8|int(size[1]))
		if _, err := io.ReadFull(nc, b); err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(b) != nil || len(m.Questions) != 1 {
			return
		}
		m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
		if q := m.Questions[0]; q.Type == dnsmessage.TypeA && q.Name.String() == originName+"." {
			m.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 60},
				Body:   &dnsmessage.AResource{A: netip.MustParseAddr(originAddr).As4()},
			}}
		}
		out, err := m.Pack()
		if err != nil {
			return
		}
		nc.Write(append([]byte{byte(len(out) >> 8), byte(len(out))}, out...))
	}
}

// serve plays one connection from its first byte.
func (s *stage) serve(client, server *memconn.Conn) {
	nc := net.Conn(server)
	stops := func(step string) bool { return s.stops(step, client, server) }
	if s.path == "https" {
		if stops("proxy tls") {
			return
		}
		nc = stdtls.Server(nc, &stdtls.Config{Certificates: []stdtls.Certificate{s.certs.proxy}})
	}
	br := bufio.NewReader(nc)
	switch {
	case s.path == "direct" || s.forwards():
	case s.path == "http" || s.path == "https":
		if !s.serveConnect(nc, br, stops) {
			return
		}
	default:
		if !s.serveSOCKS(nc, br, stops) {
			return
		}
	}
	if s.origin != "http" {
		if s.hang == "tls" && s.deaf {
			br.Peek(1) // so that the hello is through, and a goodbye would not be
		}
		if stops("tls") {
			return
		}
		cfg := &stdtls.Config{Certificates: []stdtls.Certificate{s.certs.origin}, NextProtos: []string{"http/1.1"}}
		if s.origin == "h2" {
			cfg.NextProtos = []string{"h2"}
		}
		nc = stdtls.Server(&leading{nc, br}, cfg)
		br = bufio.NewReader(nc)
	}
	if s.origin == "h2" {
		s.serveH2(nc, stops)
	} else {
		s.serveH1(nc, br, stops)
	}
}

// leading is a connection of which a reader has taken some.
type leading struct {
	net.Conn
	r io.Reader
}

func (l *leading) Read(p []byte) (int, error) { return l.r.Read(p) }

// challenge is what the proxy answers to a request without the credentials.
func (s *stage) challenge() string {
	scheme := `Basic realm="p"`
	if s.digest {
		scheme = digestChallenge
	}
	return "HTTP/1.1 407 Who\r\nProxy-Authenticate: " + scheme + "\r\nContent-Length: 3\r\n\r\nwho"
}

func (s *stage) mayPass(r *http.Request) bool {
	if s.digest {
		return digestGiven(r, proxySecret)
	}
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte(proxyUser+":"+proxySecret))
	return !s.auth || r.Header.Get("Proxy-Authorization") == want
}

func (s *stage) serveConnect(nc net.Conn, br *bufio.Reader, stops func(string) bool) bool {
	for {
		r, err := http.ReadRequest(br)
		if err != nil {
			return false
		}
		s.note(&s.proxy, strings.TrimSpace(r.Method+" "+r.RequestURI+" "+r.Header.Get("Proxy-Authorization")))
		if stops("connect") || r.Header.Get("Proxy-Authorization") != "" && stops("connect again") {
			return false
		}
		switch {
		case !s.mayPass(r):
			io.WriteString(nc, s.challenge())
		case s.refuse:
			io.WriteString(nc, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
		default:
			io.WriteString(nc, "HTTP/1.1 200 OK\r\n\r\n")
			return true
		}
	}
}

func (s *stage) serveSOCKS(nc net.Conn, br *bufio.Reader, stops func(string) bool) bool {
	// send sends byte by byte: no reply comes in one piece.
	send := func(b ...byte) {
		for i := range b {
			nc.Write(b[i : i+1])
		}
	}
	read := func(n int) []byte {
		b := make([]byte, n)
		if _, err := io.ReadFull(br, b); err != nil {
			return make([]byte, n)
		}
		return b
	}
	methods := read(int(read(2)[1]))
	if stops("greeting") {
		return false
	}
	if s.auth || s.hang == "auth" || s.breaks == "auth" {
		if !strings.Contains(string(methods), "\x02") {
			send(5, 0xff)
			return false
		}
		send(5, 2)
		user := read(int(read(2)[1]))
		password := read(int(read(1)[0]))
		s.note(&s.proxy, "auth "+string(user)+":"+string(password))
		if stops("auth") {
			return false
		}
		if string(password) != proxySecret {
			send(1, 1)
			return false
		}
		send(1, 0)
	} else {
		send(5, 0)
	}
	host := ""
	switch read(4)[3] {
	case 1:
		host = net.IP(read(4)).String()
	case 3:
		host = string(read(int(read(1)[0])))
	case 4:
		host = "[" + net.IP(read(16)).String() + "]"
	}
	port := read(2)
	s.note(&s.proxy, fmt.Sprintf("CONNECT %s:%d", host, int(port[0])<<8|int(port[1])))
	if stops("request") {
		return false
	}
	if s.refuse {
		send(5, 2, 0, 1, 0, 0, 0, 0, 0, 0)
		return false
	}
	send(5, 0, 0, 3, 2, 'a', 'b', 0, 1)
	return true
}

func (s *stage) serveH1(nc net.Conn, br *bufio.Reader, stops func(string) bool) {
	for {
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		auth := r.Header.Get("Proxy-Authorization")
		again := auth != "" && s.forwards()
		if s.forwards() {
			s.note(&s.proxy, strings.TrimSpace(r.Method+" "+r.RequestURI+" "+auth))
			auth = ""
		}
		s.note(&s.heads, strings.TrimSpace(r.Method+" "+r.RequestURI+" "+r.Host+" "+auth))
		switch {
		case stops("head"), again && stops("head again"):
			return
		case s.forwards() && !s.mayPass(r):
			io.WriteString(nc, s.challenge())
		case s.forwards() && s.refuse:
			io.WriteString(nc, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
		default:
			io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbo")
			if stops("body") {
				return
			}
			io.WriteString(nc, "dy")
		}
	}
}

func (s *stage) serveH2(nc net.Conn, stops func(string) bool) {
	p := peer.H2Over(s.t, nc)
	if _, err := io.ReadFull(nc, make([]byte, len(h2.Preface))); err != nil {
		return
	}
	p.TrySend(h2.AppendSettings(nil))
	for {
		f, err := p.TryNext()
		if err != nil {
			return
		}
		switch {
		case f.Type == h2.FrameSettings && !f.Ack():
			p.TrySend(h2.AppendSettingsAck(nil))
		case f.Type == h2.FrameHeaders:
			h := p.Decode(f, "a request's fields are well formed")
			s.note(&s.heads, strings.TrimSpace(h.Get(":method")+" "+h.Get(":path")+" "+h.Get(":authority")+" "+h.Get("proxy-authorization")))
			if stops("head") {
				return
			}
			p.TrySend(h2.AppendHeaders(nil, f.StreamID, p.Block(":status", "200", "content-length", "4"), h2.HeadersOptions{}))
			p.TrySend(h2.AppendData(nil, f.StreamID, []byte("bo"), false, 0))
			if stops("body") {
				return
			}
			p.TrySend(h2.AppendData(nil, f.StreamID, []byte("dy"), true, 0))
		}
	}
}

// over checks that nothing is left when the client has been closed: every
// connection is closed, and the bubble sees to the goroutines.
func (s *stage) over() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, nc := range s.conns {
		if !nc.Closed() {
			s.t.Errorf("connection %d of %d is left open", i+1, len(s.conns))
		}
	}
}
