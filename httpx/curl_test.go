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
		for _, tt := range []struct {
			method, url string
			opts        []httpx.RequestOption
			want        string
		}{
			{"GET", "http://a.example/x?q=1", nil, `curl 'http://a.example/x?q=…'`},
			{"HEAD", "http://a.example/", nil, `curl --head http://a.example/`},
			{"DELETE", "http://u:secret@a.example/", nil, `curl -X DELETE http://a.example/`},
			{"POST", "http://a.example/", []httpx.RequestOption{httpx.JSON("it's")},
				`curl -H 'Content-Type: application/json' --data-raw '"it'\''s"' http://a.example/`},
			{"PUT", "http://a.example/", []httpx.RequestOption{httpx.String("x"), httpx.WithHeader("Authorization", "secret"), httpx.WithHeader("X-Empty", "")},
				`curl -X PUT -H 'Authorization: [secure]' -H 'X-Empty;' -H Content-Type: --data-raw x http://a.example/`},
			{"POST", "http://a.example/", []httpx.RequestOption{httpx.Reader(strings.NewReader("x")), httpx.WithFollowRedirects(true)},
				`curl --location -H Content-Type: --data-binary @request-body http://a.example/`},
			{"OPTIONS", "http://[::1]:80/", []httpx.RequestOption{httpx.WithRequestTarget("*")},
				`curl -X OPTIONS --request-target '*' --globoff 'http://[::1]/'`},
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
		want := []string{"-H", `X-Odd: !"#$&'()*;<>?[\]^{|}~`, "-H", "Content-Type:", "--data-raw", "a'b\"c\n$(id)\\ \u00e9", r.URL.String()}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("the shell read\n%q\nwant\n%q", got, want)
		}
	})
}
