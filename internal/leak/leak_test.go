package leak

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

func blocked(ch chan struct{}) { <-ch }

func TestLeft(t *testing.T) {
	ch := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		blocked(ch)
	}()
	// It may not have begun, and not be gone yet: that takes what it takes.
	seen := func(want bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; runtime.Gosched() {
			s := leftAfter(0)
			if strings.Contains(s, "leak.blocked") == want {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("a goroutine is seen: not %t in:\n%s", want, s)
			}
		}
	}
	seen(true)
	close(ch)
	<-done
	seen(false)
}
