package wire

import "time"

const (
	// DefaultTimeout is what a zero timeout means.
	DefaultTimeout = 5 * time.Second
	// Never switches a timeout off. Every negative duration does.
	Never time.Duration = -1
)

// Timeouts are limits on inactivity, not on the whole request: the context
// carries the total deadline. Zero means DefaultTimeout, negative means off,
// except where a field says otherwise.
type Timeouts struct {
	// Pool bounds the wait for a connection or stream, not counting the time
	// in which a connection is being dialled for this request.
	Pool time.Duration
	// Connect bounds one dial: DNS, TCP, proxy, TLS and, for HTTP/2, the
	// preface, all together.
	Connect time.Duration
	// Write bounds the time without progress while the request is written.
	Write time.Duration
	// Read bounds the time without a byte while the response is awaited or
	// read. Its clock starts when the request is fully sent; while an upload
	// runs, its progress re-arms it.
	Read time.Duration
	// Header bounds the time from the end of the request to the end of the
	// final response head. Zero means off.
	Header time.Duration
	// Continue, if positive, makes a request with a body ask for 100
	// (Continue) and bounds the wait before the body is sent all the same (RFC
	// 9110 §10.1.1). Zero means that no expectation is sent.
	Continue time.Duration
}

// Limit resolves one of the four inactivity timeouts: 0 if it is off, else the
// positive duration.
func Limit(d time.Duration) time.Duration {
	switch {
	case d == 0:
		return DefaultTimeout
	case d < 0:
		return 0
	}
	return d
}
