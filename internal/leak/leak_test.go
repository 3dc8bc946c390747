package leak

import (
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
	if s := leftAfter(10 * time.Millisecond); !strings.Contains(s, "leak.blocked") {
		t.Errorf("a blocked goroutine is not seen in:\n%s", s)
	}
	close(ch)
	<-done
	if s := leftAfter(10 * time.Millisecond); strings.Contains(s, "leak.blocked") {
		t.Errorf("a goroutine that has ended is seen in:\n%s", s)
	}
}
