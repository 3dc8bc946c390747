package grammar

import (
	"strings"
	"testing"
)

func TestTrim(t *testing.T) {
	for in, want := range map[string]string{
		"": "", " ": "", "\t \t": "", "a": "a", " a": "a", "a\t": "a", "\t a b \t": "a b",
		"\u00a0a": "\u00a0a", "\r\na\v": "\r\na\v",
	} {
		if got := Trim(in); got != want || got != strings.Trim(in, " \t") {
			t.Errorf("%q: got %q", in, got)
		}
	}
}

func TestHasToken(t *testing.T) {
	for _, tt := range []struct {
		list string
		want bool
	}{
		{"", false},
		{"close", true},
		{"CLOSE", true},
		{" \tclose\t ", true},
		{"a,close", true},
		{"close ,a", true},
		{",,close,", true},
		{"closes", false},
		{"close;a", false},
		{"clo,se", false},
		{"\"close\"", false},
		{"clo\u017fe", false},
		{"close\v", false},
	} {
		if got := HasToken(tt.list, "close"); got != tt.want {
			t.Errorf("%q: got %v", tt.list, got)
		}
	}
}

func TestContentLength(t *testing.T) {
	for _, tt := range []struct {
		s    string
		want int64
		ok   bool
	}{
		{"0", 0, true},
		{"9", 9, true},
		{"10", 10, true},
		{"9223372036854775807", 1<<63 - 1, true},
		{strings.Repeat("0", 99) + "7", 7, true},
		{"9223372036854775808", 0, false},
		{"9223372036854775810", 0, false},
		{"18446744073709551626", 0, false},
		{strings.Repeat("9", 99), 0, false},
		{"", 0, false},
		{"+1", 0, false},
		{"-1", 0, false},
		{" 1", 0, false},
		{"1 ", 0, false},
		{"1/", 0, false},
		{"1:", 0, false},
		{"1,1", 0, false},
		{"0x1", 0, false},
		{"1_0", 0, false},
		{"\u0661", 0, false},
	} {
		if n, ok := ContentLength(tt.s); n != tt.want || ok != tt.ok {
			t.Errorf("%q: got %d, %v", tt.s, n, ok)
		}
	}
}

func TestBytes(t *testing.T) {
	for c := range 256 {
		s := string([]byte{byte(c)})
		if got, want := IsDigit(byte(c)), strings.Contains("0123456789", s); got != want {
			t.Errorf("%q is a digit: %v", s, got)
		}
		if got, want := HasControl("a"+s), c < 0x20 || c == 0x7f; got != want {
			t.Errorf("%q is a control byte: %v", s, got)
		}
		token := strings.Contains("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", s)
		if got, want := BadTokenByte("ab"+s), 2; token == (got == want) {
			t.Errorf("%q in a token: %d", s, got)
		}
	}
	if HasControl("") || BadTokenByte("") != 0 || BadTokenByte("a") != -1 {
		t.Error("the empty string, or a token of one byte")
	}
}

func TestByteName(t *testing.T) {
	for c, want := range map[byte]string{
		'\r': "CR", '\n': "LF", '\t': "HTAB", ' ': "SP", 0: "NUL",
		'a': "'a'", '\'': `'\''`, '~': "'~'", 0x7f: "byte 0x7f", 0x80: "byte 0x80", 0x0b: "byte 0x0b", 0xff: "byte 0xff",
	} {
		if got := ByteName(c); got != want {
			t.Errorf("0x%02x: got %s", c, got)
		}
	}
}

func TestSchemes(t *testing.T) {
	for _, tt := range []struct {
		s      string
		scheme bool
		length int // of the one it starts with
	}{
		{"", false, 0},
		{"http", true, 0},
		{"https", true, 0},
		{"HTTP", true, 0},
		{"a", true, 0},
		{"Z", true, 0},
		{"a1+-.z", true, 0},
		{"1a", false, 0},
		{"+a", false, 0},
		{"-a", false, 0},
		{".a", false, 0},
		{"a_b", false, 0},
		{"a b", false, 0},
		{"@", false, 0},
		{"[", false, 0},
		{"`", false, 0},
		{"{", false, 0},
		{"\u0131", false, 0},
		{":", false, 0},
		{"::", false, 0},
		{"1:", false, 0},
		{"http:", false, 4},
		{"a:b:c", false, 1},
		{"x-y://h", false, 3},
		{"a/b:c", false, 0},
	} {
		if got := IsScheme(tt.s); got != tt.scheme {
			t.Errorf("%q is a scheme: %v", tt.s, got)
		}
		if got := SchemeLen(tt.s); got != tt.length {
			t.Errorf("%q starts with a scheme of %d bytes", tt.s, got)
		}
	}
}
