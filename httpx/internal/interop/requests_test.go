package interop

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gohttpx.dev/httpx"
)

// echoed is what go-httpbin says about a request.
type echoed struct {
	Method  string
	URL     string
	Args    map[string][]string
	Headers http.Header
	Data    string
	Form    map[string][]string
	Files   map[string][]string
	JSON    any
}

// echoes checks the answer of a page that repeats the request.
func echoes(f func(e echoed) bool) func(t *testing.T, r *httpx.Response) {
	return func(t *testing.T, r *httpx.Response) {
		t.Helper()
		if e := decode[echoed](t, r); !f(e) {
			t.Errorf("the server has seen %+v", e)
		}
	}
}

func holds(part string) func(t *testing.T, r *httpx.Response) {
	return func(t *testing.T, r *httpx.Response) {
		t.Helper()
		if !strings.Contains(r.Text(), part) {
			t.Errorf("%q lacks %q", r.Text(), part)
		}
	}
}

// hops checks how many redirects led to a path.
func hops(n int, path string) func(t *testing.T, r *httpx.Response) {
	return func(t *testing.T, r *httpx.Response) {
		t.Helper()
		if len(r.History) != n || r.URL.Path() != path {
			t.Errorf("%d responses before %s, want %d before %s", len(r.History), r.URL.Path(), n, path)
		}
	}
}

func TestRequests(t *testing.T) {
	file := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(file, []byte("from a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	with := func(o ...httpx.RequestOption) []httpx.RequestOption { return o }
	follow := httpx.WithFollowRedirects(true)
	protocols(t, func(t *testing.T, b bin) {
		calls := []call{
			{
				name: "GET with parameters", path: "/get?own=1", opts: with(httpx.WithQuery("a", 1, "b", "x y&z", "a", 2)),
				check: echoes(func(e echoed) bool {
					return fmt.Sprint(e.Args) == "map[a:[1 2] b:[x y&z] own:[1]]"
				}),
			},
			{name: "HEAD", method: "HEAD", path: "/head", check: func(t *testing.T, r *httpx.Response) {
				if len(r.Bytes()) != 0 || !r.Header.Has("Content-Type") {
					t.Errorf("%v %q", r.Header, r.Bytes())
				}
			}},
			{name: "method that it refuses", method: "POST", path: "/get", status: http.StatusMethodNotAllowed},
			{name: "anything below a path", method: "BREW", path: "/anything/a%2Fb/c", check: echoes(func(e echoed) bool {
				return e.Method == "BREW" && strings.HasSuffix(e.URL, "/anything/a%2Fb/c")
			})},
			{
				name: "header", path: "/headers", opts: with(httpx.WithHeader("X-One", "1"), httpx.WithAddedHeader("X-Two", "2"), httpx.WithAddedHeader("X-Two", "3")),
				check: echoes(func(e echoed) bool {
					return fmt.Sprint(e.Headers["X-One"], e.Headers["X-Two"]) == "[1] [2 3]"
				}),
			},
			{name: "own User-Agent", path: "/user-agent", opts: with(httpx.WithUserAgent("interop/1")), check: holds(`"interop/1"`)},
			{name: "default User-Agent", path: "/user-agent", check: holds("gohttpx/")},

			{name: "Basic", path: "/basic-auth/user/pass", opts: with(httpx.WithAuth(httpx.BasicAuth("user", "pass"))), check: holds(`"authenticated": true`)},
			{name: "Basic, wrong password", path: "/basic-auth/user/pass", opts: with(httpx.WithAuth(httpx.BasicAuth("user", "wrong"))), status: http.StatusUnauthorized},
			{name: "Basic, hidden", path: "/hidden-basic-auth/user/pass", opts: with(httpx.WithAuth(httpx.BasicAuth("user", "pass"))), check: holds(`"user"`)},
			{name: "Basic, hidden and without", path: "/hidden-basic-auth/user/pass", status: http.StatusNotFound},
			{name: "Bearer", path: "/bearer", opts: with(httpx.WithAuth(httpx.BearerAuth("t0ken"))), check: holds(`"t0ken"`)},
			{name: "Bearer, none", path: "/bearer", status: http.StatusUnauthorized},
			{name: "Digest MD5", path: "/digest-auth/auth/user/pass", opts: with(httpx.WithAuth(httpx.DigestAuth("user", "pass"))), check: hops(1, "/digest-auth/auth/user/pass")},
			{name: "Digest SHA-256", path: "/digest-auth/auth/user/pass/SHA-256", opts: with(httpx.WithAuth(httpx.DigestAuth("user", "pass"))), check: holds(`"authenticated": true`)},
			{name: "Digest, wrong password", path: "/digest-auth/auth/user/pass", opts: with(httpx.WithAuth(httpx.DigestAuth("user", "wrong"))), status: http.StatusUnauthorized},
			{name: "deny", path: "/deny", check: holds("BE HERE")},

			{name: "redirects not followed", path: "/redirect/2", status: http.StatusFound, check: func(t *testing.T, r *httpx.Response) {
				if r.NextRequest == nil || r.NextRequest.URL.Path() != "/relative-redirect/1" {
					t.Errorf("next is %v", r.NextRequest)
				}
			}},
			{name: "redirects", path: "/redirect/5", opts: with(follow), check: hops(5, "/get")},
			{name: "relative redirects", path: "/relative-redirect/3", opts: with(follow), check: hops(3, "/get")},
			{name: "absolute redirects", path: "/absolute-redirect/3", opts: with(follow), check: hops(3, "/get")},
			{
				name: "redirect to elsewhere", method: "POST", path: "/redirect-to", check: echoes(func(e echoed) bool { return e.Method == "GET" && e.Data == "" }),
				opts: with(follow, httpx.String("x"), httpx.WithQuery("url", "/anything", "status_code", 303)),
			},
			{
				name: "307 keeps method and body", method: "PUT", path: "/redirect-to", check: echoes(func(e echoed) bool { return e.Method == "PUT" && e.JSON != nil }),
				opts: with(follow, httpx.JSON(map[string]int{"a": 1}), httpx.WithQuery("url", "/anything", "status_code", 307)),
			},
			{
				name: "308 keeps method and file", method: "POST", path: "/redirect-to", check: echoes(func(e echoed) bool { return fmt.Sprint(e.Files) == "map[f:[from a file]]" }),
				opts: with(follow, httpx.Multipart(httpx.FilePart("f", file)), httpx.WithQuery("url", "/anything", "status_code", 308)),
			},

			{name: "cookie of a request", path: "/cookies", opts: with(httpx.WithCookie(&http.Cookie{Name: "once", Value: "1"})), check: holds(`"once": "1"`)},
			{name: "cookies set on the way", path: "/cookies/set", opts: with(follow, httpx.WithQuery("a", 1, "b", 2)), check: func(t *testing.T, r *httpx.Response) {
				if got := decode[struct{ Cookies map[string]string }](t, r); fmt.Sprint(got.Cookies) != "map[a:1 b:2]" {
					t.Errorf("%v", got)
				}
			}},
			{name: "cookies kept", path: "/cookies", check: holds(`"a": "1"`)},
			{name: "cookie deleted", path: "/cookies/delete", opts: with(follow, httpx.WithQuery("a", "")), check: func(t *testing.T, r *httpx.Response) {
				if got := decode[struct{ Cookies map[string]string }](t, r); fmt.Sprint(got.Cookies) != "map[b:2]" {
					t.Errorf("%v", got)
				}
			}},

			{name: "upload counted", method: "POST", path: "/upload", opts: with(httpx.Reader(io.LimitReader(zeros{}, 512<<10))), check: holds(`"bytes_received": 524288`)},
			{name: "dump", method: "POST", path: "/dump/request", opts: with(httpx.String("body"), httpx.WithHeader("X-A", "b")), check: holds("\r\nX-A: b\r\n")},
			{
				name: "trailers", method: "POST", path: "/anything", opts: with(httpx.Reader(struct{ io.Reader }{strings.NewReader("x")}),
					httpx.WithHeader("Trailer", "X-Sum"), httpx.WithTrailer(func() httpx.Header { return httpx.Header{{Name: "X-Sum", Value: "1"}} })),
				check: echoes(func(e echoed) bool { return strings.HasSuffix(e.Data, "eA==") || e.Data == "x" }),
			},
		}
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			path := "/" + strings.ToLower(method)
			calls = append(calls,
				call{
					name: method + " JSON", method: method, path: path, opts: with(httpx.JSON(map[string]any{"n": 1, "s": "<ü>"})),
					check: echoes(func(e echoed) bool { return fmt.Sprint(e.JSON) == "map[n:1 s:<ü>]" && e.Data == `{"n":1,"s":"<ü>"}` }),
				},
				call{
					name: method + " form", method: method, path: path, opts: with(httpx.Form(url.Values{"k": {"a b", "c&d"}})),
					check: echoes(func(e echoed) bool { return fmt.Sprint(e.Form) == "map[k:[a b c&d]]" }),
				},
				call{
					name: method + " multipart", method: method, path: path, opts: with(httpx.Multipart(httpx.FieldPart("k", "ü"), httpx.FilePart("f", file))),
					check: echoes(func(e echoed) bool {
						return fmt.Sprint(e.Form, e.Files) == "map[k:[ü]] map[f:[from a file]]"
					}),
				},
				call{
					name: method + " stream", method: method, path: path, opts: with(httpx.ContentType("text/plain"), httpx.Reader(io.MultiReader(strings.NewReader("a"), strings.NewReader("b")))),
					check: echoes(func(e echoed) bool { return e.Data == "ab" }),
				},
				call{name: method + " nothing", method: method, path: path, check: echoes(func(e echoed) bool { return e.Data == "" && e.Method == method })})
		}
		b.run(t, calls)
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
