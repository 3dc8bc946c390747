package main

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"gohttpx.dev/httpx"
)

// errUpload is what a body of ours fails with.
var errUpload = errors.New("soak: this body fails")

// openBodies counts those that the client has opened and not closed.
var openBodies atomic.Int64

// upload is the body of one request.
type upload struct {
	kind    string // "" is none
	content []byte
	once    bool // it can be sent only once
	fails   bool // it fails in the middle, or ends too early
	slow    bool
}

var uploadKinds = []string{"bytes", "bytes", "string", "reader", "closer", "seeker", "func", "sized", "form", "failing", "short"}

func (o *operation) drawUpload() upload {
	u := upload{kind: uploadKinds[o.rnd.IntN(len(uploadKinds))], slow: o.oneIn(8)}
	u.content = filler{id: o.id, size: []int{0, 1, 1000, 20_000, 200_000}[o.rnd.IntN(5)]}.bytes()
	switch u.kind {
	case "reader", "closer":
		u.once = true
	case "failing", "short":
		u.content = append(u.content, 'x') // there is something to be missed
		u.fails = true
		if o.rnd.IntN(3) > 0 {
			u.kind, u.fails = "sized", false
		}
	}
	return u
}

// option makes the body. The server names a form by the content of its file.
func (u *upload) option(o *operation) httpx.RequestOption {
	open := func() (io.ReadCloser, error) {
		b := &uploadBody{Reader: bytes.NewReader(u.content), o: o, upload: u}
		b.open()
		return b, nil
	}
	n := int64(len(u.content))
	switch u.kind {
	case "bytes":
		return httpx.Bytes(u.content)
	case "string":
		return httpx.String(string(u.content))
	case "reader": // of unknown length
		return httpx.Reader(struct{ io.Reader }{&uploadBody{Reader: bytes.NewReader(u.content), o: o, upload: u}})
	case "closer":
		// Nobody's to close before it is sent, which a fan-out may not come to.
		return httpx.Reader(&uploadBody{Reader: bytes.NewReader(u.content), o: o, upload: u})
	case "seeker":
		return httpx.ReadSeeker(bytes.NewReader(u.content))
	case "func":
		return httpx.BodyFunc(open)
	case "form":
		return httpx.Multipart(httpx.Part{Name: "file", Filename: "f.bin", ContentType: "application/octet-stream", Body: httpx.SizedBodyFunc(n, open)})
	case "short":
		n++
	}
	return httpx.SizedBodyFunc(n, open)
}

// release changes a body in memory: it is the caller's again when the call is
// over, and the race detector sees who still reads it.
func (u *upload) release() {
	if u.kind == "bytes" {
		clear(u.content)
	}
}

// uploadBody is one sending of a body.
type uploadBody struct {
	*bytes.Reader
	o      *operation
	upload *upload

	mu     sync.Mutex
	opened bool // guarded by mu
	closed bool // guarded by mu
}

func (b *uploadBody) open() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.opened && !b.closed {
		b.opened = true
		openBodies.Add(1)
	}
}

func (b *uploadBody) Read(p []byte) (int, error) {
	if b.upload.kind == "closer" {
		b.open()
	}
	b.o.at("upload")
	if b.upload.slow {
		if b.Len() > 1000 {
			p = p[:min(len(p), b.Len()/3)]
		}
		time.Sleep(time.Millisecond)
	}
	if b.upload.kind == "failing" && b.Len() <= len(b.upload.content)/2+1 {
		return 0, errUpload
	}
	return b.Reader.Read(p)
}

// WriteTo of bytes.Reader would go past Read.
func (b *uploadBody) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{b})
}

func (b *uploadBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.opened && !b.closed {
		openBodies.Add(-1)
	}
	b.closed = true
	return nil
}
