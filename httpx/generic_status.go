package httpx

import (
	"io"
	"slices"
	"time"
)

// FailOnStatus makes the call fail with a *StatusError where Response.Err would,
// so that nobody can forget to ask. It looks at the last response, behind
// redirects, challenges and retries. The body of a stream is closed then; its
// start, up to 64 KiB of what comes within a second, is in the error's Response.
// A 101 that was asked for is left alone.
func FailOnStatus() Option {
	return moreOption(func(m *more) error { m.mustAccept = true; return nil })
}

// Accept says which statuses are no error to Response.Err, FailOnStatus, DoJSON
// and SaveToFile: these and no others, where without it all 2xx are. Without an
// argument it is 2xx again.
func Accept(codes ...int) Option {
	codes = slices.Clone(codes)
	return moreOption(func(m *more) error { m.accept = codes; return nil })
}

// StatusOK turns a response that has an Err into that error, around a call:
//
//	resp, err := httpx.StatusOK(httpx.Get(ctx, url))
//
// A stream is closed then, as by FailOnStatus.
func StatusOK(r *Response, err error) (*Response, error) {
	if err != nil {
		return nil, err
	}
	if err := r.Err(); err != nil {
		r.start64()
		return nil, err
	}
	return r, nil
}

// Err returns nil for a status that is wanted, which is 2xx where Accept has not
// said others, and a *StatusError else, also for 101 and 304. Its text has the
// method, the URL without secrets, the status, where a redirect goes and, if the
// body is in memory, its first 512 bytes.
func (r *Response) Err() error {
	if r.more != nil && len(r.more.accept) > 0 {
		if slices.Contains(r.more.accept, r.StatusCode) {
			return nil
		}
	} else if r.IsSuccess() {
		return nil
	}
	return &StatusError{r}
}

// start64 keeps the start of a body that nobody is to read, for the text of an
// error, and ends the exchange.
func (r *Response) start64() {
	const most, patience = 64 << 10, time.Second
	if r.buffered {
		return
	}
	t := time.AfterFunc(patience, func() { r.Close() })
	b, _ := io.ReadAll(io.LimitReader(r.Body, most))
	t.Stop()
	r.Close()
	r.body, r.buffered = b, true
}

// locationText is where a redirect goes, for the text of an error.
func (r *Response) locationText() string {
	if !r.isRedirect() {
		return ""
	}
	u, err := r.URL.Resolve(r.Header.Get("Location"))
	if err != nil {
		return "a Location that is no URL"
	}
	return u.Redacted()
}
