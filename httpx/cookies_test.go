package httpx

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

func TestCookies(t *testing.T) {
	t.Run("A10.1 our jar is a http.CookieJar and works under net/http's calls", func(t *testing.T) {
		var jar http.CookieJar = NewCookies(CookiesConfig{})
		u, _ := url.Parse("https://WWW.Example.org./dir/")
		jar.SetCookies(u, []*http.Cookie{{Name: "a", Value: "1"}, nil, {Name: "bad name", Value: "1"}, {Name: "b", Value: "x y", Quoted: true}})
		got := jar.Cookies(u)
		if len(got) != 2 || got[0].String() != "a=1" || got[1].String() != `b="x y"` {
			t.Errorf("got %v", got)
		}
		for _, s := range []string{"ftp://www.example.org./dir/", "https://www.example.org/dir/", "/dir/", "https://[::1%25a]/", "https:///"} {
			v, _ := url.Parse(s)
			jar.SetCookies(v, []*http.Cookie{{Name: "z", Value: "1"}})
			if got := jar.Cookies(v); s != "https://www.example.org/dir/" && got != nil {
				t.Errorf("%s: %v", s, got)
			}
		}
		jar.SetCookies(nil, []*http.Cookie{{Name: "z", Value: "1"}})
		if jar.Cookies(nil) != nil {
			t.Error("cookies for no URL")
		}
	})
	t.Run("A10.1 another list of public suffixes", func(t *testing.T) {
		j := NewCookies(CookiesConfig{PublicSuffixes: fixedSuffix("example.org")})
		set(t, j, "https://a.b.example.org/", "n=1; Domain=b.example.org", "m=1; Domain=example.org")
		if got := sent(t, j, "https://b.example.org/"); got != "n=1" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("A10.2 Get, narrowed by Domain and Path; several are a conflict", func(t *testing.T) {
		j := new(Cookies)
		set(t, j, "https://www.example.org/a/", "n=1", "n=2; Domain=example.org", "n=3; Path=/", "m=secretvalue")
		if c, err := j.Get("m"); err != nil || c.Value != "secretvalue" {
			t.Errorf("%v, %v", c, err)
		}
		for _, tt := range []struct {
			name string
			by   []CookieFilter
			want string
			err  error
		}{
			{"n", nil, "", ErrCookieConflict},
			{"n", []CookieFilter{Domain("example.org")}, "2", nil},
			{"n", []CookieFilter{Domain(".EXAMPLE.org")}, "2", nil},
			{"n", []CookieFilter{Domain("www.example.org")}, "", ErrCookieConflict},
			{"n", []CookieFilter{Domain("www.example.org"), Path("/")}, "3", nil},
			{"n", []CookieFilter{Path("/")}, "3", nil},
			{"n", []CookieFilter{Path("/b")}, "", ErrNoCookie},
			{"n", []CookieFilter{Domain("org")}, "", ErrNoCookie},
			{"n", []CookieFilter{Domain("no host")}, "", ErrNoCookie},
			{"n", []CookieFilter{Domain("")}, "", ErrNoCookie},
			{"N", nil, "", ErrNoCookie},
		} {
			c, err := j.Get(tt.name, tt.by...)
			if !errors.Is(err, tt.err) || err == nil && c.Value != tt.want {
				t.Errorf("%s: %v, %v; want %q, %v", tt.name, c, err, tt.want, tt.err)
			}
			var he *Error
			if err != nil && (!errors.As(err, &he) || he.Op != "cookie" || !errors.Is(err, ErrHTTP)) {
				t.Errorf("not of the tree of errors: %v", err)
			}
		}
		if !errors.Is(ErrNoCookie, http.ErrNoCookie) {
			t.Error("ErrNoCookie is not net/http's")
		}
	})
	t.Run("A10.2 Set, SetFor, Delete and Clear", func(t *testing.T) {
		j := new(Cookies)
		for _, c := range []*http.Cookie{
			{Name: "host", Value: "1", Domain: "Example.org"},
			{Name: "below", Value: "1", Domain: ".example.org", Path: "/p"},
			{Name: "addr", Value: "1", Domain: "::1"},
			{Name: "__Host-x", Value: "1", Domain: "example.org", Secure: true},
			{Name: "gone", Value: "1", Domain: "example.org", MaxAge: -1},
		} {
			if err := j.Set(c); err != nil {
				t.Errorf("%s: %v", c.Name, err)
			}
		}
		if err := j.SetFor("http://www.example.org/dir/x", &http.Cookie{Name: "for", Value: "1"}); err != nil {
			t.Error(err)
		}
		for at, want := range map[string]string{
			"https://example.org/p": "below=1; host=1; __Host-x=1", "http://example.org/": "host=1", "http://www.example.org/p": "below=1",
			"http://www.example.org/dir/": "for=1", "http://[::1]:8080/": "addr=1", "http://other.test/p": "",
		} {
			if got := sent(t, j, at); got != want {
				t.Errorf("%s: %q, want %q", at, got, want)
			}
		}
		for why, c := range map[string]*http.Cookie{
			"nil": nil, "no domain": {Name: "n", Value: "hunter2"}, "domain is no host": {Name: "n", Value: "hunter2", Domain: "a b"},
			"public suffix": {Name: "n", Value: "hunter2", Domain: ".co.uk"}, "all of an address": {Name: "n", Value: "hunter2", Domain: ".127.0.0.1"},
			"control byte": {Name: "n", Value: "hunter2\r\nX: y", Domain: "example.org"}, "no name": {Value: "hunter2", Domain: "example.org"},
			"semicolon": {Name: "n", Value: "hunter2; Path=/", Domain: "example.org"}, "blank in front": {Name: "n", Value: " hunter2", Domain: "example.org"},
			"name of two lines": {Name: "n\nm", Value: "hunter2", Domain: "example.org"}, "path with a line end": {Name: "n", Value: "hunter2", Domain: "example.org", Path: "/\n"},
			"__Secure-": {Name: "__Secure-n", Value: "hunter2", Domain: "example.org"}, "UTF-8": {Name: "n", Value: "hunter2é", Domain: "example.org"},
			"large": {Name: "n", Value: strings.Repeat("hunter2", 1000), Domain: "example.org"},
		} {
			if err := j.Set(c); !errors.Is(err, ErrInvalidCookie) || strings.Contains(err.Error(), "hunter2") || strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("%s: %v", why, err)
			}
		}
		if err := j.SetFor("http://www.example.org/", &http.Cookie{Name: "n", Value: "1", Domain: "other.test"}); !errors.Is(err, ErrInvalidCookie) {
			t.Errorf("the domain of others: %v", err)
		}
		for _, u := range []string{"/x", "ftp://e.org", "http://"} {
			if err := j.SetFor(u, &http.Cookie{Name: "n", Value: "1"}); err == nil {
				t.Errorf("SetFor %q must fail", u)
			}
		}
		if n := j.Len(); n != 5 {
			t.Errorf("%d cookies", n)
		}
		if n := j.Delete("host", Domain("other.test")) + j.Delete("HOST") + j.Delete("none"); n != 0 {
			t.Errorf("deleted %d", n)
		}
		if n := j.Delete("host"); n != 1 || j.Len() != 4 {
			t.Errorf("deleted %d", n)
		}
		if n := j.Clear(Domain("example.org"), Path("/p")); n != 1 || j.Len() != 3 {
			t.Errorf("cleared %d", n)
		}
		if n := j.Clear(); n != 3 || j.Len() != 0 || j.count.Load() != 0 || len(j.sites) != 0 {
			t.Errorf("cleared %d", n)
		}
	})
	t.Run("A10.2 All is in a stable order and may change the jar", func(t *testing.T) {
		j := new(Cookies)
		for _, h := range []string{"c.test", "a.test", "b.a.test"} {
			set(t, j, "https://"+h+"/", "n=1", "m=1; Path=/long")
		}
		want := "a.test/long a.test/ b.a.test/long b.a.test/ c.test/long c.test/"
		for range 5 {
			var got []string
			for c := range j.All() {
				got = append(got, c.Domain+c.Path)
			}
			if s := strings.Join(got, " "); s != want {
				t.Errorf("got %s", s)
			}
		}
		for c := range j.All() {
			j.Delete(c.Name, Domain(c.Domain), Path(c.Path))
			break
		}
		if j.Len() != 5 {
			t.Errorf("%d are left", j.Len())
		}
		// What All gives, Set takes, and no cookie reaches more hosts than before.
		set(t, j, "https://www.example.org/", "host=1", "all=1; Domain=example.org", "__Host-h=1; Secure; Path=/", `q="a b"`)
		k := new(Cookies)
		for c := range j.All() {
			if err := k.Set(c); err != nil {
				t.Error(err)
			}
		}
		for _, u := range []string{"https://www.example.org/", "https://example.org/", "https://x.www.example.org/", "https://a.test/long"} {
			a, b := strings.Split(sent(t, j, u), "; "), strings.Split(sent(t, k, u), "; ")
			slices.Sort(a) // the order of creation is not copied
			slices.Sort(b)
			if !slices.Equal(a, b) {
				t.Errorf("%s: %q, copied %q", u, a, b)
			}
		}
	})
	t.Run("A10.3 a response's cookies, the first of them", func(t *testing.T) {
		var lines []string
		for i := range 100 {
			lines = append(lines, fmt.Sprintf("n%d=1", i))
		}
		j := new(Cookies)
		set(t, j, "https://e.test/", lines...)
		if j.Len() != 50 {
			t.Errorf("%d of 100 lines were read", j.Len())
		}
	})
	t.Run("A10.5 the cookies of one response", func(t *testing.T) {
		cs := parseSetCookies([]string{"a=1; Path=/; Secure", "bad", "b=\x012", "x=1; y=\x01", "x=1; y=" + strings.Repeat("y", 16<<10), "b=2", "c=3"}, 6)
		if len(cs) != 2 || cs[0].Name != "a" || !cs[0].Secure || cs[1].Value != "2" {
			t.Errorf("got %v", cs)
		}
	})
}

func TestCookieSaveLoad(t *testing.T) {
	t.Run("A10.4 Save and Load keep all but the session", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			j := new(Cookies)
			set(t, j, "https://www.example.org/a/b",
				"n=<v&>; Max-Age=3600; Secure; HttpOnly; SameSite=Lax; Partitioned", `q="x y"; Max-Age=60; Domain=example.org; SameSite=None`, "session=1")
			time.Sleep(time.Second)
			set(t, j, "https://[::1]/", "s=1; Max-Age=3600; SameSite=Strict; Path=/", "d=1; Max-Age=9999; SameSite=odd")
			for _, all := range []bool{false, true} {
				var b bytes.Buffer
				if err := j.save(&b, all); err != nil {
					t.Fatal(err)
				}
				k := new(Cookies)
				if err := k.Load(iotest.OneByteReader(bytes.NewReader(b.Bytes()))); err != nil {
					t.Fatal(err)
				}
				want := j.list(new(cookieFilter))
				if !all {
					want = slices.DeleteFunc(want, func(c jarCookie) bool { return c.expires.IsZero() })
				}
				got := k.list(new(cookieFilter))
				if len(got) != len(want) {
					t.Fatalf("%d cookies, want %d", len(got), len(want))
				}
				for i := range got {
					got[i].seq = want[i].seq
					if !got[i].created.Equal(want[i].created) || !got[i].used.Equal(want[i].used) || !got[i].expires.Equal(want[i].expires) {
						t.Errorf("times: %+v, want %+v", got[i], want[i])
					}
					got[i].created, got[i].used, got[i].expires = want[i].created, want[i].used, want[i].expires
					if got[i] != want[i] {
						t.Errorf("%+v, want %+v", got[i], want[i])
					}
				}
			}
			var b bytes.Buffer
			if err := j.Save(&b); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour - time.Second) // q and n have expired; s and d have not
			k := new(Cookies)
			set(t, k, "https://www.example.org/a/b", "mine=1")
			if err := k.Load(&b); err != nil || k.Len() != 3 {
				t.Errorf("%v, %d cookies", err, k.Len())
			}
		})
	})
	t.Run("A10.4 Load is strict and adds all or nothing", func(t *testing.T) {
		good := `{"name":"n","value":"hunter2","domain":"e.test","host_only":true,"path":"/","created":"2020-01-01T00:00:00Z","used":"2020-01-01T00:00:00Z"}`
		edit := func(old, new string) string {
			if !strings.Contains(good, old) {
				t.Fatal(old)
			}
			return `{"version":1,"cookies":[` + good + `,` + strings.Replace(good, old, new, 1) + `]}`
		}
		load := func(s string) (*Cookies, error) {
			j := new(Cookies)
			return j, j.Load(strings.NewReader(s))
		}
		if j, err := load(edit(`"n"`, `"m"`)); err != nil || sent(t, j, "http://e.test/") != "n=hunter2; m=hunter2" {
			t.Errorf("%v, %s", err, j)
		}
		for name, in := range map[string]string{
			"empty": "", "no object": "[]", "null": "null", "another version": `{"version":2,"cookies":[]}`, "no version": `{"cookies":[]}`,
			"cut short": edit(`"n"`, `"m"`)[:200], "something behind": edit(`"n"`, `"m"`) + "x", "twice": edit(`"n"`, `"m"`) + edit(`"n"`, `"m"`),
			"unknown member": edit(`"name"`, `"nom":1,"name"`), "wrong type": edit(`"hunter2"`, `5`), "wrong time": edit(`"2020-01-01T00:00:00Z"`, `"hunter2"`),
			"no name": edit(`"n"`, `""`), "line end in the value": edit(`hunter2`, `hunter2\r\n`), "large value": edit(`hunter2`, strings.Repeat("hunter2", 600)),
			"no domain": edit(`e.test`, ``), "upper-case domain": edit(`e.test`, `E.test`), "dot before the domain": edit(`e.test`, `.e.test`),
			"dot behind a shared domain": edit(`e.test","host_only":true`, `e.test."`), "no path": edit(`"/"`, `""`), "path without a slash": edit(`"/"`, `"x"`),
			"long path": edit(`"/"`, `"/`+strings.Repeat("a", 1024)+`"`), "line end in the path": edit(`"/"`, `"/\n"`),
			"unknown same_site": edit(`"path"`, `"same_site":"odd","path"`), "__Host- without Secure": edit(`"n"`, `"__Host-n"`),
		} {
			j, err := load(in)
			if !errors.Is(err, ErrInvalidCookie) || j.Len() != 0 || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: %v, %s", name, err, j)
			}
		}
		// A public suffix, or one that has become one, is no error and no cookie.
		if j, err := load(strings.Replace(edit(`"n"`, `"m"`), `e.test","host_only":true`, `co.uk"`, 1)); err != nil || j.Len() != 1 {
			t.Errorf("%v, %s", err, j)
		}
		broken := errors.New("broken disk")
		if err := new(Cookies).Load(iotest.ErrReader(broken)); !errors.Is(err, broken) || errors.Is(err, ErrInvalidCookie) {
			t.Errorf("a reader's error: %v", err)
		}
		if err := new(Cookies).Load(io.MultiReader(strings.NewReader(`{"version":1,"cookies":[]`), endlessBlanks{})); !errors.Is(err, ErrInvalidCookie) {
			t.Errorf("an endless file: %v", err)
		}
		pr, pw := io.Pipe()
		pr.CloseWithError(broken)
		if err := new(Cookies).Save(pw); !errors.Is(err, broken) {
			t.Errorf("a writer's error: %v", err)
		}
		// A clock that was ahead.
		j, err := load(edit(`"path":"/","created":"2020-01-01T00:00:00Z","used":"2020`, `"expires":"9999-01-01T00:00:00Z","path":"/x","created":"9999-01-01T00:00:00Z","used":"9998`))
		if err != nil || j.Len() != 2 {
			t.Fatal(err)
		}
		for _, c := range j.list(new(cookieFilter)) {
			if c.created.After(time.Now()) || c.used.After(time.Now()) || c.expires.After(time.Now().Add(maxCookieAge)) {
				t.Errorf("%+v", c)
			}
		}
	})
}

var blanks = strings.Repeat(" ", 1<<20)

type endlessBlanks struct{}

func (endlessBlanks) Read(p []byte) (int, error) {
	return copy(p, blanks), nil
}

func TestRequestCookies(t *testing.T) {
	t.Run("A2.4 a client's cookie is for its base URL's host, its Domain, or an error", func(t *testing.T) {
		base, _ := ParseURL("https://api.example.org:8443/v1/x")
		cleartext, _ := ParseURL("http://[::1]:81/v1")
		for _, tt := range []struct {
			name   string
			base   *URL
			c      *http.Cookie
			to     string
			want   string
			refuse bool
		}{
			{"base URL", base, &http.Cookie{Name: "n", Value: "1"}, "https://api.example.org/", "n=1", false},
			{"base URL, other host", base, &http.Cookie{Name: "n", Value: "1"}, "https://evil.test/", "", false},
			{"base URL, name above", base, &http.Cookie{Name: "n", Value: "1"}, "https://example.org/", "", false},
			{"base URL of an address", cleartext, &http.Cookie{Name: "n", Value: "1"}, "http://[::1]:9/", "n=1", false},
			{"own path", base, &http.Cookie{Name: "n", Value: "1", Path: "/v1"}, "https://api.example.org/v2", "", false},
			{"own domain", base, &http.Cookie{Name: "n", Value: "1", Domain: "other.test"}, "http://other.test/", "n=1", false},
			{"own domain without a base", nil, &http.Cookie{Name: "n", Value: "1", Domain: ".other.test"}, "http://a.other.test/", "n=1", false},
			{"own domain is not for names below", nil, &http.Cookie{Name: "n", Value: "1", Domain: "other.test"}, "http://a.other.test/", "", false},
			{"own domain of an address", nil, &http.Cookie{Name: "n", Value: "1", Domain: "::1"}, "http://[::1]/", "n=1", false},
			{"no base and no domain", nil, &http.Cookie{Name: "n", Value: "hunter2"}, "https://evil.test/", "", true},
			{"nil", base, nil, "https://api.example.org/", "", true},
			{"line end", base, &http.Cookie{Name: "n", Value: "hunter2\n"}, "https://api.example.org/", "", true},
			{"domain is no host", base, &http.Cookie{Name: "n", Value: "hunter2", Domain: "a b"}, "https://api.example.org/", "", true},
		} {
			std, _ := cookiejar.New(nil)
			ours := new(Cookies)
			for _, jar := range []http.CookieJar{ours, std} {
				err := seedCookie(jar, tt.base, tt.c)
				if (err != nil) != tt.refuse || err != nil && (!errors.Is(err, ErrInvalidCookie) || strings.Contains(err.Error(), "hunter2")) {
					t.Errorf("%s: %v", tt.name, err)
				}
				u, _ := url.Parse(tt.to)
				if got, _ := cookieHeader(jar.Cookies(u)); got != tt.want {
					t.Errorf("%s: %T sends %q, want %q", tt.name, jar, got, tt.want)
				}
			}
		}
		if err := seedCookie(new(Cookies), cleartext, &http.Cookie{Name: "n", Value: "1", Secure: true}); !errors.Is(err, ErrInvalidCookie) {
			t.Errorf("Secure for an http base: %v", err)
		}
		if err := seedCookie(nil, base, &http.Cookie{Name: "n", Value: "1"}); !errors.Is(err, ErrInvalidCookie) {
			t.Errorf("no jar: %v", err)
		}
	})
	t.Run("A3.3 a request's cookies join the jar's, win over those of their name, and are not kept", func(t *testing.T) {
		j := new(Cookies)
		set(t, j, "https://e.test/", "a=1", "b=1")
		own := []*http.Cookie{{Name: "b", Value: "2"}, {Name: "c", Value: "3 4", Quoted: true}}
		for _, tt := range []struct {
			jar  *Cookies
			own  []*http.Cookie
			want string
		}{
			{j, own, `a=1; b=2; c="3 4"`},
			{j, nil, "a=1; b=1"},
			{j, own[:1], "a=1; b=2"},
			{nil, own, `b=2; c="3 4"`},
			{new(Cookies), own, `b=2; c="3 4"`},
			{nil, nil, ""},
			{new(Cookies), nil, ""},
		} {
			if got := string(tt.jar.appendHeader([]byte("Cookie: "), true, "e.test", "/", time.Now(), tt.own)); got != "Cookie: "+tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		}
		if j.Len() != 2 {
			t.Errorf("%d cookies are kept", j.Len())
		}
		if got, err := cookieHeader(own); err != nil || got != `b=2; c="3 4"` {
			t.Errorf("%q, %v", got, err)
		}
		for _, bad := range []*http.Cookie{nil, {}, {Name: "n", Value: "a;b"}, {Name: "n", Value: "a\r\nb"}, {Name: "n=", Value: "a"}, {Name: "n", Value: `"`}, {Name: "n", Value: "\x7f"}} {
			if got, err := cookieHeader([]*http.Cookie{own[0], bad}); !errors.Is(err, ErrInvalidCookie) || got != "" {
				t.Errorf("%v: %q, %v", bad, got, err)
			}
		}
	})
}

func TestCookiesShowNoValue(t *testing.T) {
	j := new(Cookies)
	set(t, j, "https://e.test/", "n=hunter2")
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "jar", j)
	all := j.String() + fmt.Sprintf("%v %+v %s %q %#v", j, j, j, j, j) + log.String()
	if strings.Contains(all, "hunter2") || !strings.Contains(j.String(), "(1)") {
		t.Errorf("shown: %s", all)
	}
}

func TestCookiesAllocation(t *testing.T) {
	empty, other := new(Cookies), new(Cookies)
	set(t, other, "https://other.test/", "n=1")
	now := time.Now()
	var dst [64]byte
	for name, j := range map[string]*Cookies{"nil": nil, "empty": empty, "for other hosts": other} {
		if n := testing.AllocsPerRun(100, func() {
			if len(j.appendHeader(dst[:0], true, "www.example.org", "/a", now, nil)) != 0 {
				t.Error("something is sent")
			}
			if j != nil {
				j.receive(true, "www.example.org", "/a", nil, now)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	if n := testing.AllocsPerRun(100, func() { other.appendHeader(dst[:0], true, "other.test", "/", now, nil) }); n != 0 {
		t.Errorf("one cookie into a buffer: %v allocations", n)
	}
}

func TestCookiesConcurrently(t *testing.T) {
	j := NewCookies(CookiesConfig{MaxPerSite: 20, MaxTotal: 60})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(g)))
			for range 300 {
				u := fmt.Sprintf("https://h%d.s%d.test/", r.IntN(3), r.IntN(5))
				switch r.IntN(8) {
				case 0:
					set(t, j, u, fmt.Sprintf("n%d=1; Domain=%s", r.IntN(40), u[11:len(u)-1]), "m=1")
				case 1:
					j.Delete("m")
				case 2:
					j.Clear(Path("/"), Domain(u[8:len(u)-1]))
				case 3:
					for c := range j.All() {
						c.Value = "mine"
					}
				case 4:
					if err := j.SaveAll(io.Discard); err != nil {
						t.Error(err)
					}
				case 5:
					j.Get("n1")
				default:
					if strings.Contains(sent(t, j, u), "mine") {
						t.Error("a copy is the jar's own")
					}
				}
			}
		})
	}
	wg.Wait()
	if n := j.Len(); n > 60 || int64(n) != j.count.Load() {
		t.Errorf("%d cookies, %d counted", n, j.count.Load())
	}
}
