package httpx

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// SaveOption configures SaveToFile.
type SaveOption interface{ applySave(*saving) }

type saving struct {
	sync     bool
	progress func(done, total int64)
}

type saveOption func(*saving)

func (o saveOption) applySave(s *saving) { o(s) }

// SyncFile makes SaveToFile wait until the file and its name are on the disk.
func SyncFile() SaveOption { return saveOption(func(s *saving) { s.sync = true }) }

// SaveToFile writes the content to the file path and returns its length in
// bytes. It writes to another name in the same directory, ".name.*.part", and
// renames at the end: whoever opens path sees all of the old content or all of
// the new. After a failure, a cancelled context and a panic in a callback too,
// nothing new is left under either name, and what was at path is untouched.
//
// A new file has the mode 0644 less the umask. What is at path must be a
// regular file or a symbolic link, which is replaced itself. A response that has
// an Err is not saved: the error is that *StatusError. SaveToFile closes the
// response in all cases. An error of the file system is a *fs.PathError within
// the *Error.
func (r *Response) SaveToFile(path string, opts ...SaveOption) (int64, error) {
	defer r.Close()
	if err := r.Err(); err != nil {
		r.start64()
		return 0, err
	}
	var s saving
	for _, o := range opts {
		if o == nil {
			return 0, r.failed("save", errNilOption)
		}
		o.applySave(&s)
	}
	if s.progress != nil {
		r.progress = s.progress
	}
	n, err := r.save(path, s.sync)
	if err != nil {
		if e, ok := err.(*Error); ok { // the body's
			return n, e
		}
		return n, r.failed("save", err)
	}
	if r.buffered && r.progress != nil {
		r.progress(n, n)
	}
	return n, nil
}

func (r *Response) save(path string, sync bool) (n int64, err error) {
	switch st, err := os.Lstat(path); {
	case path == "":
		return 0, &fs.PathError{Op: "save", Path: path, Err: fs.ErrInvalid}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return 0, err
	case err == nil && st.IsDir():
		return 0, &fs.PathError{Op: "save", Path: path, Err: errors.New("it is a directory: add a file name, perhaps Response.Filename")}
	case err == nil && st.Mode()&fs.ModeSymlink == 0 && !st.Mode().IsRegular():
		return 0, &fs.PathError{Op: "save", Path: path, Err: fmt.Errorf("it is no regular file (%v): copy Body to it instead", st.Mode().Type())}
	}
	f, err := createBeside(path)
	if err != nil {
		return 0, err
	}
	kept := false
	defer func() {
		if !kept {
			f.Close() // Windows removes no open file
			os.Remove(f.Name())
		}
	}()
	// Without the wrapper the file would read by itself, in smaller pieces.
	n, err = io.CopyBuffer(struct{ io.Writer }{f}, struct{ io.Reader }{r.contents()}, make([]byte, 64<<10))
	if err != nil {
		return n, err
	}
	if sync {
		if err := f.Sync(); err != nil {
			return n, err
		}
	}
	if err := f.Close(); err != nil {
		return n, err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return n, err
	}
	kept = true
	if sync {
		syncDir(filepath.Dir(path))
	}
	return n, nil
}

// createBeside makes a new file in the directory of path.
func createBeside(path string) (*os.File, error) {
	dir, name := filepath.Split(path)
	if len(name) > 200 {
		name = name[:200] // with what is added it must be a name still
	}
	for i := 0; ; i++ {
		var b [6]byte
		rand.Read(b[:]) // never fails
		f, err := os.OpenFile(dir+"."+name+"."+hex.EncodeToString(b[:])+".part", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err == nil || !errors.Is(err, fs.ErrExist) || i == 100 {
			return f, err
		}
	}
}

// syncDir puts a rename on the disk where the system can do so. Windows cannot,
// and some file systems will not.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		d.Close()
	}
}
