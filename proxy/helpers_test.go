package proxy_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/proxy"
	"gohttpx.dev/wire"
)

// secret is the password of every test. It must be in no error.
const secret = "pass-S3CRET-word"

// bubble plays a proxy to do, on a fake clock. The script runs on a goroutine of
// its own; both are over when bubble returns, and so is every goroutine that do
// has left behind, or synctest says so.
func bubble(t *testing.T, play func(p *peer.Script), do func(ctx context.Context, cancel context.CancelCauseFunc, nc *memconn.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		nc, p := peer.H1(t)
		ctx, cancel := context.WithCancelCause(context.Background())
		defer cancel(nil)
		done := make(chan struct{})
		p.Go(func() {
			defer close(done)
			play(p)
		})
		do(ctx, cancel, nc)
		<-done
	})
}

// want checks the one error type, its kind and what its text has and has not.
func want(t *testing.T, err error, kind wire.Kind, remote bool, step proxy.Step, text string) *proxy.Error {
	t.Helper()
	var w *wire.Error
	var e *proxy.Error
	if !errors.As(err, &w) || !errors.As(err, &e) || e.Err == nil {
		t.Fatalf("error %#v", err)
	}
	if w.Phase != wire.PhaseProxy || w.Kind != kind || w.Remote != remote || w.Sent {
		t.Errorf("phase %v, kind %d, remote %v, sent %v of: %v", w.Phase, w.Kind, w.Remote, w.Sent, err)
	}
	if e.Step != step {
		t.Errorf("step %q, want %q: %v", e.Step, step, err)
	}
	if !strings.Contains(err.Error(), text) {
		t.Errorf("%v\nhas no %q", err, text)
	}
	harmless(t, err)
	return e
}

// harmless fails if the error tells a credential.
func harmless(t *testing.T, err error) {
	t.Helper()
	for _, s := range []string{secret, basicOf(t)[len("Basic "):]} {
		if strings.Contains(err.Error(), s) {
			t.Errorf("a credential is shown: %v", err)
		}
	}
}

func basicOf(t *testing.T) string {
	t.Helper()
	v, err := proxy.Basic("joe", secret)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// closed fails unless the owner of nc has closed it.
func closed(t *testing.T, nc *memconn.Conn) {
	t.Helper()
	if !nc.Closed() {
		t.Error("the connection is left open")
	}
}

// pingPong uses the tunnel in both directions; the script answers by pong.
func pingPong(t *testing.T, nc net.Conn) {
	t.Helper()
	if _, err := io.WriteString(nc, "ping"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4)
	if _, err := io.ReadFull(nc, b); err != nil || string(b) != "pong" {
		t.Fatalf("%q, %v", b, err)
	}
}

func pong(p *peer.Script) {
	p.WantBytes("ping", "the tunnel carries what the client sends")
	p.Send("pong")
}
