//go:build unix

package httpx_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"gohttpx.dev/httpx"
)

func TestCurl(t *testing.T) {
	t.Run("B28 curl command", func(t *testing.T) {
		var ours httpx.Header
		ours.Add("User-Agent", "a")
		ours.Add("Accept", "b")
		for _, tt := range []struct {
			method, url string
			opts        []httpx.RequestOption
			want        string
		}{
			{"GET", "http://a.example/x?q=1", nil, `curl -H User-Agent: -H Accept: 'http://a.example/x?q=…'`},
			{"HEAD", "http://a.example/", nil, `curl --head -H User-Agent: -H Accept: http://a.example/`},
			{
				"HEAD", "http://a.example/",
				[]httpx.RequestOption{httpx.WithHeaders(ours), httpx.WithHeader("Content-Type", " "), httpx.String("x")},
				`curl -X HEAD -H 'User-Agent: a' -H 'Accept: b' -H 'Content-Type;' --data-raw x http://a.example/`,
			},
			{"DELETE", "http://u:secret@a.example/", nil, `curl -X DELETE -H User-Agent: -H Accept: http://a.example/`},
			{
				"POST", "http://a.example/",
				[]httpx.RequestOption{httpx.JSON("it's")},
				`curl -H User-Agent: -H Accept: -H 'Content-Type: application/json' --data-raw '"it'\''s"' http://a.example/`,
			},
			{
				"PUT", "http://a.example/",
				[]httpx.RequestOption{httpx.String("x"), httpx.WithHeader("Authorization", "secret"), httpx.WithHeader("X-Empty", "")},
				`curl -X PUT -H User-Agent: -H Accept: -H 'Authorization: [secure]' -H 'X-Empty;' -H Content-Type: --data-raw x http://a.example/`,
			},
			{
				"POST", "http://a.example/",
				[]httpx.RequestOption{httpx.Reader(strings.NewReader("x")), httpx.WithFollowRedirects(true)},
				`curl --location -H User-Agent: -H Accept: -H Content-Type: --data-binary @request-body http://a.example/`,
			},
			{
				"GET", "http://a.example/",
				[]httpx.RequestOption{httpx.WithHeaders(ours), httpx.WithHeader("Accept-Encoding", "gzip")},
				`curl --compressed -H 'User-Agent: a' -H 'Accept: b' -H 'Accept-Encoding: gzip' http://a.example/`,
			},
			{
				"GET", "http://a.example/",
				[]httpx.RequestOption{httpx.WithHeaders(ours), httpx.WithHeader("Accept-Encoding", " Identity"), httpx.WithAddedHeader("accept-encoding", "")},
				`curl -H 'User-Agent: a' -H 'Accept: b' -H 'Accept-Encoding:  Identity' -H 'accept-encoding;' http://a.example/`,
			},
			{
				"GET", "http://a.example/",
				[]httpx.RequestOption{httpx.WithHeaders(ours), httpx.WithHeader("Accept-Encoding", "br"), httpx.WithDecoding(false)},
				`curl -H 'User-Agent: a' -H 'Accept: b' -H 'Accept-Encoding: br' http://a.example/`,
			},
			{
				"OPTIONS", "http://[::1]:80/",
				[]httpx.RequestOption{httpx.WithRequestTarget("*")},
				`curl -X OPTIONS --request-target '*' -H User-Agent: -H Accept: --globoff 'http://[::1]/'`,
			},
			{
				"GET", "http://a.example/",
				[]httpx.RequestOption{httpx.WithRequestTarget("/x/../y?token=secret"), httpx.WithHeaders(ours)},
				`curl --request-target '/x/../y?token=…' -H 'User-Agent: a' -H 'Accept: b' http://a.example/`,
			},
			{
				"GET", "http://a.example/",
				[]httpx.RequestOption{httpx.WithRequestTarget("http://u:secret@b.example/"), httpx.WithHeaders(ours)},
				`curl --request-target 'http://…@b.example/' -H 'User-Agent: a' -H 'Accept: b' http://a.example/`,
			},
			{
				"GET", "http://a.example/",
				[]httpx.RequestOption{httpx.WithHeaders(ours), httpx.WithHeader("X-Own", "secret"), httpx.WithSensitiveHeaders("x-own")},
				`curl -H 'User-Agent: a' -H 'Accept: b' -H 'X-Own: [secure]' http://a.example/`,
			},
			{
				"GET", "http://a.example/a/../b",
				[]httpx.RequestOption{httpx.WithHeaders(ours), httpx.PathAsIs()},
				`curl -H 'User-Agent: a' -H 'Accept: b' --path-as-is http://a.example/a/../b`,
			},
			{
				"GET", "http://a.example/a/%2E%2e/b",
				[]httpx.RequestOption{httpx.WithHeaders(ours)},
				`curl -H 'User-Agent: a' -H 'Accept: b' --path-as-is http://a.example/a/%2E%2e/b`,
			},
		} {
			r, err := httpx.NewRequest(tt.method, tt.url, tt.opts...)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Curl(); got != tt.want {
				t.Errorf("%s %s:\n%s\nwant\n%s", tt.method, tt.url, got, tt.want)
			}
		}
	})
	t.Run("B28 the shell and curl agree", func(t *testing.T) {
		sh, err := exec.LookPath("sh")
		if err != nil {
			t.Fatal("no POSIX shell to ask")
		}
		// A shell function takes curl's place and prints its arguments.
		var got []string
		s := httptest.NewServer(http.HandlerFunc(answerEcho))
		defer s.Close()
		r, err := httpx.NewRequest("POST", s.URL+"/$HOME/`id`?a='b'&c=\\", httpx.String("a'b\"c\n$(id)\\ \u00e9"), httpx.WithHeader("X-Odd", `!"#$&'()*;<>?[\]^{|}~`))
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(context.Background(), sh, "-c", `curl() { for a; do printf '%s\0' "$a"; done; }; `+r.CurlWithSecrets()).Output()
		if err != nil {
			t.Fatal(err)
		}
		got = strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
		want := []string{"-H", "User-Agent:", "-H", "Accept:", "-H", `X-Odd: !"#$&'()*;<>?[\]^{|}~`, "-H", "Content-Type:", "--data-raw", "a'b\"c\n$(id)\\ \u00e9", r.URL.String()}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("the shell read\n%q\nwant\n%q", got, want)
		}
	})
}
