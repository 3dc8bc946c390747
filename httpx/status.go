package httpx

import "net/http"

// StatusCode is a status with its classes (RFC 9110 §15), for code that has no
// Response at hand. The names of codes are net/http's: http.StatusNotFound.
type StatusCode int

// StatusText returns the registered reason phrase of a status, "" for an unknown
// one.
func StatusText(code int) string { return http.StatusText(code) }

// String returns the registered reason phrase, "" for an unknown status.
func (s StatusCode) String() string { return StatusText(int(s)) }

// IsInformational reports a 1xx status.
func (s StatusCode) IsInformational() bool { return s/100 == 1 }

// IsSuccess reports a 2xx status.
func (s StatusCode) IsSuccess() bool { return s/100 == 2 }

// IsRedirect reports a 3xx status.
func (s StatusCode) IsRedirect() bool { return s/100 == 3 }

// IsClientError reports a 4xx status.
func (s StatusCode) IsClientError() bool { return s/100 == 4 }

// IsServerError reports a 5xx status.
func (s StatusCode) IsServerError() bool { return s/100 == 5 }

// IsError reports a 4xx or 5xx status.
func (s StatusCode) IsError() bool { return s.IsClientError() || s.IsServerError() }
