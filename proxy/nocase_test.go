package proxy

import (
	"strings"
	"testing"
)

// Where names of variables have no case, http_proxy finds HTTP_PROXY.
func TestEnvironmentWithoutCase(t *testing.T) {
	for _, tt := range []struct {
		name string
		env  map[string]string
		want string
	}{
		{"A19.7 HTTP_PROXY by another name", map[string]string{"http_proxy": "p"}, "p"},
		{"A19.7 HTTP_PROXY by another name in a CGI script", map[string]string{"http_proxy": "p", "request_method": "GET"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := fromEnvironment(func(name string) (string, bool) {
				v, ok := tt.env[strings.ToLower(name)]
				return v, ok
			}, true)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if u, _ := e.ProxyFor("http", "a", ""); u != nil {
				got = u.Host
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
