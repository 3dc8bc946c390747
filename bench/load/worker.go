package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"gohttpx.dev/wire"
)

// readSize is the size of the buffer that content is read into, in bytes; all of
// them together take no more than readTotal, but for 4 KiB each.
const (
	readSize  = 32 << 10
	readTotal = 64 << 20
)

// worker sends one request after the other: the only one on its link over
// HTTP/1.1, one of -streams over HTTP/2. All of it belongs to its goroutine.
type worker struct {
	r     *execution
	link  *link
	shard *shard

	req  wire.Request // that of the plan which was sent last
	last int          // which that is; -1: none yet
	res  wire.Response
	buf  []byte
	head []byte // of the content, as far as -check-prefix wants to see it
	turn waiter // open loop
}

func newWorker(r *execution, l *link, s *shard) *worker {
	size := max(min(readSize, readTotal/(r.o.conns*r.o.streams)), 4<<10)
	w := &worker{r: r, link: l, shard: s, buf: make([]byte, size)}
	w.turn.ready = make(chan bool, 1)
	w.last = -1
	return w
}

// loop sends until the run stops.
func (w *worker) loop() {
	now := w.r.now()
	for {
		due, ok := w.r.next(now, &w.turn)
		if !ok {
			return
		}
		x := sample{due: due, sent: now}
		if w.r.pace != nil {
			x.sent = w.r.now()
		}
		w.exchange(w.r.index(), &x)
		now = w.r.now()
		x.end = now
		if x.err != nil && x.kind == "" {
			x.kind = kindOf(x.err)
			if w.r.cut.Load() {
				x.kind, x.err = kindUnfinished, errUnfinished
			}
		}
		w.shard.record(&x, &w.r.during)
	}
}

var errUnfinished = errors.New("no answer by the end of the run and -grace")

// exchange sends the i-th request and reads its answer.
func (w *worker) exchange(i int, x *sample) {
	c, err := w.link.reserve()
	if err != nil {
		x.err = err
		return
	}
	ctx := context.Background()
	if d := w.r.o.timeout; d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	req := w.request(i)
	w.res.Reset()
	if x.err = c.RoundTrip(ctx, req, &w.res); x.err == nil {
		x.content, x.err = w.read()
	}
	if x.err == nil {
		x.status = w.res.Status
		w.verify(x)
	}
	if w.r.o.fresh {
		w.link.drop()
	}
}

// request returns the i-th request with its body at the beginning.
func (w *worker) request(i int) *wire.Request {
	r := &w.r.plan.requests[i]
	if i != w.last {
		w.req, w.last = r.head, i
	}
	if r.body != nil {
		// A new one each time: the last may still be read by whoever sends it, if
		// its answer came early.
		body := &content{}
		body.Reset(r.body)
		w.req.Body = body
	}
	return &w.req
}

// read reads the content to its end.
func (w *worker) read() (n int64, err error) {
	w.head = w.head[:0]
	want := len(w.r.o.checkPrefix)
	for {
		m, err := w.res.Body.Read(w.buf)
		n += int64(m)
		if room := want - len(w.head); room > 0 {
			w.head = append(w.head, w.buf[:min(m, room)]...)
		}
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			w.res.Body.Close()
			return n, err
		}
	}
}

// verify applies the checks to an answer.
func (w *worker) verify(x *sample) {
	o := w.r.o
	switch {
	case !o.checkStatus.has(x.status):
		x.kind, x.err = kindStatus, fmt.Errorf("status %d", x.status)
	case o.checkLen >= 0 && x.content != o.checkLen:
		x.kind, x.err = kindLen, fmt.Errorf("%d bytes of content, not %d", x.content, o.checkLen)
	case !bytes.Equal(w.head, []byte(o.checkPrefix)):
		// The content is the server's secret, perhaps; where it differs is not.
		x.kind, x.err = kindPrefix, fmt.Errorf("the content differs at byte %d", commonPrefix(string(w.head), o.checkPrefix))
	}
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && strings.HasPrefix(b[n:], a[n:n+1]) {
		n++
	}
	return n
}

// waiter is a worker that waits for its request to be due.
type waiter struct {
	due   time.Duration
	ready chan bool // false: the run has stopped
}
