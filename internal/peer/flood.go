package peer

import (
	"net"
	"os"
	"runtime"
	"sync"
	"time"
)

// Flood is a connection whose peer is a machine: it says Once, then Repeat over
// and over, as fast as the client reads, whatever the client writes. It has no
// goroutine and no buffer, so that a thousand of them take next to no memory of
// their own. It is the client's end of the connection, a net.Conn with working
// deadlines.
//
// The exported fields are set before first use.
type Flood struct {
	// Once and Repeat are shared by many connections and never changed. A
	// Repeat of a few KiB is the fastest.
	Once, Repeat []byte
	// After is how many Writes the client has to make before the peer speaks.
	After int
	// Most is how many bytes the peer says until it falls silent, with the
	// connection left open; 0 is no bound.
	Most int64
	// Takes is how many bytes of the client's the peer takes until it reads no
	// more; 0 is no bound.
	Takes int64
	// Piece is how many bytes one Read returns at most; 0 is no bound.
	Piece int

	mu   sync.Mutex
	cond sync.Cond

	// guarded by mu
	ready        bool // cond and the channels were made
	closed       bool
	at           int // in Once, then in Repeat
	said, taken  int64
	writes       int
	rdead, wdead floodTimer
	still        chan struct{} // closed once nothing will happen of itself
	gone         chan struct{} // closed by Close
	isStill      bool
}

// floodTimer is one deadline. It is guarded by Flood.mu.
type floodTimer struct {
	timer *time.Timer
	when  time.Time // zero: none
}

func (d *floodTimer) passed() bool { return !d.when.IsZero() && !time.Now().Before(d.when) }

func (f *Flood) init() {
	if !f.ready {
		f.ready = true
		f.cond.L = &f.mu
		f.still, f.gone = make(chan struct{}), make(chan struct{})
	}
}

// lock locks, and makes a zero Flood ready.
func (f *Flood) lock() {
	f.mu.Lock()
	f.init()
}

// Still is closed when the peer has fallen silent, reads no more, or the client
// has closed the connection.
func (f *Flood) Still() <-chan struct{} {
	f.lock()
	defer f.mu.Unlock()
	return f.still
}

func (f *Flood) stillLocked() {
	if !f.isStill {
		f.isStill = true
		close(f.still)
	}
}

// Said is how many bytes the client has read.
func (f *Flood) Said() int64 {
	f.lock()
	defer f.mu.Unlock()
	return f.said
}

// Taken is how many bytes the client has written.
func (f *Flood) Taken() int64 {
	f.lock()
	defer f.mu.Unlock()
	return f.taken
}

// Gone is closed when the client has closed the connection.
func (f *Flood) Gone() <-chan struct{} {
	f.lock()
	defer f.mu.Unlock()
	return f.gone
}

// Closed reports whether the client has closed the connection.
func (f *Flood) Closed() bool {
	f.lock()
	defer f.mu.Unlock()
	return f.closed
}

// Read returns what the peer says.
func (f *Flood) Read(p []byte) (int, error) {
	runtime.Gosched() // an endless stream is not to keep writer and Close waiting
	f.lock()
	defer f.mu.Unlock()
	for {
		switch {
		case f.closed:
			return 0, net.ErrClosed
		case f.rdead.passed():
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case f.writes < f.After:
		case f.Most > 0 && f.said >= f.Most || len(f.Repeat) == 0 && f.said >= int64(len(f.Once)):
			f.stillLocked()
		default:
			return f.speakLocked(p), nil
		}
		f.cond.Wait()
	}
}

func (f *Flood) speakLocked(p []byte) (n int) {
	if f.Piece > 0 {
		p = p[:min(len(p), f.Piece)]
	}
	if f.Most > 0 {
		p = p[:min(int64(len(p)), f.Most-f.said)]
	}
	for n < len(p) {
		src := f.Once
		if f.said >= int64(len(src)) {
			if src = f.Repeat; len(src) == 0 {
				break
			}
		}
		k := copy(p[n:], src[f.at:])
		if f.at += k; f.at == len(src) {
			f.at = 0
		}
		n += k
		f.said += int64(k)
	}
	return n
}

// Write takes what the client says, and drops it.
func (f *Flood) Write(p []byte) (n int, err error) {
	f.lock()
	defer f.mu.Unlock()
	f.writes++
	defer f.cond.Broadcast()
	for {
		room := int64(len(p))
		if f.Takes > 0 {
			room = min(room, f.Takes-f.taken)
		}
		switch {
		case f.closed:
			return n, net.ErrClosed
		case f.wdead.passed():
			return n, os.ErrDeadlineExceeded
		}
		f.taken += room
		n += int(room)
		if p = p[room:]; len(p) == 0 {
			return n, nil
		}
		f.stillLocked()
		f.cond.Broadcast()
		f.cond.Wait()
	}
}

// Close closes the connection.
func (f *Flood) Close() error {
	f.lock()
	defer f.mu.Unlock()
	if f.closed {
		return net.ErrClosed
	}
	f.closed = true
	close(f.gone)
	for _, d := range []*floodTimer{&f.rdead, &f.wdead} {
		if d.timer != nil {
			d.timer.Stop()
		}
	}
	f.stillLocked()
	f.cond.Broadcast()
	return nil
}

func (f *Flood) set(d *floodTimer, t time.Time) error {
	f.lock()
	defer f.mu.Unlock()
	if f.closed {
		return net.ErrClosed
	}
	d.when = t
	if d.timer != nil {
		d.timer.Stop()
	}
	if !t.IsZero() {
		d.timer = time.AfterFunc(time.Until(t), func() {
			f.lock()
			f.cond.Broadcast()
			f.mu.Unlock()
		})
	}
	f.cond.Broadcast()
	return nil
}

// SetDeadline sets both deadlines.
func (f *Flood) SetDeadline(t time.Time) error {
	if err := f.set(&f.rdead, t); err != nil {
		return err
	}
	return f.set(&f.wdead, t)
}

// SetReadDeadline sets the deadline of Read.
func (f *Flood) SetReadDeadline(t time.Time) error { return f.set(&f.rdead, t) }

// SetWriteDeadline sets the deadline of Write.
func (f *Flood) SetWriteDeadline(t time.Time) error { return f.set(&f.wdead, t) }

// LocalAddr returns an address of network "flood".
func (f *Flood) LocalAddr() net.Addr { return floodAddr{} }

// RemoteAddr returns an address of network "flood".
func (f *Flood) RemoteAddr() net.Addr { return floodAddr{} }

type floodAddr struct{}

func (floodAddr) Network() string { return "flood" }
func (floodAddr) String() string  { return "flood" }

var _ net.Conn = (*Flood)(nil)
