package h2

// Flow control (RFC 9113 §6.9) as value types, for a stream or the connection
// alike. Numbers are 64 bits wide, so that no sum of two legal values overflows.

// The rules of windows, for error texts.
const (
	ruleOverflow = "RFC 9113 §6.9.1: no window exceeds 2^31-1"
	ruleShift    = "RFC 9113 §6.9.2: no change of INITIAL_WINDOW_SIZE makes a window exceed 2^31-1"
	ruleExceeded = "RFC 9113 §6.9.1: no more is sent than the window allows"
)

// SendWindow is how many bytes of DATA we may send. It is negative after the
// peer has lowered INITIAL_WINDOW_SIZE below what is under way (RFC 9113
// §6.9.2). The zero value is an empty window.
type SendWindow struct{ n int64 }

// NewSendWindow returns a window of n bytes.
func NewSendWindow(n uint32) SendWindow { return SendWindow{int64(n)} }

// Available is how many bytes may be sent, never negative.
func (w SendWindow) Available() int { return int(max(w.n, 0)) }

// Size is the window as it stands, which may be negative.
func (w SendWindow) Size() int64 { return w.n }

// Take takes up to n bytes and returns how many it took.
func (w *SendWindow) Take(n int) int {
	n = min(n, w.Available())
	w.n -= int64(n)
	return n
}

// Put gives back n bytes that Take took and that were not sent.
func (w *SendWindow) Put(n int) { w.n += int64(n) }

// Add applies a WINDOW_UPDATE for the stream id, 0 for the connection. A window
// above MaxWindow is a StreamError or ConnError with FlowControlError, and the
// window stays as it was.
func (w *SendWindow) Add(id, increment uint32) error {
	if w.n+int64(increment) > MaxWindow {
		if id == 0 {
			return ConnError{Code: FlowControlError, Rule: ruleOverflow, What: "window too large"}
		}
		return StreamError{ID: id, Code: FlowControlError, Rule: ruleOverflow, What: "window too large"}
	}
	w.n += int64(increment)
	return nil
}

// Shift applies the change of INITIAL_WINDOW_SIZE to a stream's window. A window
// above MaxWindow is a ConnError with FlowControlError, and the window stays as
// it was.
func (w *SendWindow) Shift(delta int64) error {
	if w.n+delta > MaxWindow {
		return ConnError{Code: FlowControlError, Rule: ruleShift, What: "window of an open stream too large"}
	}
	w.n += delta
	return nil
}

// RecvWindow is how many bytes of DATA the peer may send. It has three parts,
// whose sum is Size but for what the application holds: what the peer may still
// send, what was received and not consumed, and what was consumed and not yet
// announced by WINDOW_UPDATE.
type RecvWindow struct {
	size int64 // the window to come back to
	left int64 // what the peer may still send
	owed int64 // consumed, to be announced
}

// NewRecvWindow returns a window of n bytes, all of them known to the peer.
func NewRecvWindow(n uint32) RecvWindow { return RecvWindow{size: int64(n), left: int64(n)} }

// Size is the window that the peer has when nothing is under way.
func (w RecvWindow) Size() int64 { return w.size }

// Left is how many bytes the peer may still send.
func (w RecvWindow) Left() int64 { return w.left }

// Receive counts the n bytes of one DATA frame, padding included. If the peer
// was not allowed to send them it is a StreamError with FlowControlError, or a
// ConnError for the stream 0, and they are not counted.
func (w *RecvWindow) Receive(id uint32, n int) error {
	if int64(n) > w.left {
		if id == 0 {
			return ConnError{Code: FlowControlError, Rule: ruleExceeded, What: "more DATA than the window"}
		}
		return StreamError{ID: id, Code: FlowControlError, Rule: ruleExceeded, What: "more DATA than the window"}
	}
	w.left -= int64(n)
	return nil
}

// Credit says that n received bytes have been consumed or dropped.
func (w *RecvWindow) Credit(n int) { w.owed += int64(n) }

// Grow makes the window larger by n bytes, for the next update to announce; with
// a negative n it becomes smaller by announcing less. What the peer has been
// told it may send, it may send.
func (w *RecvWindow) Grow(n int64) {
	n = min(n, MaxWindow-w.size)
	n = max(n, -w.size)
	w.size += n
	w.owed += n
}

// Due is how much an update would announce now: what is owed, if that is at
// least 1/part of the window, else 0. RFC 9113 §6.9.1: receivers "avoid sending
// WINDOW_UPDATE frames with very small increments". Two halves the number of
// updates of four, but makes a peer with a long round trip wait sooner; a part
// below 1 counts as 1.
func (w RecvWindow) Due(part int64) uint32 {
	if w.owed <= 0 || w.owed*max(part, 1) < w.size {
		return 0
	}
	return uint32(min(w.owed, MaxWindow-max(w.left, 0)))
}

// Update is Due, and takes the answer for announced: the caller sends it.
func (w *RecvWindow) Update(part int64) uint32 {
	n := w.Due(part)
	w.left += int64(n)
	w.owed -= int64(n)
	return n
}

// Shift applies a change of our own INITIAL_WINDOW_SIZE, once the peer has
// acknowledged it: the peer applies the same to what it may send (RFC 9113
// §6.9.2), which may become negative.
func (w *RecvWindow) Shift(delta int64) {
	w.size += delta
	w.left += delta
}
