package main

import (
	"fmt"
	"io"
	"os"

	"gohttpx.dev/httpx"
)

// download writes the content to a file, which has its name only once it is
// whole: until then it is FILE.part, and after a failure it is gone. What is no
// regular file, a device or a pipe, is written as it is. An answer that is not
// 2xx is not what was wanted and is not written.
func (c *console) download(r *httpx.Response, name string) error {
	if !r.IsSuccess() {
		return fmt.Errorf("%s %s: %s; nothing was written to %s", r.Request.Method, r.URL.Redacted(), r.Status(), name)
	}
	target := name + ".part"
	st, err := os.Stat(name)
	if special := err == nil && !st.Mode().IsRegular(); special {
		if st.IsDir() {
			return fmt.Errorf("%s is a directory", name)
		}
		target = name
	}
	f, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	p := newProgress(c.err, c.errTerminal, r.ContentLength())
	_, err = io.Copy(io.MultiWriter(f, p), r.Body)
	p.finish()
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if target == name {
		return err
	}
	if err == nil {
		err = os.Rename(target, name)
	}
	if err != nil {
		os.Remove(target)
		return err
	}
	fmt.Fprintf(c.err, "  %s\n", name)
	return nil
}
