package fuzz_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"gohttpx.dev/httpx"
	"gohttpx.dev/wire"
)

// FuzzChallenges reads challenges, writes what it understood and reads that. A
// line feed in the input divides fields.
func FuzzChallenges(f *testing.F) {
	for _, s := range []string{
		`Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\""`,
		"Digest realm=\"a\\\\b\", nonce=x==, qop=\"auth,auth-int\", stale=TRUE\nDigest realm=\"b\"\n, algorithm=SHA-256,, domain = \"/a /b\"",
		"Negotiate YQ==, NTLM\tx, Bearer", "a b c, d=\"e\"f, g h=\"", " ,\t,Basic , =, x=\"\\", "X\ta=\xff\"\x7f\"",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		fields := strings.Split(in, "\n")
		got := httpx.ParseChallenges(fields)
		size := 0
		var one []string // all in one field
		var many []string
		for _, c := range got {
			size += len(c.Scheme) + len(c.Token68)
			if !wire.IsToken(c.Scheme) || c.Token68 != "" && c.Params != nil {
				t.Fatalf("%q: %+v", in, c)
			}
			text := c.Scheme
			if c.Token68 != "" {
				text += " " + c.Token68
			}
			var params []string
			for name, value := range c.Params {
				size += len(name) + len(value)
				if !wire.IsToken(name) || strings.ToLower(name) != name || !wire.IsFieldValue(value) {
					t.Fatalf("%q: %q=%q", in, name, value)
				}
				params = append(params, name+` = "`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value)+`"`)
			}
			slices.Sort(params)
			if params != nil {
				text += " " + strings.Join(params, " ,, ")
			}
			one = append(one, text)
			many = append(many, text)
		}
		if size > len(in) {
			t.Fatalf("%q: %d bytes of challenges", in, size)
		}
		for _, again := range [][]string{{strings.Join(one, ", ")}, many} {
			if back := httpx.ParseChallenges(again); !reflect.DeepEqual(back, got) {
				t.Fatalf("%q:\n%+v\nwritten as %q:\n%+v", in, got, again, back)
			}
		}
		// A challenge behind it is found whenever the field before is whole.
		if back := httpx.ParseChallenges(append(fields, `Last a="b"`)); len(back) == 0 || back[len(back)-1].Scheme != "Last" {
			t.Fatalf("%q: the last is missing: %+v", in, back)
		}
	})
}
