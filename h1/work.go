package h1

import (
	"context"
	"sync"

	"gohttpx.dev/internal/bufpool"
	"gohttpx.dev/wire"
)

// work is what an exchange needs and an idle connection does not. It belongs to
// the owner of the exchange, from reset to finish; only what the uploader reads
// beside is said to be shared.
//
// finish gives it back if the connection goes on: then no uploader, no hook of a
// context and no reader is left that could look at it. A connection that ends
// keeps its last one until the collector has both.
type work struct {
	buf      []byte // buf[r:w] is received and not used; may be kept for the next exchange
	r, w     int
	parser   Parser
	dec      ChunkDecoder
	ctx      context.Context // watched, else nil; read by the hook too
	stop     func() bool     // ends the watch, else nil
	res      *wire.Response  // gets the trailers
	trace    *wire.Trace     // of the request; may be nil
	writeErr *wire.Error     // of the calling goroutine's write, if it may yet be explained
	lim      limits          // read by the uploader too
	readErr  error           // came with the last bytes, to be reported by the next read
	started  int64           // when the exchange began
	sentAt   int64           // when the request was fully sent, if no upload was needed
	firstAt  int64           // when the first byte of the response came, 0: not yet
	lastAt   int64           // the last time that anybody looked at the clock
	inHead   bool            // the final head has not come
	keep     bool            // the connection may be used after this exchange
	quiet    bool            // the last read got less than there was room for
	excess   bool            // there were bytes after the response
	active   bool            // an upload runs, or has not been settled
	awaited  bool            // the write has waited for the response: the next read finds it
	lastSeen bool            // the last chunk has come: the trailer section follows
	framing  Framing
	remain   int64  // content still to come (Length)
	got      int64  // content delivered
	data     []byte // decoded content in buf that was not delivered yet (Chunked)
	scanned  int    // of the trailer section
	// continueBy is until when the body is held back for 100 (Continue);
	// drainBy bounds a drain; both 0 otherwise.
	continueBy, drainBy int64
	rawMethod           string // of the last request sent by SendRaw

	c        *Conn  // whose it is
	cancelFn func() // canceled, made once
}

var works sync.Pool

// getWork gets a work for the exchange that begins.
func (c *Conn) getWork() {
	w, _ := works.Get().(*work)
	if w == nil {
		w = new(work)
		w.cancelFn = w.canceled
	}
	w.c = c
	w.parser.Rules, w.parser.MaxFields = c.cfg.Rules, c.cfg.Limits.Fields
	c.work = w
}

// putWork gives the buffer back, and the work if the connection goes on. A buffer
// of the usual size stays in it.
func (c *Conn) putWork(goesOn bool) {
	w := c.work
	w.res, w.trace, w.data, w.r, w.w = nil, nil, nil, 0, 0
	if !goesOn {
		bufpool.Put(w.buf)
		w.buf = nil
		return
	}
	if len(w.buf) != DefaultReadBuffer {
		bufpool.Put(w.buf)
		w.buf = nil
	}
	// An exchange that ended well has cleared the rest that points anywhere.
	w.c, w.writeErr = nil, nil
	c.work = nil
	works.Put(w)
}

// getBuf gets the buffer that an exchange starts with.
func (c *Conn) getBuf() {
	if n := c.cfg.ReadBufferSize; len(c.buf) != DefaultReadBuffer || n > DefaultReadBuffer {
		bufpool.Put(c.buf)
		c.buf = bufpool.Get(n)
	}
}

// room makes buf have free space at its end. It is never asked to make it
// longer than limit bytes, unless it is.
func (c *Conn) room(limit int) {
	switch {
	case c.r == c.w:
		c.r, c.w = 0, 0
	case c.w < len(c.buf):
	case c.r > 0:
		c.w = copy(c.buf, c.buf[c.r:c.w])
		c.r = 0
	default:
		grown := bufpool.Get(min(2*len(c.buf), max(limit, len(c.buf)+1)))
		c.w = copy(grown, c.buf[:c.w])
		bufpool.Put(c.buf)
		c.buf = grown
	}
}
