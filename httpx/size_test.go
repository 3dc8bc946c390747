package httpx

import (
	"testing"
	"unsafe"
)

// Every request makes one of each, and the garbage collector rounds up: one byte
// above these costs 32 or more (sizes with pointers of 64 bits).
func TestSizes(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		return
	}
	for _, tt := range []struct {
		name       string
		size, most uintptr
	}{
		{"Response", unsafe.Sizeof(Response{}), 448},
		{"Request", unsafe.Sizeof(Request{}), 288},
		{"URL", unsafe.Sizeof(URL{}), 112},
	} {
		if tt.size > tt.most {
			t.Errorf("a %s has %d bytes, want at most %d", tt.name, tt.size, tt.most)
		}
	}
}
