package proxy_test

import (
	"slices"
	"strings"
	"testing"

	"gohttpx.dev/h1"
	"gohttpx.dev/proxy"
	"gohttpx.dev/wire"
)

func TestForwardTarget(t *testing.T) {
	for _, tt := range []struct{ name, scheme, authority, target, want string }{
		{"A19.2 path and query", "http", "example.org", "/a?b=c", "http://example.org/a?b=c"},
		{"A19.2 a port", "http", "example.org:8080", "/", "http://example.org:8080/"},
		{"A19.2 an IPv6 address", "http", "[2001:db8::1]:80", "/", "http://[2001:db8::1]:80/"},
		{"A19.2 https by a proxy that fetches it", "https", "example.org", "/", "https://example.org/"},
		{"OPTIONS *", "http", "example.org", "*", "http://example.org"},
		{"no authority", "http", "", "/", ""},
		{"user information", "http", "joe:" + secret + "@example.org", "/", ""},
		{"a zone", "http", "[fe80::1%25eth0]", "/", ""},
		{"no scheme", "", "example.org", "/", ""},
		{"no path", "http", "example.org", "", ""},
		{"a target in absolute-form already", "http", "example.org", "http://example.org/", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := proxy.ForwardTarget(tt.scheme, tt.authority, tt.target)
			if got != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("%q, %v", got, err)
			}
			if err != nil {
				harmless(t, err)
				return
			}
			method := "GET"
			if tt.target == "*" {
				method = "OPTIONS"
			}
			head, err := h1.AppendRequest(nil, &wire.Request{Method: method, Authority: tt.authority, Target: got}, h1.Default)
			if err != nil || !strings.HasPrefix(string(head), method+" "+tt.want+" HTTP/1.1\r\nHost: "+tt.authority+"\r\n") {
				t.Errorf("%q, %v", head, err)
			}
		})
	}
}

func fields(pairs ...string) (f wire.Fields) {
	for i := 0; i < len(pairs); i += 2 {
		f.Add(pairs[i], pairs[i+1])
	}
	return f
}

func names(f wire.Fields) (s string) {
	for i := range f {
		s += f[i].Name + "=" + f[i].Value + " "
	}
	return s
}

func TestForwardFields(t *testing.T) {
	for _, tt := range []struct {
		name           string
		proxy, request wire.Fields
		auth, want     string
	}{
		{"A19.2 the proxy's fields come first", fields("X-P", "1"), fields("X-R", "2"), "", "X-P=1 X-R=2 "},
		{"A19.2 the request overrides", fields("x-a", "1", "X-P", "2"), fields("X-A", "3", "X-A", "4"), "", "X-P=2 X-A=3 X-A=4 "},
		{"A19.2 credentials between them", fields("X-P", "1"), fields("X-R", "2"), "Basic x", "X-P=1 Proxy-Authorization=Basic x X-R=2 "},
		{"credentials among the proxy's fields give way", fields("proxy-authorization", "old"), fields("X-R", "2"), "Basic x", "Proxy-Authorization=Basic x X-R=2 "},
		{"the request's own credentials win", fields("Proxy-Authorization", "old"), fields("proxy-authorization", "mine"), "Basic x", "proxy-authorization=mine "},
		{"nothing", nil, nil, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := slices.Clone(tt.request)
			got := proxy.ForwardFields(nil, tt.proxy, tt.auth, tt.request)
			if names(got) != tt.want || !slices.Equal(before, tt.request) {
				t.Errorf("%s", names(got))
			}
			for _, f := range got {
				if f.Value == "Basic x" && !f.Sensitive {
					t.Error("the credentials are not marked")
				}
			}
			if over := proxy.OriginFields(got); over.Has("Proxy-Authorization") {
				t.Error("an origin would see the proxy's credentials")
			}
		})
	}
	t.Run("A19.2 no proxy field goes to an origin", func(t *testing.T) {
		in := fields("A", "1", "proxy-Authorization", "x", "B", "2", "Proxy-Connection", "keep-alive")
		if got := names(proxy.OriginFields(in)); got != "A=1 B=2 " || len(in) != 4 || in[1].Value != "x" {
			t.Error(got, in)
		}
		same := fields("A", "1")
		if got := proxy.OriginFields(same); &got[0] != &same[0] {
			t.Error("copied for nothing")
		}
	})
}

func TestBasic(t *testing.T) {
	for _, tt := range []struct{ name, user, password, want string }{
		// The example of RFC 7617 §2.
		{"A19.1 user and password", "Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
		{"UTF-8", "test", "123£", "Basic dGVzdDoxMjPCow=="},
		{"a colon in the password", "a", "b:c", "Basic YTpiOmM="},
		{"no password", "a", "", "Basic YTo="},
		{"a colon in the user", "a:b", secret, ""},
		{"a line end in the password", "a", secret + "\r\n", ""},
		{"NUL in the user", "a\x00", secret, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := proxy.Basic(tt.user, tt.password)
			if got != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("%q, %v", got, err)
			}
			if err != nil {
				harmless(t, err)
			}
		})
	}
}
