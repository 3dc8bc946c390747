package interop

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"gohttpx.dev/httpx"
)

// target is one server behind one scheme, and the client that talks to it.
type target struct {
	server
	running
	base string // scheme://host:port
	c    *client
	// fresh makes a further client, which ends with the check.
	fresh func(...httpx.ClientOption) *client
}

// file is the path of a file that the server serves, itself if it can.
func (s server) file(own, backend string) string {
	if s.own {
		return own
	}
	return backend
}

// check is a column of a table.
type check struct {
	name string
	run  func(ctx context.Context, t *target) error
	// needs reports whether the server can take part; nil is yes.
	needs func(server) bool
}

var (
	largeDigest = patternDigest(largeSize)
	upDigest    = patternDigest(upSize)
)

func patternBytes(n int64) []byte {
	b := make([]byte, n)
	(&pattern{}).Read(b)
	return b
}

func digestOf(s string) string {
	d, _ := digest(bytes.NewReader([]byte(s)))
	return d
}

// suite is a table: servers and what they are asked.
type suite struct {
	proto   string // as Response.Proto says it
	servers []server
	checks  []check
	options []httpx.ClientOption // all that a client needs besides the roots
	plain   []httpx.ClientOption // and in cleartext
}

func TestHTTP1(t *testing.T) {
	suite{proto: "HTTP/1.1", servers: http1Servers, checks: http1Checks, options: []httpx.ClientOption{httpx.WithHTTP2(false)}}.run(t)
}

func TestHTTP2(t *testing.T) {
	suite{
		proto: "HTTP/2", servers: http2Servers, checks: http2Checks,
		options: []httpx.ClientOption{httpx.WithHTTP2(true)},
		// RFC 9113 §3.3: by prior knowledge.
		plain: []httpx.ClientOption{httpx.WithHTTP1(false)},
	}.run(t)
}

// run runs all checks against all servers and prints the table.
func (u suite) run(t *testing.T) {
	certFile, roots := certificate(t)
	back := strings.TrimPrefix(backend(t).URL, "http://")
	var table, missing []string
	for _, s := range u.servers {
		path, err := exec.LookPath(s.bin)
		if err != nil {
			missing = append(missing, s.name)
			continue
		}
		s.bin = path
		t.Run(s.name, func(t *testing.T) {
			r := s.start(t, certFile, back)
			for _, scheme := range s.speaks() {
				base := r.base(scheme)
				t.Run(scheme, func(t *testing.T) {
					table = append(table, s.name+"\t"+scheme+"\t"+strings.Join(u.runChecks(t, &target{server: s, running: r, base: base}, roots), "\t"))
				})
			}
		})
	}
	u.print(t, table)
	if len(missing) > 0 {
		msg := "not installed, so not tested: " + strings.Join(slices.Compact(missing), ", ") + " (make interop-deps installs them)"
		if os.Getenv("INTEROP_REQUIRED") != "" {
			t.Error(msg)
		} else {
			t.Log(msg)
		}
	}
}

// newClient makes the client of one row; opts come last.
func (u suite) newClient(t *testing.T, base string, roots *x509.CertPool, opts ...httpx.ClientOption) *client {
	all := slices.Clone(u.options)
	if strings.HasPrefix(base, "http:") {
		all = append(all, u.plain...)
	}
	return newClient(t, u.proto, roots, append(all, opts...)...)
}

// runChecks returns a cell per check.
func (u suite) runChecks(t *testing.T, to *target, roots *x509.CertPool) (cells []string) {
	to.c = u.newClient(t, to.base, roots)
	for _, check := range u.checks {
		if check.needs != nil && !check.needs(to.server) {
			cells = append(cells, "-")
			continue
		}
		ok := t.Run(check.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			to := *to
			var fresh []*client
			to.fresh = func(opts ...httpx.ClientOption) *client {
				fresh = append(fresh, u.newClient(t, to.base, roots, opts...))
				return fresh[len(fresh)-1]
			}
			if err := check.run(ctx, &to); err != nil {
				t.Error(err)
			}
			for _, c := range fresh {
				c.wantNoneInUse(t)
			}
		})
		cells = append(cells, map[bool]string{true: "ok", false: "FAIL"}[ok])
	}
	to.c.wantNoneInUse(t)
	return cells
}

func (u suite) print(t *testing.T, rows []string) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	head := []string{"server", u.proto}
	for _, c := range u.checks {
		head = append(head, c.name)
	}
	fmt.Fprintln(w, strings.Join(head, "\t"))
	for _, r := range rows {
		fmt.Fprintln(w, r)
	}
	w.Flush()
	t.Logf("\n%s", b.String())
}
