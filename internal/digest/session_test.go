package digest

import (
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
)

func choose(t *testing.T, fields ...string) *Offer {
	t.Helper()
	o, err := Choose(ParseChallenges(fields))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// The examples of RFC 2069, RFC 2617 §3.5 and RFC 7616 §3.9. That of RFC 2069 is
// as its erratum has it, and so is RFC 7616 §3.9.2: erratum 4897 says that the
// text has SHA-512 cut short where SHA-512/256 begins with values of its own.
func TestExamples(t *testing.T) {
	const old = `Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`
	const rfc7616 = `Digest realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", algorithm=`
	for name, test := range map[string]struct {
		fields                      []string
		user, password, uri, cnonce string
		want                        []string
	}{
		"RFC 2069": {[]string{old}, "Mufasa", "CircleOfLife", "/dir/index.html", "", []string{
			`username="Mufasa"`, `response="1949323746fe6a43ef61f9606e7febea"`, `opaque="5ccc069c403ebaf9f0171e9517f40e41"`,
		}},
		"RFC 2617": {[]string{old + `, qop="auth,auth-int"`}, "Mufasa", "Circle Of Life", "/dir/index.html", "0a4f113b", []string{
			`response="6629fae49393a05397450978507c4ef1"`, `qop=auth`, `nc=00000001`, `cnonce="0a4f113b"`,
		}},
		"MD5": {[]string{rfc7616 + "MD5"}, "Mufasa", "Circle of Life", "/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", []string{
			`response="8ca523f5e9506fed4657c9700eebdbec"`, `algorithm=MD5`, `uri="/dir/index.html"`,
		}},
		"SHA-256, in the second field": {[]string{rfc7616 + "MD5", rfc7616 + "SHA-256"}, "Mufasa", "Circle of Life", "/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", []string{
			`response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"`, `algorithm=SHA-256`, `nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"`,
		}},
		"SHA-512-256": {
			[]string{`Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true`},
			"J\u00e4s\u00f8n Doe", "Secret, or not?", "/doe.json", "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
			[]string{
				`username="793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"`,
				`response="3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"`, `userhash=true`, `algorithm=SHA-512-256`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSession(choose(t, test.fields...), test.user, test.password, test.cnonce)
			a, err := s.answer("GET", test.uri, nil, 1, test.cnonce)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range test.want {
				if !strings.Contains(a.Value+",", " "+want+",") {
					t.Errorf("%s\nis not in\n%s", want, a.Value)
				}
			}
			if list := ParseChallenges([]string{a.Value}); len(list) != 1 || len(list[0].Params) < 6 {
				t.Errorf("not the grammar of credentials: %s", a.Value)
			}
		})
	}
}

func TestChoose(t *testing.T) {
	const d = `Digest realm="r", nonce="n"`
	for name, test := range map[string]struct {
		fields []string
		alg    string
		fails  string
	}{
		"none":                  {[]string{"Basic realm=x"}, "", ErrNoOffer.Error()},
		"MD5 is understood":     {[]string{d}, "MD5", ""},
		"scheme in lower case":  {[]string{`digest realm="r", nonce="n", algorithm=md5`}, "md5", ""},
		"quoted algorithm":      {[]string{d + `, algorithm="SHA-256"`}, "SHA-256", ""},
		"strongest":             {[]string{d + ", algorithm=MD5", d + ", algorithm=SHA-512-256", d + ", algorithm=SHA-256"}, "SHA-512-256", ""},
		"first of equals":       {[]string{d + ", algorithm=SHA-512", d + ", algorithm=SHA-512-256"}, "SHA-512", ""},
		"unknown is skipped":    {[]string{d + ", algorithm=SHA3-512, " + d + ", algorithm=SHA"}, "SHA", ""},
		"unknown":               {[]string{d + `, algorithm="SHA3-512"`}, "", `algorithm "SHA3-512" is not known`},
		"-sess alone":           {[]string{d + `, algorithm="-sess"`}, "", `"-sess" is not known`},
		"long unknown":          {[]string{d + `, algorithm="` + strings.Repeat("x", 1000) + `"`}, "", `"` + strings.Repeat("x", 40) + `" is`},
		"unknown qop":           {[]string{d + `, qop="auth-conf"`}, "", `qop "auth-conf" is not known`},
		"qop in upper case":     {[]string{d + `, qop="AUTH-INT , Auth"`}, "MD5", ""},
		"empty qop":             {[]string{d + `, qop=""`}, "MD5", ""},
		"no nonce":              {[]string{`Digest realm="r"`}, "", "without nonce"},
		"no realm":              {[]string{`Digest nonce="r"`}, "", "without realm"},
		"too long":              {[]string{d + `, x="` + strings.Repeat("y", MaxChallenge) + `"`}, "", "more than 4096"},
		"broken and then whole": {[]string{`Digest realm="r"`, d}, "MD5", ""},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := Choose(ParseChallenges(test.fields))
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Errorf("%+v, %v", o, err)
				}
			} else if err != nil || o.named != test.alg {
				t.Errorf("%+v, %v", o, err)
			}
		})
	}
}

func TestAnswer(t *testing.T) {
	const d = `Digest realm="r\"\\", nonce="n", opaque="", qop=auth`
	t.Run("quotes and backslashes are escaped", func(t *testing.T) {
		a, err := NewSession(choose(t, d), `a"b\c`, "p").Answer("GET", `/"`, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`username="a\"b\\c"`, `realm="r\"\\"`, `uri="/\""`} {
			if !strings.Contains(a.Value, want) {
				t.Errorf("%s is not in %s", want, a.Value)
			}
		}
		if strings.Contains(a.Value, "opaque") {
			t.Error("an empty opaque was echoed")
		}
	})
	t.Run("a name beyond ASCII", func(t *testing.T) {
		for field, want := range map[string]string{
			d:                                    "username=\"J\u00e4\"",
			d + ", charset=UTF-8":                "username*=UTF-8''J%C3%A4,",
			d + ", charset=utf-8, userhash=true": `username="`,
		} {
			a, err := NewSession(choose(t, field), "J\u00e4", "p").Answer("GET", "/", nil)
			if err != nil || !strings.Contains(a.Value, want) {
				t.Errorf("%s: %s, %v", field, a.Value, err)
			}
		}
	})
	t.Run("counts are given once", func(t *testing.T) {
		s := NewSession(choose(t, d), "u", "p")
		var wg sync.WaitGroup
		var seen sync.Map
		for range 8 {
			wg.Go(func() {
				for range 32 {
					a, err := s.Answer("GET", "/", nil)
					if err != nil {
						t.Error(err)
					} else if _, twice := seen.LoadOrStore(a.count, a.cnonce); twice {
						t.Errorf("%s twice", a.count)
					}
				}
			})
		}
		wg.Wait()
		if _, ok := seen.Load("00000100"); !ok {
			t.Error("the last count is missing")
		}
	})
	t.Run("a nonce that is used up", func(t *testing.T) {
		s := NewSession(choose(t, d), "u", "p")
		s.count.Store(0xfffffffe)
		if a, err := s.Answer("GET", "/", nil); err != nil || a.count != "ffffffff" {
			t.Errorf("%+v, %v", a, err)
		}
		for range 2 {
			if _, err := s.Answer("GET", "/", nil); err != ErrUsedUp {
				t.Error(err)
			}
		}
	})
	t.Run("the body of auth-int", func(t *testing.T) {
		o := choose(t, `Digest realm="r", nonce="n", qop="auth-int"`)
		if !o.NeedsBody() {
			t.Error("needs no body")
		}
		s := NewSession(o, "u", "p")
		a1, _ := s.answer("POST", "/", nil, 1, "c")
		a2, _ := s.answer("POST", "/", func(w io.Writer) error { return nil }, 1, "c")
		a3, _ := s.answer("POST", "/", func(w io.Writer) error { _, err := io.WriteString(w, "x"); return err }, 1, "c")
		if a1.Value != a2.Value || a2.Value == a3.Value {
			t.Errorf("%s\n%s\n%s", a1.Value, a2.Value, a3.Value)
		}
		bad := errors.New("bad")
		if _, err := s.Answer("POST", "/", func(io.Writer) error { return bad }); err != bad {
			t.Error(err)
		}
	})
	t.Run("the key of -sess outlives a nextnonce", func(t *testing.T) {
		s := NewSession(choose(t, `Digest realm="r", nonce="n", algorithm=MD5-sess, qop=auth`), "u", "p")
		n := s.Next("m")
		if n.base != s.base || n.cnonce != s.cnonce || n.Offer().Nonce != "m" || s.Offer().Nonce != "n" {
			t.Errorf("%+v", n)
		}
		if a, err := n.Answer("GET", "/", nil); err != nil || a.count != "00000001" || a.cnonce != s.cnonce {
			t.Errorf("%+v, %v", a, err)
		}
	})
	t.Run("one that is CONNECT", func(t *testing.T) {
		a, err := NewSession(choose(t, d), "u", "p").Answer("CONNECT", "example.org:443", nil)
		if err != nil || !strings.Contains(a.Value, `uri="example.org:443"`) {
			t.Errorf("%+v, %v", a, err)
		}
	})
}

func TestVerify(t *testing.T) {
	s := NewSession(choose(t, `Digest realm="r", nonce="n", qop=auth`), "u", "p")
	a, err := s.answer("GET", "/", nil, 1, "c")
	if err != nil {
		t.Fatal(err)
	}
	o := s.Offer()
	good := o.sum(o.sum("u", "r", "p"), "n", "00000001", "c", "auth", o.sum("", "/"))
	for name, test := range map[string]struct {
		info string
		ok   bool
	}{
		"right":          {`qop=auth, rspauth="` + good + `", cnonce="c", nc=00000001`, true},
		"short":          {`rspauth="` + good + `"`, true},
		"nothing":        {"", false},
		"another digest": {`rspauth="` + strings.Repeat("0", 32) + `"`, false},
		"another cnonce": {`rspauth="` + good + `", cnonce="d"`, false},
		"another count":  {`rspauth="` + good + `", nc=00000002`, false},
		"auth-int":       {`rspauth="` + good + `", qop=auth-int`, false},
	} {
		if err := a.Verify(ParseInfo([]string{test.info})); (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
