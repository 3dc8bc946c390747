package httpx_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gohttpx.dev/httpx"
)

// A server that hands a nonce out again sees its count go on; but no more than
// sixteen of an origin are remembered, or it could have us remember without end.
func TestDigestRemembersNonces(t *testing.T) {
	for others, count := range map[int]string{15: "00000002", 16: "00000001"} {
		t.Run(fmt.Sprintf("A12.3 %d others", others), func(t *testing.T) {
			var got []string // counts of the first nonce
			next := 0
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				auth := r.Header.Get("Authorization")
				if auth == "" {
					w.Header().Set("WWW-Authenticate", `Digest realm="r", qop="auth", nonce="n0"`)
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				if strings.Contains(auth, `nonce="n0"`) {
					_, nc, _ := strings.Cut(auth, "nc=")
					got = append(got, nc[:8])
				}
				if next++; next > others {
					next = 0
				}
				w.Header().Set("Authentication-Info", fmt.Sprintf(`nextnonce="n%d"`, next))
			}))
			defer s.Close()
			c := newClient(t, httpx.WithAuth(httpx.DigestAuth("u", "p")))
			for range others + 2 {
				if resp, err := c.Get(t.Context(), s.URL); err != nil || resp.StatusCode != 200 {
					t.Fatal(resp, err)
				}
			}
			if len(got) != 2 || got[0] != "00000001" || got[1] != count {
				t.Errorf("counts %q, want 00000001 and %s", got, count)
			}
		})
	}
}
