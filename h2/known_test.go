package h2

import (
	"strings"
	"testing"

	"gohttpx.dev/internal/grammar"
	"gohttpx.dev/wire"
)

// What is known of a name is what is found out by looking at it.
func TestKnownNames(t *testing.T) {
	names := strings.Fields(requestNames + " " + responseNames)
	for _, name := range names {
		for _, name := range []string{name, strings.ToLower(name), strings.ToUpper(name), name + "x", name[1:]} {
			k := known.find(name)
			if k == nil {
				continue
			}
			if k.name != name || k.lower != lowerName(name) || k.kind != kindOf(name) || k.secret != isSecret(name) || grammar.BadTokenByte(name) >= 0 {
				t.Errorf("%q: %+v", name, *k)
			}
			for _, value := range []string{"", "short", strings.Repeat("v", 30), "a\nb"} {
				for _, sensitive := range []bool{false, true} {
					f := &wire.Field{Name: name, Value: value, Sensitive: sensitive}
					if isSensitive(k, f) != isSensitive(nil, f) || (checkField(k, f) == nil) != (checkField(nil, f) == nil) {
						t.Errorf("%q: %q: another verdict", name, value)
					}
				}
			}
		}
		if known.find(name) == nil || known.find(strings.ToLower(name)) == nil {
			t.Errorf("%q is not found", name)
		}
	}
	for _, name := range []string{"", ":", ":path", "x", "X-Unknown", "user-agenT", "accept ", "Accept\x00", strings.Repeat("a", 1000)} {
		if known.find(name) != nil {
			t.Errorf("%q is known", name)
		}
	}
	if n := len(known.list); n > len(known.places)/2 || n > 255 {
		t.Errorf("%d names are too many", n)
	}
}
