package httpx_test

import (
	"os"
	"strings"
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
	case "idle":
		serveIdle()
		return
	}
	// What the machine's environment says of proxies is not what is tested.
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE", "NETRC"} {
		os.Unsetenv(name)
		os.Unsetenv(strings.ToLower(name))
	}
	os.Exit(leak.Main(m))
}
