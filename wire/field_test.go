package wire

import (
	"slices"
	"testing"
)

func TestFieldsKeepOrderCaseAndDuplicates(t *testing.T) {
	var f Fields
	f.Add("B", "1")
	f.Add("a", "2")
	f.Add("b", "3")
	if got := f.Values("B"); !slices.Equal(got, []string{"1", "3"}) {
		t.Errorf("Values folds case and keeps order: got %q", got)
	}
	if f.Get("A") != "2" || f.Get("c") != "" || f.Has("c") || !f.Has("A") {
		t.Errorf("Get and Has fold case: %v", f)
	}
	c := f.Clone()
	f.Set("b", "4")
	if want := (Fields{{Name: "b", Value: "4"}, {Name: "a", Value: "2"}}); !slices.Equal(f, want) {
		t.Errorf("Set keeps the first place and removes the rest: %v", f)
	}
	f.Set("new", "5")
	f.Del("A")
	if want := (Fields{{Name: "b", Value: "4"}, {Name: "new", Value: "5"}}); !slices.Equal(f, want) {
		t.Errorf("Set appends what is missing, Del removes: %v", f)
	}
	if len(c) != 3 || c[0].Value != "1" || c[2].Value != "3" {
		t.Errorf("a clone shares nothing: %v", c)
	}
	if Fields(nil).Clone() != nil {
		t.Error("the clone of nil is nil")
	}
}

func TestDelReleasesStrings(t *testing.T) {
	f := Fields{{Name: "a", Value: "x"}, {Name: "b", Value: "y"}}
	f.Del("a")
	if tail := f[:2][1]; tail != (Field{}) {
		t.Errorf("a deleted field still holds its strings: %v", tail)
	}
}

func TestEqualFoldIsASCII(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"", "", true},
		{"Host", "hOST", true},
		{"Host", "Hosts", false},
		{"K", "\u212a", false},
		{"@", "`", false},
		{"[", "{", false},
		{"\u00e9", "\u00c9", false},
	} {
		if got := EqualFold(tt.a, tt.b); got != tt.want {
			t.Errorf("EqualFold(%q, %q) = %v", tt.a, tt.b, got)
		}
	}
}

// RFC 9110 §5.6.2: tchar is any VCHAR except delimiters.
// RFC 9110 §5.5: a field value holds VCHAR, obs-text, SP and HTAB.
func TestByteClasses(t *testing.T) {
	const delimiters = "\"(),/:;<=>?@[\\]{}"
	for c := range 256 {
		b := byte(c)
		vchar := b > 0x20 && b < 0x7f
		token := vchar && !slices.Contains([]byte(delimiters), b)
		if IsTokenByte(b) != token || IsToken(string([]byte{b})) != token {
			t.Errorf("0x%02x is a tchar: %v", b, !token)
		}
		value := vchar || b >= 0x80 || b == ' ' || b == '\t'
		if IsValueByte(b) != value || IsFieldValue(string([]byte{'x', b})) != value {
			t.Errorf("0x%02x may stand in a value: %v", b, !value)
		}
	}
	if IsToken("") || !IsFieldValue("") {
		t.Error("an empty token is none, an empty value is one")
	}
}

func TestRequestRepetition(t *testing.T) {
	for method, want := range map[string]bool{"": true, "GET": true, "HEAD": true, "PUT": true, "DELETE": true, "OPTIONS": true, "TRACE": true, "POST": false, "PATCH": false, "get": false, "CONNECT": false} {
		if got := (&Request{Method: method}).CanRepeat(); got != want {
			t.Errorf("CanRepeat of %q = %v", method, got)
		}
	}
	if !(&Request{Method: "POST", Idempotent: true}).CanRepeat() {
		t.Error("Idempotent makes a POST repeatable")
	}
}

func TestLimit(t *testing.T) {
	if Limit(0) != DefaultTimeout || Limit(Never) != 0 || Limit(-5) != 0 || Limit(7) != 7 {
		t.Error("zero is the default, negative is off, positive is itself")
	}
}

func TestAnomaliesAreNamed(t *testing.T) {
	if 1<<(len(anomalyNames)-1) != ChunkSpace {
		t.Error("every bit has its name")
	}
	if got := (ObsFold | ControlByte).String(); got != "obs-fold, control byte in field value" {
		t.Errorf("got %q", got)
	}
}
