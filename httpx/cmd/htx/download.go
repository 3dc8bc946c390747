package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"gohttpx.dev/httpx"
)

// download writes the content to a file, which has its name only once it is
// whole; after a failure or an interrupt nothing is left. What is no regular
// file, a device or a pipe, is written to as it is. An answer that is not 2xx is
// not what was wanted and is not written.
func (c *console) download(r *httpx.Response, name string) error {
	switch {
	case r.IsSuccess():
	case r.HasRedirectLocation():
		return fmt.Errorf("%s: %s; %w to %s", r.Request, r.Status(), errRedirected, name)
	default:
		return fmt.Errorf("%s: %s; %w to %s", r.Request, r.Status(), errNotWritten, name)
	}
	p := newProgress(c.err, c.barColumns(c.errTerminal), r.ContentLength())
	defer p.clear()
	st, err := os.Stat(name)
	if special := err == nil && !st.Mode().IsRegular() && !st.IsDir(); special {
		err = writeTo(name, r.Body, p)
	} else {
		_, err = r.SaveToFile(name, httpx.WithProgress(func(done, _ int64) { p.set(done) }))
	}
	if err != nil {
		return err
	}
	p.finish()
	fmt.Fprintf(c.err, "  %s\n", tame(name))
	return nil
}

// checkTarget finds what would keep a download from being written, before
// anything is asked for.
func checkTarget(name string) error {
	if st, err := os.Stat(name); err == nil && st.IsDir() {
		return fmt.Errorf("%w: %s is a folder: add the name of a file", errNotWritten, name)
	}
	dir := filepath.Dir(name)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: there is no folder %s", errNotWritten, dir)
	}
	return nil
}

// writeTo writes to a file that is there already.
func writeTo(name string, r io.Reader, p *progress) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotWritten, err)
	}
	_, err = io.Copy(io.MultiWriter(&sink{w: f}, p), r)
	if closeErr := f.Close(); err == nil && closeErr != nil {
		err = fmt.Errorf("%w: %w", errNotWritten, closeErr)
	}
	return err
}
