package digest

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseChallenges(t *testing.T) {
	p := func(kv ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i]] = kv[i+1]
		}
		return m
	}
	for name, test := range map[string]struct {
		in   []string
		want []Challenge
	}{
		"nothing":          {nil, nil},
		"empty":            {[]string{""}, nil},
		"commas only":      {[]string{" ,\t, ,"}, nil},
		"scheme alone":     {[]string{"Negotiate"}, []Challenge{{Scheme: "Negotiate"}}},
		"two schemes":      {[]string{"Negotiate, NTLM"}, []Challenge{{Scheme: "Negotiate"}, {Scheme: "NTLM"}}},
		"blank at the end": {[]string{"Negotiate "}, []Challenge{{Scheme: "Negotiate"}}},
		"token68":          {[]string{"Negotiate abc-._~+/09=="}, []Challenge{{Scheme: "Negotiate", Token68: "abc-._~+/09=="}}},
		"token68 and another": {
			[]string{"Negotiate YQ==, Basic realm=x"},
			[]Challenge{{Scheme: "Negotiate", Token68: "YQ=="}, {Scheme: "Basic", Params: p("realm", "x")}},
		},
		"token68 with one letter": {[]string{"X a,Y b=c"}, []Challenge{{Scheme: "X", Token68: "a"}, {Scheme: "Y", Params: p("b", "c")}}},
		// RFC 9110 §11.6.1's own example.
		"two in one field": {
			[]string{`Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\""`},
			[]Challenge{{Scheme: "Basic", Params: p("realm", "simple")}, {Scheme: "Newauth", Params: p("realm", "apps", "type", "1", "title", `Login to "apps"`)}},
		},
		"several fields": {
			[]string{`Basic realm="a"`, `Digest realm="b", nonce="c"`},
			[]Challenge{{Scheme: "Basic", Params: p("realm", "a")}, {Scheme: "Digest", Params: p("realm", "b", "nonce", "c")}},
		},
		"split over two fields":          {[]string{`Digest realm="b"`, `nonce="c"`}, []Challenge{{Scheme: "Digest", Params: p("realm", "b", "nonce", "c")}}},
		"comma between scheme and param": {[]string{`Basic , realm="a"`}, []Challenge{{Scheme: "Basic", Params: p("realm", "a")}}},
		"empty elements":                 {[]string{`, Basic realm="a",, charset="UTF-8", ,`}, []Challenge{{Scheme: "Basic", Params: p("realm", "a", "charset", "UTF-8")}}},
		"blanks around =":                {[]string{"Basic realm \t= \"a\""}, []Challenge{{Scheme: "Basic", Params: p("realm", "a")}}},
		"several blanks":                 {[]string{"Basic \t realm=a"}, []Challenge{{Scheme: "Basic", Params: p("realm", "a")}}},
		"upper-case name":                {[]string{"BASIC REALM=a"}, []Challenge{{Scheme: "BASIC", Params: p("realm", "a")}}},
		"name twice":                     {[]string{"Basic realm=a, Realm=b"}, []Challenge{{Scheme: "Basic", Params: p("realm", "a")}}},
		"comma in quotes":                {[]string{`Basic realm="a, Digest b=c"`}, []Challenge{{Scheme: "Basic", Params: p("realm", "a, Digest b=c")}}},
		"escaped backslash":              {[]string{`Basic realm="a\\"`}, []Challenge{{Scheme: "Basic", Params: p("realm", `a\`)}}},
		"needless escape":                {[]string{`Basic realm="\a\b"`}, []Challenge{{Scheme: "Basic", Params: p("realm", "ab")}}},
		"empty quotes":                   {[]string{`Basic realm=""`}, []Challenge{{Scheme: "Basic", Params: p("realm", "")}}},
		"not ASCII in quotes":            {[]string{"Basic realm=\"\xe4\""}, []Challenge{{Scheme: "Basic", Params: p("realm", "\xe4")}}},
		"base64 without quotes":          {[]string{"Digest nonce=a/b==, x=1"}, []Challenge{{Scheme: "Digest", Params: p("nonce", "a/b==", "x", "1")}}},

		// What breaks the grammar is left out, and its neighbours stay.
		"quote not closed":          {[]string{`Basic realm="a`, `Digest a=b`}, []Challenge{{Scheme: "Digest", Params: p("a", "b")}}},
		"backslash at the end":      {[]string{`Basic realm="a\`}, nil},
		"control byte in quotes":    {[]string{"Basic realm=\"a\x01\", X a=b"}, nil},
		"bytes behind quotes":       {[]string{`Basic realm="a"b, X a=b`}, []Challenge{{Scheme: "X", Params: p("a", "b")}}},
		"blank in an unquoted one":  {[]string{`Basic realm=My Site, X a=b`}, []Challenge{{Scheme: "X", Params: p("a", "b")}}},
		"no comma between params":   {[]string{`Basic a="b" c="d", X`}, []Challenge{{Scheme: "X"}}},
		"no value":                  {[]string{`Basic a=b, realm=, X a=b`}, []Challenge{{Scheme: "X", Params: p("a", "b")}}},
		"no scheme":                 {[]string{`realm="a", X a=b`}, []Challenge{{Scheme: "X", Params: p("a", "b")}}},
		"no token":                  {[]string{`@@, X a=b`}, []Challenge{{Scheme: "X", Params: p("a", "b")}}},
		"quotes for a scheme":       {[]string{`"Basic, Digest", X a=b`}, []Challenge{{Scheme: "X", Params: p("a", "b")}}},
		"no blank after the scheme": {[]string{`Basic/realm=a, X a=b`}, []Challenge{{Scheme: "X", Params: p("a", "b")}}},
		"two schemes, no comma":     {[]string{`Basic Digest a=b, X a=b`}, []Challenge{{Scheme: "X", Params: p("a", "b")}}},
		"params after token68":      {[]string{`N abc, a=b, X a=b`}, []Challenge{{Scheme: "X", Params: p("a", "b")}}},
		"the rest of a broken one":  {[]string{`Digest nonce="a"b, realm="c", X`}, []Challenge{{Scheme: "X"}}},
		"comma in a broken one":     {[]string{`Digest nonce="a"b "c, d", X`}, []Challenge{{Scheme: "X"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ParseChallenges(test.in); len(got)+len(test.want) > 0 && !reflect.DeepEqual(got, test.want) {
				t.Errorf("%q:\n%+v, want\n%+v", test.in, got, test.want)
			}
			// What follows in another field changes nothing, unless it continues
			// the list.
			got := ParseChallenges(append(test.in[:len(test.in):len(test.in)], "Last"))
			if want := append(test.want[:len(test.want):len(test.want)], Challenge{Scheme: "Last"}); !reflect.DeepEqual(got, want) {
				t.Errorf("with another field:\n%+v, want\n%+v", got, want)
			}
			for _, v := range test.in { // no start of it may panic
				for i := range v {
					ParseChallenges([]string{v[:i]})
				}
			}
		})
	}
}

func TestParseInfo(t *testing.T) {
	for in, want := range map[string]map[string]string{
		"":                                  nil,
		`nextnonce="a, b", NC=00000001`:     {"nextnonce": "a, b", "nc": "00000001"},
		`, qop=auth ,, rspauth="x" ,`:       {"qop": "auth", "rspauth": "x"},
		`a="b"c, d=e`:                       {"d": "e"},
		`a, d=e, f="`:                       {"d": "e"},
		`"a=b", d=e`:                        {"d": "e"},
		strings.Repeat("a=b,", 3) + "a = c": {"a": "b"},
	} {
		if got := ParseInfo([]string{in}); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}
