package wire

import "testing"

func TestAuthority(t *testing.T) {
	for _, tt := range []struct {
		in   string
		bad  int
		port bool
	}{
		{"example.org", -1, false},
		{"example.org:80", -1, true},
		{"example.org:", -1, false},
		{"example.org:0", -1, false},
		{"example.org:65536", -1, false},
		{"[::1]", -1, false},
		{"[::1]:8080", -1, true},
		{"", 0, false},
		{":80", 0, true},
		{"a b", 1, false},
		{"user@host", 4, false},
		{"a:8x", 3, false},
		{"[]", 1, false},
		{"[::1", 0, false},
		{"[::1]x", 5, false},
		{"a\r\n", 1, false},
	} {
		if got := BadAuthority(tt.in); got != tt.bad {
			t.Errorf("BadAuthority(%q) = %d, want %d", tt.in, got, tt.bad)
		}
		if tt.bad < 0 && HasPort(tt.in) != tt.port {
			t.Errorf("HasPort(%q) = %v", tt.in, !tt.port)
		}
	}
}
