package httpx_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gohttpx.dev/httpx"
)

// asked returns user:password that a sends to a URL, "" for none.
func asked(t *testing.T, a httpx.Auth, url string) (string, error) {
	t.Helper()
	r, err := httpx.NewRequest("GET", url)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := a.Authenticate(context.Background(), r, func(_ context.Context, r *httpx.Request) (*httpx.Response, error) {
		return &httpx.Response{StatusCode: 200, Request: r}, nil
	})
	if err != nil {
		return "", err
	}
	v := resp.Request.Header.Get("Authorization")
	if v == "" {
		return "", nil
	}
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(v, "Basic "))
	if err != nil {
		t.Errorf("%q: %v", v, err)
	}
	return string(b), nil
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestNetRC(t *testing.T) {
	t.Run("A12.8 what a file may have", func(t *testing.T) {
		for name, test := range map[string]struct {
			text string
			want string // for host.example
		}{
			"one line":                 {"machine host.example login me password pw", "me:pw"},
			"several lines":            {"machine\n\thost.example\n  login\nme\r\npassword pw\r\n", "me:pw"},
			"any order":                {"machine host.example password pw account acc login me", "me:pw"},
			"another host":             {"machine a.host.example login me password pw", ""},
			"not the domain":           {"machine example login me password pw", ""},
			"upper-case host":          {"machine HOST.Example login me password pw", "me:pw"},
			"the first of two":         {"machine host.example login me password pw\nmachine host.example login you password no", "me:pw"},
			"an entry before":          {"machine a login b password c machine host.example login me password pw", "me:pw"},
			"default":                  {"machine a login b password c\ndefault login me password pw", "me:pw"},
			"machine before default":   {"machine host.example login me password pw default login you password no", "me:pw"},
			"no login":                 {"machine host.example password pw", ":pw"},
			"no password":              {"machine host.example login me", "me:"},
			"user for login":           {"machine host.example user me password pw", "me:pw"},
			"comments":                 {"# machine host.example login no\nmachine host.example # here\nlogin me #there machine x\npassword pw", "me:pw"},
			"# in a password":          {"machine host.example login me password #pw#", "me:#pw#"},
			"quotes":                   {`machine "host.example" login "m e" password "p\"w\\ # "`, `m e:p"w\ # `},
			"empty quotes":             {`machine host.example login "" password ""`, ":"},
			"a quote in the middle":    {`machine host.example login me password p"w`, `me:p"w`},
			"backslash without quotes": {`machine host.example login me password p\ w\\`, `me:p w\`},
			"keyword as a password":    {"machine host.example login machine password default", "machine:default"},
			"macro":                    {"macdef init\nmachine host.example login no password no\n\nmachine host.example login me password pw", "me:pw"},
			"macro of an entry":        {"machine host.example login me password pw macdef init\ncd /\nlogin no\n \t\ndefault login no", "me:pw"},
			"macro at the end":         {"machine host.example login me password pw\nmacdef x", "me:pw"},
			"macro with CRLF":          {"macdef x\r\nbin\r\n\r\nmachine host.example login me password pw\r\n", "me:pw"},
			"byte order mark":          {"\ufeffmachine host.example login me password pw", "me:pw"},
			"empty":                    {"", ""},
			"blanks":                   {" \n\t\r\n", ""},
			"not ASCII":                {"machine host.example login m\u00fc password p\u00a3", "m\u00fc:p\u00a3"},
		} {
			a := httpx.NetRC(writeFile(t, filepath.Join(t.TempDir(), "netrc"), test.text))
			if got, err := asked(t, a, "https://host.example:8443/"); err != nil || got != test.want {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
	})

	t.Run("A12.8 errors have file and line and no secret", func(t *testing.T) {
		for name, test := range map[string]struct{ text, want string }{
			"a password with a blank": {"machine a login b\n\npassword the s3cret", ":3: neither"},
			"no machine":              {"login s3cret", ":1: login before"},
			"no value":                {"machine host.example\nlogin s3cret password", ":2: password has no value"},
			"no value of machine":     {"machine", ":1: machine has no value"},
			"quote not closed":        {"machine a\nlogin \"s3cret\npassword x", ":2: the quote"},
			"quote at the end":        {"machine a\nlogin \"s3cret", ":2: the quote"},
			"after default":           {"default login s3cret\nmachine a login s3cret", ":2: an entry after"},
			"two defaults":            {"default login s3cret\ndefault login s3cret", ":2: an entry after"},
			"empty machine":           {"machine \"\"", ":1: an empty"},
			"a colon in the login":    {"\nmachine host.example login s3cret:x password s3cret", ":2: a user with a colon"},
			"control character":       {"machine host.example login me password \"s3cret\\n\"", ":1: user and password"},
			"lines of a macro":        {"macdef a\nb\n\nmachine a\nxs3cret", ":5: neither"},
			"too large":               {strings.Repeat("# s3cret\n", 1<<17), "more than 1048576 bytes"},
		} {
			file := writeFile(t, filepath.Join(t.TempDir(), "netrc"), test.text)
			a := httpx.NetRC(file)
			for range 2 {
				_, err := asked(t, a, "https://host.example/")
				var e *httpx.Error
				if !errors.As(err, &e) || e.Op != "auth" || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "s3cret") {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		if _, err := asked(t, httpx.NetRC(t.TempDir()), "https://host.example/"); err == nil || !strings.Contains(err.Error(), "regular") {
			t.Errorf("a directory: %v", err)
		}
	})

	t.Run("A12.8 where the file is", func(t *testing.T) {
		home := t.TempDir()
		t.Setenv("HOME", home)
		t.Setenv("USERPROFILE", home)
		t.Setenv("NETRC", "")
		expect := func(want string) {
			t.Helper()
			if got, err := asked(t, httpx.NetRC(""), "http://h/"); err != nil || got != want {
				t.Errorf("%q, %v, want %q", got, err, want)
			}
		}
		if _, err := asked(t, httpx.NetRC(""), "http://h/"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("no file: %v", err)
		}
		if runtime.GOOS == "windows" {
			writeFile(t, filepath.Join(home, "_netrc"), "default login windows")
			expect("windows:")
		}
		writeFile(t, filepath.Join(home, ".netrc"), "default login home")
		expect("home:")
		other := writeFile(t, filepath.Join(home, "other"), "default login env")
		t.Setenv("NETRC", other)
		expect("env:")
		if got, err := asked(t, httpx.NetRC(filepath.Join(home, ".netrc")), "http://h/"); err != nil || got != "home:" {
			t.Errorf("a path given: %q, %v", got, err)
		}
	})

	t.Run("A12.8 read once, when first needed", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "netrc")
		a := httpx.NetRC(file)
		writeFile(t, file, "default login first")
		for range 2 {
			if got, err := asked(t, a, "http://h/"); err != nil || got != "first:" {
				t.Errorf("%q, %v", got, err)
			}
			writeFile(t, file, "default login second")
		}
	})

	t.Run("A12.8 never without being asked for", func(t *testing.T) {
		t.Setenv("NETRC", writeFile(t, filepath.Join(t.TempDir(), "netrc"), "default login me password pw"))
		s, c := echoServer(t), newClient(t)
		resp, err := c.Get(context.Background(), s.URL)
		if err != nil {
			t.Fatal(err)
		}
		if e, err := httpx.Decode[echoed](resp); err != nil || e.Header.Get("Authorization") != "" {
			t.Errorf("%+v, %v", e, err)
		}
	})

	t.Run("A12.8 A12.11 redirects to another host", func(t *testing.T) {
		for name, test := range map[string]struct{ text, second string }{
			"its own entry": {"machine one.example login a machine two.example login b", "b"},
			"nothing":       {"machine one.example login a", ""},
			"no default":    {"machine one.example login a default login c", ""},
		} {
			var seen []string
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				user, _, _ := r.BasicAuth()
				seen = append(seen, r.Host+" "+user)
				if r.Host == "one.example" {
					http.Redirect(w, r, "http://two.example/", http.StatusFound)
				}
			}))
			c := newClient(t, httpx.WithConnectTo("*", s.Listener.Addr().String()), httpx.WithFollowRedirects(true),
				httpx.WithAuth(httpx.NetRC(writeFile(t, filepath.Join(t.TempDir(), "netrc"), test.text))))
			if _, err := c.Get(context.Background(), "http://one.example/"); err != nil {
				t.Error(err)
			}
			if want := []string{"one.example a", "two.example " + test.second}; !slices.Equal(seen, want) {
				t.Errorf("%s: %q", name, seen)
			}
			s.Close()
		}
		from, _ := httpx.ParseURL("https://a.example/")
		to, _ := httpx.ParseURL("http://b.example/")
		if a := httpx.NetRC("x").(httpx.OriginAuth).ForOrigin(from, to); a != nil {
			t.Errorf("from https to http: %v", a)
		}
	})
}
