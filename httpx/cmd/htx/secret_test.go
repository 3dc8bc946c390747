package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
)

// withStdin makes r standard input until the test ends.
func withStdin(t *testing.T, r *os.File) {
	was := os.Stdin
	os.Stdin = r
	t.Cleanup(func() { os.Stdin = was })
}

func TestSecretsFromAPipe(t *testing.T) {
	t.Run("A25.4 interrupted while the pipe is silent", func(t *testing.T) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		defer w.Close() // ends the read that is left behind
		withStdin(t, r)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var out, errs bytes.Buffer
		code := run(ctx, []string{"http://127.0.0.1:1/", "--bearer", "-", "--exit-codes"}, &console{out: &out, err: &errs})
		if code != 130 || !strings.Contains(errs.String(), "htx: the token was not entered") {
			t.Errorf("exit code %d: %s", code, &errs)
		}
	})
	t.Run("A25.4 a pipe that ends", func(t *testing.T) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		w.Close()
		withStdin(t, r)
		if r := htx(t, "http://127.0.0.1:1/", "--auth", "ann", "-"); r.code != exitFailed || r.err != "htx: standard input ended before the password of ann\n" {
			t.Error(r)
		}
	})
}
