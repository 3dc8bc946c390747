package tls

import (
	stdtls "crypto/tls"
	"io"
	"net"
	"testing"

	"gohttpx.dev/internal/peer"
)

// Records are followed however the bytes arrive.
func TestRecordsAreFollowed(t *testing.T) {
	one := []byte{23, 3, 3, 0, 3, 'a', 'b', 'c'}
	empty := []byte{23, 3, 3, 0, 0}
	cat := func(ps ...[]byte) (all []byte) {
		for _, p := range ps {
			all = append(all, p...)
		}
		return all
	}
	for _, tt := range []struct {
		name string
		last []byte
		want bool
	}{
		{"one record", one, true},
		{"an empty record", empty, true},
		{"two records", cat(one, one), false},
		{"one and an empty one", cat(one, empty), false},
		{"one and a part of a header", cat(one, one[:3]), false},
		{"one and a part of a payload", cat(one, one[:7]), false},
		{"a part of a payload", one[:6], false},
		{"a part of a header", one[:1], false},
		{"nothing", nil, false},
	} {
		for split := range len(tt.last) + 1 {
			var r records
			r.feed(one, 100)
			r.feed(tt.last[:split], 100)
			r.feed(tt.last[split:], 100)
			// In two reads it is the second that counts: what the first has
			// ended, crypto/tls had used before it asked again.
			var first, whole records
			first.feed(tt.last[:split], 100)
			whole.feed(tt.last, 100)
			want := split < len(tt.last) && whole.have == 0 && whole.ended-first.ended == 1
			if split == 0 {
				want = tt.want
			}
			if got := r.usedUp(); got != want {
				t.Errorf("%s, split at %d: %v, want %v", tt.name, split, got, want)
			}
		}
	}
	var r records
	r.feed(one, len(one))
	if r.usedUp() {
		t.Error("a read that filled its room may have left more in the socket")
	}
}

// gather holds writes back, to let them out in one.
type gather struct {
	net.Conn
	hold bool
	held []byte
}

func (g *gather) Write(p []byte) (int, error) {
	if g.hold {
		g.held = append(g.held, p...)
		return len(p), nil
	}
	return g.Conn.Write(p)
}

// Quiet tells an answer with nothing behind it from one that came with another.
func TestQuiet(t *testing.T) {
	ca := peer.NewCA(t)
	cfg := &stdtls.Config{Certificates: []stdtls.Certificate{ca.Issue(host)}}
	for _, version := range []uint16{stdtls.VersionTLS12, stdtls.VersionTLS13} {
		s := peer.Listen(t, func(nc net.Conn) {
			g := &gather{Conn: nc}
			tc := stdtls.Server(g, cfg)
			var b [1]byte
			for _, answer := range [][]string{{"first"}, {"second"}, {"third", "unasked"}} {
				if _, err := io.ReadFull(tc, b[:]); err != nil {
					return
				}
				g.hold = true
				for _, a := range answer {
					io.WriteString(tc, a)
				}
				g.hold = false
				nc.Write(g.held)
				g.held = nil
			}
			io.ReadFull(tc, b[:])
		})
		tc := shake(t, client(t, Options{RootCAs: ca.Pool(), MaxVersion: version}), s, host)
		for i, want := range []string{"first", "second", "third"} {
			var buf [100]byte
			io.WriteString(tc, "x")
			n, err := tc.Read(buf[:])
			if err != nil || string(buf[:n]) != want {
				t.Fatalf("%q, %v", buf[:n], err)
			}
			// The first comes with session tickets in TLS 1.3.
			if quiet := tc.Quiet(); i > 0 && quiet != (i == 1) {
				t.Errorf("%s, after %q: Quiet is %v", stdtls.VersionName(version), want, quiet)
			}
		}
		if tc.Probe() {
			t.Error("an answer that nobody asked for was not seen")
		}
		tc.Close()
	}
}
