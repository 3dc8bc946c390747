package memconn

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// half is one direction of a pair: the writer's end puts bytes in, the reader's
// end takes them out.
type half struct {
	mu   sync.Mutex
	cond sync.Cond // L is &mu; woken by every change below

	// guarded by mu
	buf     []byte // buf[r:w] is on its way; grows to twice limit at most
	r, w    int
	limit   int // how many bytes may be on their way
	maxRead int // how many bytes one Read returns at most; 0: as many as fit

	wshut   bool // no more bytes will come: end of stream after buf
	wclosed bool // the writing end was closed
	rclosed bool // the reading end was closed
	reset   bool // the writing end has reset the pair: ECONNRESET after buf
	wreset  bool // the reading end has reset the pair

	rdead, wdead deadline

	bytesIn, bytesOut int64
	writes, reads     int64
}

func newHalf(limit int) *half {
	h := &half{limit: limit}
	h.cond.L = &h.mu
	h.rdead.h, h.wdead.h = h, h
	return h
}

func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reads++
	for {
		// The order is that of a socket: a passed deadline wins over bytes
		// that are there.
		switch {
		case h.rclosed:
			return 0, net.ErrClosed
		case h.rdead.passed:
			return 0, os.ErrDeadlineExceeded
		case h.reset && h.r == h.w:
			return 0, syscall.ECONNRESET
		case len(p) == 0:
			return 0, nil
		case h.r < h.w:
			if h.maxRead > 0 && len(p) > h.maxRead {
				p = p[:h.maxRead]
			}
			n := copy(p, h.buf[h.r:h.w])
			if h.r += n; h.r == h.w {
				h.r, h.w = 0, 0
			}
			h.bytesOut += int64(n)
			h.cond.Broadcast()
			return n, nil
		case h.wshut:
			return 0, io.EOF
		}
		h.cond.Wait()
	}
}

func (h *half) write(p []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.writes++
	for {
		switch {
		case h.wclosed:
			return n, net.ErrClosed
		case h.wdead.passed:
			return n, os.ErrDeadlineExceeded
		case h.wreset:
			return n, syscall.ECONNRESET
		case h.wshut, h.rclosed:
			return n, syscall.EPIPE
		case len(p) == 0:
			return n, nil
		}
		room := h.limit - (h.w - h.r)
		if room <= 0 {
			h.cond.Wait()
			continue
		}
		part := p[:min(room, len(p))]
		h.put(part)
		n += len(part)
		p = p[len(part):]
	}
}

// put appends p, for which there is room. Called with mu held.
func (h *half) put(p []byte) {
	if h.w+len(p) > len(h.buf) {
		// Twice the limit, so that moving the rest to the front costs less
		// than one copy per byte, however small the reads are.
		if need := h.w - h.r + len(p); need*2 > len(h.buf) {
			grown := make([]byte, max(need*2, 512))
			h.w = copy(grown, h.buf[h.r:h.w])
			h.buf = grown
		} else {
			h.w = copy(h.buf, h.buf[h.r:h.w])
		}
		h.r = 0
	}
	h.w += copy(h.buf[h.w:], p)
	h.bytesIn += int64(len(p))
	h.cond.Broadcast()
}

// do changes the half under its lock and wakes whoever waits.
func (h *half) do(f func()) {
	h.mu.Lock()
	f()
	h.cond.Broadcast()
	h.mu.Unlock()
}

// deadline is one of the two deadlines of a half. Its fields are guarded by
// half.mu.
type deadline struct {
	h      *half
	timer  *time.Timer // made once, then reset: setting a deadline allocates nothing
	when   time.Time   // zero: none
	passed bool
}

func (d *deadline) set(t time.Time) {
	d.h.mu.Lock()
	defer d.h.mu.Unlock()
	defer d.h.cond.Broadcast()
	d.passed = false
	if d.timer != nil {
		d.timer.Stop()
	}
	if t.IsZero() {
		d.when = time.Time{}
		return
	}
	left := time.Until(t)
	// A time with a monotonic reading, whatever the caller's had.
	d.when = time.Now().Add(left)
	switch {
	case left <= 0:
		d.passed = true
	case d.timer == nil:
		d.timer = time.AfterFunc(left, d.fire)
	default:
		d.timer.Reset(left)
	}
}

// fire runs on the timer's goroutine. A firing that was already under way when
// the deadline moved finds the time not come, and does nothing.
func (d *deadline) fire() {
	d.h.mu.Lock()
	defer d.h.mu.Unlock()
	if !d.when.IsZero() && !time.Now().Before(d.when) {
		d.passed = true
		d.h.cond.Broadcast()
	}
}

// stop ends the timer for good. Called with mu held.
func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
	}
}
