package h1_test

import (
	"runtime"
	"strconv"
	"testing"

	"gohttpx.dev/internal/memconn"
)

func yield() { runtime.Gosched() }

// eventually waits for what another goroutine is about to do.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for range 10_000_000 {
		if ok() {
			return
		}
		runtime.Gosched()
	}
	t.Fatalf("never: %s", what)
}

// arrivedBytes is how many bytes the end has read.
func arrivedBytes(nc any) int { return int(nc.(*memconn.Conn).Counts().BytesRead) }

func itoa(n int) string { return strconv.Itoa(n) }

func goroutines() int { return runtime.NumGoroutine() }
