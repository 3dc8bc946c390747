package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"gohttpx.dev/httpx"
)

// teller tells on standard error what the client does: -v, -vv and --trace.
type teller struct {
	con *console
	f   *flags

	mu   sync.Mutex
	req  *httpx.Request  // guarded by mu; the one on its way
	resp *httpx.Response // guarded by mu; the last head that has come and was not told
}

// dumpBody is how much of a message's content, or of a DATA frame, -vv shows.
const dumpBody = 256

// options are what makes the client call t.
func (t *teller) options() []httpx.ClientOption {
	if t.f.verbose == 0 {
		return nil
	}
	opts := []httpx.ClientOption{
		httpx.WithTrace(&httpx.Trace{
			DNSStart: func(host string) { t.tell("looking up %s", host) },
			DNSDone:  t.resolved,
			ConnectStart: func(_, addr string) {
				t.tell("connecting to %s", addr)
			},
			ConnectDone: func(_, addr string, err error) {
				if err != nil {
					t.tell("connecting to %s: %v", addr, err)
				} else {
					t.tell("connected to %s", addr)
				}
			},
			ProxyStart: func(proxy, target string) { t.tell("asking %s for %s", proxy, target) },
			ProxyDone: func(proxy, _ string, err error) {
				if err != nil {
					t.tell("%s: %v", proxy, err)
				}
			},
			TLSDone: t.tlsDone,
			GotConn: t.gotConn,
			Wait100: func() { t.tell("waiting for 100 Continue") },
			Redirect: func(*httpx.Response, *httpx.Request) {
				t.headIsTold()
				t.tell("following the redirect")
			},
		}),
	}
	if t.f.verbose > 1 {
		return append(opts, httpx.WithDump(dumpWriter{t.con}, httpx.DumpOptions{BodyBytes: dumpBody, Secrets: t.f.secrets}))
	}
	return append(opts,
		httpx.OnRequest(func(r *httpx.Request) error {
			t.headIsTold() // the answer to the one before
			t.mu.Lock()
			defer t.mu.Unlock()
			t.req = r
			return nil
		}),
		httpx.OnResponse(func(r *httpx.Response) error {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.resp = r
			return nil
		}),
		httpx.OnInformational(func(status int, h httpx.Header) error {
			t.head('<', fmt.Sprintf("%d %s", status, httpx.StatusText(status)), h)
			return nil
		}),
	)
}

// tell writes a line. What others have chosen is made harmless.
func (t *teller) tell(format string, args ...any) {
	t.con.tell("* " + strings.ReplaceAll(tame(fmt.Sprintf(format, args...)), "\n", " "))
}

func (t *teller) resolved(addrs []net.IPAddr, err error) {
	if err != nil {
		t.tell("no address: %v", err)
		return
	}
	var list []string
	for _, a := range addrs {
		list = append(list, a.String())
	}
	t.tell("addresses %s", strings.Join(list, ", "))
}

func (t *teller) tlsDone(s tls.ConnectionState, err error) {
	if err != nil {
		return // it is the request's error, or another address was faster
	}
	t.tell("%s", tlsFacts(&s))
	if len(s.PeerCertificates) == 0 {
		return
	}
	c := s.PeerCertificates[0]
	t.tell("certificate of %s", certName(c))
	t.tell("  subject %s", orNone(c.Subject.String()))
	t.tell("  issuer %s", orNone(c.Issuer.String()))
	t.tell("  valid from %s to %s", c.NotBefore.UTC().Format(time.RFC3339), c.NotAfter.UTC().Format(time.RFC3339))
	if t.f.noVerify {
		t.tell("  not verified, because of --no-verify")
	}
}

// gotConn tells which connection it is, and what goes over it.
func (t *teller) gotConn(c httpx.ConnInfo, _ time.Duration) {
	if c.Reused {
		t.tell("on the connection to %v again", c.RemoteAddr)
	}
	t.mu.Lock()
	req := t.req
	t.mu.Unlock()
	if req == nil {
		return
	}
	target := req.URL.Target()
	if !t.f.secrets {
		target = withoutValues(target)
	}
	h := req.Header.Clone()
	if !h.Has("Host") {
		h = append(httpx.Header{{Name: "Host", Value: req.URL.Authority()}}, h...)
	}
	t.head('>', fmt.Sprintf("%s %s %s", req.Method, target, c.Proto), h)
	if n := req.Body().Len(); n > 0 {
		t.tell("sending %d bytes", n)
	} else if n < 0 && req.HasBody() {
		t.tell("sending content whose length is not known")
	}
}

// withoutValues is a request target without the values of its query.
func withoutValues(target string) string {
	path, query, ok := strings.Cut(target, "?")
	if !ok {
		return target
	}
	pairs := strings.Split(query, "&")
	for i, p := range pairs {
		if name, value, ok := strings.Cut(p, "="); ok && value != "" {
			pairs[i] = name + "=…"
		} else if !ok && p != "" {
			pairs[i] = "…"
		}
	}
	return path + "?" + strings.Join(pairs, "&")
}

// headIsTold tells the last response head, once.
func (t *teller) headIsTold() {
	t.mu.Lock()
	r := t.resp
	t.resp = nil
	t.mu.Unlock()
	if r != nil {
		t.head('<', r.Proto+" "+r.Status(), r.Header)
	}
}

// finalHead is called when the response is there that will be shown. If its
// head is part of the output it is not told as well.
func (t *teller) finalHead(shown bool) {
	if shown {
		t.mu.Lock()
		t.resp = nil
		t.mu.Unlock()
		return
	}
	t.headIsTold()
}

// head writes a first line and fields, masked if they have to be.
func (t *teller) head(direction byte, first string, h httpx.Header) {
	text := h.String()
	if t.f.secrets {
		var b strings.Builder
		for name, value := range h.All() {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
		text = b.String()
	}
	var b strings.Builder
	for line := range strings.Lines(first + "\n" + text) {
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			fmt.Fprintf(&b, "%c %s\n", direction, tame(line))
		}
	}
	t.con.tell(strings.TrimSuffix(b.String(), "\n"))
}

// retry is told before each wait of --retry.
func (t *teller) retry(a httpx.Attempt) {
	what := "no answer"
	if a.Err != nil {
		what = plain(a.Err)
	} else if a.Response != nil {
		what = a.Response.Status()
	}
	t.tell("attempt %d: %s; the next one in %s", a.Number, what, short(a.Wait))
}

// end tells the trailers and, with --trace or -v, where the time went.
func (t *teller) end(r *httpx.Response) {
	if tr := r.Trailer(); t.f.verbose > 0 && tr.Len() > 0 {
		t.head('<', "trailers", tr)
	}
	if t.f.verbose == 0 && !t.f.trace {
		return
	}
	times := r.Timings()
	var parts []string
	for _, p := range []struct {
		name string
		d    time.Duration
	}{{"DNS", times.DNS}, {"connect", times.Connect}, {"TLS", times.TLS}, {"write", times.Write}, {"first byte", times.FirstByte}, {"total", times.Total}} {
		if p.d > 0 {
			parts = append(parts, p.name+" "+short(p.d))
		}
	}
	reused := ""
	if r.Conn().Reused {
		reused = ", connection used again"
	}
	t.tell("%s; %d bytes of content%s", strings.Join(parts, ", "), r.BytesReceived(), reused)
}

// dumpWriter writes what WithDump has to say, whose lines are harmless.
type dumpWriter struct{ con *console }

func (d dumpWriter) Write(p []byte) (int, error) {
	d.con.tell(strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}

func tlsFacts(t *tls.ConnectionState) string {
	s := fmt.Sprintf("%s, %s, %s", tls.VersionName(t.Version), tls.CipherSuiteName(t.CipherSuite), t.CurveID)
	if t.NegotiatedProtocol != "" {
		s += ", ALPN " + t.NegotiatedProtocol
	}
	return s
}

func certName(c *x509.Certificate) string {
	names := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return tame(c.Subject.String())
	}
	return tame(strings.Join(names, ", "))
}
