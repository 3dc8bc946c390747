//go:build unix

package httpx_test

import (
	"context"
	"errors"
	"path/filepath"
	"syscall"
	"testing"

	"gohttpx.dev/httpx"
)

func TestNamedPipeIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := newClient(t).Post(context.Background(), "http://127.0.0.1:1/", httpx.File(path))
	if !errors.Is(err, httpx.ErrRequestBody) {
		t.Errorf("%v", err)
	}
}
