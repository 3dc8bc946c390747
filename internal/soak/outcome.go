package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"

	"gohttpx.dev/httpx"
)

// outcome is how an operation ended.
type outcome string

const (
	answered    outcome = "answered"
	closedEarly outcome = "closed early"
	gaveUp      outcome = "503 to the last attempt"
	refused     outcome = "400 to what came of the request"
	cancelled   outcome = "cancelled"
	late        outcome = "the context's deadline"
	clientEnded outcome = "client closed"
	bodyFailed  outcome = "request body failed"
	notAgain    outcome = "body cannot be sent again"
	unprocessed outcome = "not processed"
	closedIdle  outcome = "closed without an answer"
	bad         outcome = "WRONG ANSWER"
	unexpected  outcome = "UNEXPECTED ERROR"
)

// outcomes is the order of the table, those of the network in between.
var outcomes = []outcome{
	answered, closedEarly, gaveUp, refused, cancelled, late,
	"pool timeout", "connect timeout", "write timeout", "read timeout",
	"DNS error", "TLS error", "connect error", "proxy error", "decoding error", "remote protocol error", "write error", "read error", "network error",
	closedIdle, unprocessed, notAgain, bodyFailed, clientEnded, bad, unexpected,
}

// networkErrors are the sentinels of what a bad network or server leads to, the
// narrower before the wider.
var networkErrors = []struct {
	is   error
	name outcome
}{
	{httpx.ErrPoolTimeout, "pool timeout"},
	{httpx.ErrConnectTimeout, "connect timeout"},
	{httpx.ErrWriteTimeout, "write timeout"},
	{httpx.ErrReadTimeout, "read timeout"},
	{httpx.ErrProxy, "proxy error"},
	{httpx.ErrDNS, "DNS error"},
	{httpx.ErrTLS, "TLS error"},
	{httpx.ErrConnect, "connect error"},
	{httpx.ErrDecoding, "decoding error"},
	{httpx.ErrServerClosedIdle, closedIdle},
	{httpx.ErrUnprocessed, unprocessed},
	{httpx.ErrRemoteProtocol, "remote protocol error"},
	{httpx.ErrWrite, "write error"},
	{httpx.ErrRead, "read error"},
	{httpx.ErrNetwork, "network error"},
}

// outcomeOf names what an error is; unexpected if it is none that this operation
// may end in.
func (o *operation) outcomeOf(err error) outcome {
	var w *wrongAnswer
	var e *httpx.Error
	switch {
	case errors.As(err, &w):
		return bad
	case errors.Is(err, errGaveUp):
		return gaveUp
	case errors.Is(err, errRefused):
		return refused
	case !errors.As(err, &e):
		return unexpected // not even ours
	case errors.Is(err, context.Canceled):
		return o.ifMay(o.canceled.Load(), cancelled)
	case errors.Is(err, context.DeadlineExceeded) && o.deadline:
		return late
	case errors.Is(err, httpx.ErrClientClosed):
		return o.ifMay(o.mortal, clientEnded)
	case errors.Is(err, httpx.ErrBodyNotReplayable):
		return o.ifMay(o.body.once && o.redirect > 0, notAgain)
	case errors.Is(err, httpx.ErrRequestBody), errors.Is(err, httpx.ErrLocalProtocol) && o.body.kind == "short":
		return o.ifMay(o.body.fails, bodyFailed)
	}
	for _, n := range networkErrors {
		if errors.Is(err, n.is) {
			return o.ifMay(o.mayEndIn(n.name), n.name)
		}
	}
	return unexpected
}

func (o *operation) ifMay(may bool, as outcome) outcome {
	if may {
		return as
	}
	return unexpected
}

// mayEndIn is what the client promises of each kind of failure.
func (o *operation) mayEndIn(x outcome) bool {
	switch x {
	case "pool timeout":
		return o.short
	case "connect timeout", "write timeout", "read timeout":
		return o.short || o.faulty()
	}
	if o.faulty() {
		return true
	}
	// What the server does to this one request.
	if slices.Contains([]string{"silent", "body", "abort"}, o.closing) {
		return true
	}
	if o.route.Protocol[:2] == "h2" && slices.Contains([]string{"after", "until"}, o.closing) {
		return true // there it resets the stream
	}
	switch x {
	case "read error", "write error":
		// Who closes a connection with bytes unread resets it, and content that only
		// the close delimits may be cut short by that.
		return o.unread && slices.Contains([]string{"after", "until"}, o.closing)
	case unprocessed:
		// GOAWAY, and a body that is gone.
		return o.body.once
	case closedIdle:
		// An idle connection that was closed under a request which may not be
		// repeated (RFC 9110 §9.2.2).
		return o.class == hasty && !o.repeatable()
	}
	return false
}

// repeatable reports that the client may send the request again whatever became
// of it.
func (o *operation) repeatable() bool {
	idempotent := slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete}, o.method)
	return (idempotent || o.keyed) && !o.body.once
}

func isEOF(err error) bool { return err == io.EOF }
