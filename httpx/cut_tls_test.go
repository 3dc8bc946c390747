package httpx_test

import (
	"crypto/ed25519"
	"crypto/rand"
	stdtls "crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/tls"
)

// cutCurves is the key exchange that costs least.
var cutCurves = []stdtls.CurveID{stdtls.CurveP256}

// cutRecord is one record of TLS that the server sends: where it ends in all that
// it sends, and how much of the response is there with it.
type cutRecord struct{ end, plain int }

// tlsExchange puts a recorded exchange of HTTP/1.1 into TLS: what has come of the
// response is what the whole records hold.
func tlsExchange(t *testing.T, plain *cutExchange, notify bool) *cutExchange {
	cfg, roots := cutCertificate(t)
	x := *plain
	x.name, x.url = "TLS, "+plain.name, "https://server.test/"
	x.options = []httpx.ClientOption{httpx.WithHTTP2(false), httpx.WithTLS(tls.Options{RootCAs: roots, Base: &stdtls.Config{CurvePreferences: cutCurves}})}
	x.never = x.closes && !notify
	// One record for the first byte, one for the rest of the first half, and the
	// rest: heads and contents are cut by records too.
	pieces := []int{0, 1, len(plain.all) / 2, len(plain.all) - 3, len(plain.all)}
	x.serve = func(_ *cutExchange, nc net.Conn) {
		tc := stdtls.Server(nc, cfg)
		if tc.Handshake() != nil {
			nc.Close()
			return
		}
		serveCut(plain, &cutPieces{tc, nc, pieces, notify})
	}
	handshake, records := cutRecords(t, &x, cfg, roots, pieces, notify)
	x.all = make([]byte, records[len(records)-1].end)
	at := func(n int) (p int) {
		for _, r := range records {
			if n >= r.end {
				p = r.plain
			}
		}
		return p
	}
	x.state = func(n int) cutState {
		if n < handshake {
			return cutDialling
		}
		s := plain.state(at(n))
		switch {
		case s != cutUnmarked:
		case notify && n == len(x.all):
			s = cutWhole
		default:
			s = cutTruncated // RFC 9112 §9.8
		}
		return s
	}
	x.content = func(n int) string { return plain.content(at(n)) }
	return &x
}

// cutPieces writes in records, and closes with or without close_notify.
type cutPieces struct {
	*stdtls.Conn
	raw    net.Conn
	pieces []int
	notify bool
}

func (c *cutPieces) Write(p []byte) (int, error) {
	for i, from := range c.pieces[:len(c.pieces)-1] {
		if _, err := c.Conn.Write(p[from:c.pieces[i+1]]); err != nil {
			return from, err
		}
	}
	return len(p), nil
}

func (c *cutPieces) Close() error {
	if c.notify {
		return c.Conn.Close()
	}
	return c.raw.Close()
}

// cutCertificate makes a server's configuration whose handshake always has the
// same length: signatures of ECDSA do not.
func cutCertificate(t *testing.T) (*stdtls.Config, *x509.CertPool) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"server.test"},
		// For the clock of a bubble, too.
		NotBefore: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, pub, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	return &stdtls.Config{
		Certificates:           []stdtls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		CurvePreferences:       cutCurves,
		SessionTicketsDisabled: true,
	}, roots
}

// cutRecords runs the exchange once and notes where the handshake and the records
// end.
func cutRecords(t *testing.T, x *cutExchange, cfg *stdtls.Config, roots *x509.CertPool, pieces []int, notify bool) (handshake int, records []cutRecord) {
	t.Helper()
	a, b := memconn.Pipe()
	defer a.Close()
	defer b.Close()
	client := stdtls.Client(a, &stdtls.Config{RootCAs: roots, ServerName: "server.test", CurvePreferences: cutCurves})
	server := stdtls.Server(b, cfg)
	done := make(chan error, 1)
	go func() { done <- client.Handshake() }()
	if err := server.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	sent := func() int { return int(b.Counts().BytesWritten) }
	handshake = sent()
	for i, from := range pieces[:len(pieces)-1] {
		server.Write(x.all[from:pieces[i+1]])
		records = append(records, cutRecord{sent(), pieces[i+1]})
	}
	if notify && x.closes {
		server.CloseWrite()
		records = append(records, cutRecord{sent(), len(x.all)})
	}
	return handshake, records
}

// The handshake is cut at every byte once for each manner, and not for each exchange:
// it takes the most time.
func TestCutTLSAtEveryByte(t *testing.T) {
	exchanges := map[string]*cutExchange{}
	for _, x := range cutH1() {
		exchanges[x.name] = x
	}
	for _, tt := range []struct {
		name      string
		plain     string
		notify    bool
		modes     []cutMode
		handshake bool
	}{
		{"length", "length", true, []cutMode{cutStreamed}, true},
		{"chunked", "chunked", true, []cutMode{cutStreamed}, false},
		{"until close", "until close", true, []cutMode{cutBuffered, cutStreamed}, false},
		{"until close, without close_notify", "until close", false, []cutMode{cutBuffered}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := tlsExchange(t, exchanges[tt.plain], tt.notify)
			for x.from = 0; !tt.handshake && x.state(x.from) == cutDialling; {
				x.from++
			}
			cutEverywhere(t, x, tt.modes...)
		})
	}
}
