package main

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// The fields of a request that say what it is and how the answer shall be.
const (
	idField     = "X-Id"     // whose request; the answer repeats it, 1xx and trailer too
	digestField = "X-Digest" // of the answer: the digest of the body that came
	endField    = "X-End"    // a trailer field with the id
)

// origin answers requests the way their query asks for. One serves all the
// servers of the process.
type origin struct {
	mu   sync.Mutex
	done map[string]int // guarded by mu; POSTs without an Idempotency-Key by id: how often they were carried out

	repeated atomic.Int64 // of done, those above one
	panics   atomic.Int64
}

// server is an http.Server for h, without its listener.
func (o *origin) server(idle time.Duration) *http.Server {
	return &http.Server{
		Handler:     http.HandlerFunc(o.serve),
		IdleTimeout: idle,
		ErrorLog:    quietLog(),
	}
}

func (o *origin) serve(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if v := recover(); v != nil {
			if v != http.ErrAbortHandler {
				o.panics.Add(1)
			}
			panic(http.ErrAbortHandler)
		}
	}()
	q := r.URL.Query()
	number := func(name string) int { n, _ := strconv.Atoi(q.Get(name)); return max(0, min(n, 1<<22)) }
	id := r.Header.Get(idField)
	w.Header().Set(idField, id)
	if q.Has("hint") {
		w.WriteHeader(http.StatusEarlyHints)
		if r.Context().Err() != nil {
			return // a server of HTTP/2 may still read the fields, to write them
		}
	}
	// A redirect leads here again with one hop less. It does not read the body.
	if n := number("redirect"); n > 0 {
		q.Set("redirect", strconv.Itoa(n-1))
		w.Header().Set("Location", "/?"+q.Encode())
		w.WriteHeader(number("redirect-status"))
		return
	}
	if q.Has("unread") { // an answer before the body
		w.Header().Set(digestField, "unread")
	} else {
		body, err := requestBody(r)
		if err != nil {
			panic(http.ErrAbortHandler) // cut off on its way: there is no answer
		}
		w.Header().Set(digestField, digestOf(body))
	}
	o.note(r, id)
	if wait := number("wait"); wait > 0 {
		select {
		case <-time.After(time.Duration(wait) * time.Microsecond):
		case <-r.Context().Done():
			return
		}
	}
	if n := number("flaky"); n > 0 && o.attempt(r) < n {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	o.answer(w, r, &filler{id: id, size: number("size")})
}

// answer sends the content, or misbehaves as the query says.
func (o *origin) answer(w http.ResponseWriter, r *http.Request, f *filler) {
	q := r.URL.Query()
	switch q.Get("close") {
	case "silent": // not a byte
		hangUp(w, "")
		return
	case "body": // in the middle
		hangUp(w, fmt.Sprintf("HTTP/1.1 200 OK\r\n%s: %s\r\n%s: %s\r\nContent-Length: %d\r\n\r\n%s",
			idField, f.id, digestField, w.Header().Get(digestField), f.size+1, f.bytes()))
		return
	case "after": // a whole answer, and then the end without a word
		hangUp(w, fmt.Sprintf("HTTP/1.1 200 OK\r\n%s: %s\r\n%s: %s\r\nContent-Length: %d\r\n\r\n%s",
			idField, f.id, digestField, w.Header().Get(digestField), f.size, f.bytes()))
		return
	case "until": // a content that ends with the connection
		hangUp(w, fmt.Sprintf("HTTP/1.1 200 OK\r\n%s: %s\r\n%s: %s\r\n\r\n%s",
			idField, f.id, digestField, w.Header().Get(digestField), f.bytes()))
		return
	case "polite": // Connection: close, or GOAWAY
		w.Header().Set("Connection", "close")
	}
	if q.Has("empty") {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	var to io.Writer = w
	flush := w.(http.Flusher).Flush
	switch q.Get("coding") {
	case "gzip":
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer z.Close()
		to, flush = z, func() { z.Flush(); w.(http.Flusher).Flush() }
	case "deflate":
		w.Header().Set("Content-Encoding", "deflate")
		z := zlib.NewWriter(w)
		defer z.Close()
		to, flush = z, func() { z.Flush(); w.(http.Flusher).Flush() }
	default:
		if !q.Has("chunked") {
			w.Header().Set("Content-Length", strconv.Itoa(f.size))
		}
	}
	if q.Has("chunked") {
		w.Header().Set("Trailer", endField)
		flush()
		defer w.Header().Set(endField, f.id)
	}
	pace := q.Has("pace")
	for sent := 0; ; {
		p := f.next(f.size)
		if p == nil {
			return
		}
		if _, err := to.Write(p); err != nil {
			return
		}
		if sent += len(p); sent > 8<<10 {
			sent = 0
			if q.Get("close") == "abort" {
				panic(http.ErrAbortHandler)
			}
			if pace {
				flush()
			}
		}
	}
}

// hangUp says something and closes the connection; that of HTTP/2, which cannot
// be taken over, loses one stream.
func hangUp(w http.ResponseWriter, say string) {
	h, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	nc, _, err := h.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	io.WriteString(nc, say)
	nc.Close()
}

// requestBody reads the whole body; of a form, the content of its one file.
func requestBody(r *http.Request) ([]byte, error) {
	kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "multipart/form-data" {
		return io.ReadAll(r.Body)
	}
	form := multipart.NewReader(r.Body, params["boundary"])
	part, err := form.NextPart()
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(part)
	if err != nil {
		return nil, err
	}
	if _, err := form.NextPart(); err != io.EOF {
		return nil, fmt.Errorf("a second part, or a form cut off: %v", err)
	}
	_, err = io.Copy(io.Discard, r.Body)
	return bytes.Clone(b), err
}

// note counts how often a request that must not be repeated is carried out.
func (o *origin) note(r *http.Request, id string) {
	if r.Method != http.MethodPost || r.Header.Get("Idempotency-Key") != "" || r.URL.Query().Has("uncounted") {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.done[id]++; o.done[id] == 2 {
		o.repeated.Add(1)
	}
}

// attempt is how often a request that may be repeated has been here before.
func (o *origin) attempt(r *http.Request) int {
	key := "flaky " + r.Header.Get(idField)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.done[key]++
	return o.done[key] - 1
}
