package httpx_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"gohttpx.dev/h1"
	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
)

// A proxy's answer to CONNECT is bound by what the client says of answers.
func TestTunnelIsBoundToo(t *testing.T) {
	big := "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("b", 2000) + "\r\n\r\n"
	many := "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", 20) + "\r\n"
	for _, tt := range []struct {
		name, answer string
		opt          httpx.ClientOption
		want         string
	}{
		{"A19.3 bytes", big, httpx.WithLimits(httpx.Limits{MaxHeaderBytes: 1000}), "see WithLimits, MaxHeaderBytes"},
		{"A19.3 fields", many, httpx.WithLimits(httpx.Limits{MaxHeaderFields: 10}), "see WithLimits, MaxHeaderFields"},
		{"A19.3 rules", "HTTP/1.1 200\r\n\r\n", httpx.WithHTTP1Rules(h1.Strict), "RFC 9112 §4"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := peer.Listen(t, func(nc net.Conn) {
				peer.Over(t, nc).WantHead("CONNECT a.test:443 HTTP/1.1", "a tunnel is asked for")
				io.WriteString(nc, tt.answer)
			})
			proxy := httpx.WithProxy("http://" + p.Addr)
			_, err := newClient(t, proxy, tt.opt).Get(t.Context(), "https://a.test/")
			if !errors.Is(err, httpx.ErrProxy) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if _, err := newClient(t, proxy).Get(t.Context(), "https://a.test/"); !errors.Is(err, httpx.ErrTLS) {
				t.Errorf("within the bounds: %v", err)
			}
		})
	}
}
