package httpx_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
)

// A SOCKS5 proxy is asked for the addresses of a name in turn, as long as another
// one may help.
func TestSOCKSAddresses(t *testing.T) {
	const refused = "\x05\x05"
	for _, tt := range []struct {
		name    string
		addrs   string
		method  string // the answer to the greeting
		auth    string // to the password
		reply   string // to each request
		asked   string // of the proxy
		accepts int    // connections
	}{
		{"all are refused, and four are enough", "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.6", "\x05\x00", "", refused, "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4", 4},
		{"one with a zone is no address for another host", "fe80::1%eth0 192.0.2.1", "\x05\x00", "", refused, "192.0.2.1", 1},
		{"the answer breaks off", "192.0.2.1 192.0.2.2", "\x05\x00", "", "\x05", "192.0.2.1", 1},
		{"no SOCKS", "192.0.2.1 192.0.2.2", "HT", "", "", "", 1},
		{"the method is refused", "192.0.2.1 192.0.2.2", "\x05\xff", "", "", "", 1},
		{"the password is refused", "192.0.2.1 192.0.2.2", "\x05\x02", "\x01\x01", "", "", 1},
		{"the password is taken", "192.0.2.1 192.0.2.2", "\x05\x02", "\x01\x00", refused, "192.0.2.1 192.0.2.2", 2},
	} {
		t.Run("A19.5 "+tt.name, func(t *testing.T) {
			var mu sync.Mutex
			var asked []string
			p := peer.Listen(t, func(nc net.Conn) {
				read := func(n int) []byte { b := make([]byte, n); io.ReadFull(nc, b); return b }
				read(int(read(2)[1]))
				io.WriteString(nc, tt.method)
				if tt.auth != "" {
					read(int(read(2)[1]))
					read(int(read(1)[0]))
					io.WriteString(nc, tt.auth)
				}
				if tt.reply == "" {
					io.Copy(io.Discard, nc)
					return
				}
				addr, _ := netip.AddrFromSlice(read(4 + 4 + 2)[4:8])
				mu.Lock()
				asked = append(asked, addr.String())
				mu.Unlock()
				io.WriteString(nc, tt.reply)
			})
			var addrs []netip.Addr
			for a := range strings.FieldsSeq(tt.addrs) {
				addrs = append(addrs, netip.MustParseAddr(a))
			}
			c := newClient(t, httpx.WithProxy("socks5://joe:pw@"+p.Addr), httpx.WithHosts(map[string][]netip.Addr{"a.test": addrs}))
			if _, err := c.Get(t.Context(), "http://a.test/"); !errors.Is(err, httpx.ErrProxy) {
				t.Errorf("%v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			if got := strings.Join(asked, " "); got != tt.asked || p.Accepted() != tt.accepts {
				t.Errorf("asked for %q in %d connections, want %q in %d", got, p.Accepted(), tt.asked, tt.accepts)
			}
		})
	}
}
