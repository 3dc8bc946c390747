package httpx_test

import (
	"os"
	"testing"

	"gohttpx.dev/internal/leak"
)

// TestMain serves as a server when the binary runs itself, and otherwise checks
// that the tests leave no goroutine of ours behind.
func TestMain(m *testing.M) {
	switch os.Getenv("HTTPX_TEST_SERVER") {
	case "stress":
		serveStress()
		return
	case "client":
		serveClientStress()
		return
	case "bulk":
		serveBulk()
		return
	}
	os.Exit(leak.Main(m))
}
