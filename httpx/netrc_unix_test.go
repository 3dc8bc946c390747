//go:build unix

package httpx_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gohttpx.dev/httpx"
)

func TestNetRCPipe(t *testing.T) {
	t.Run("A12.8 a named pipe is not waited for", func(t *testing.T) {
		pipe := filepath.Join(t.TempDir(), "netrc")
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := asked(t, httpx.NetRC(pipe), "http://h/"); err == nil || !strings.Contains(err.Error(), "regular file") {
			t.Error(err)
		}
	})
}
