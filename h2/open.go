package h2

import (
	"errors"
	"os"
	"time"

	"gohttpx.dev/wire"
)

// Event is one part of what a peer sends on a stream: a head, a piece of
// content, or trailers.
type Event struct {
	// Status is the status code of a head, else 0.
	Status int
	// Fields are those of a head or of trailers.
	Fields wire.Fields
	// Trailers reports that Fields are trailers.
	Trailers bool
	// Data is content.
	Data []byte
	// End reports that nothing follows.
	End bool
}

var errDeadline = os.ErrDeadlineExceeded

// waitFor waits for ch, for at most limit nanoseconds if that is not 0.
func waitFor(ch, done <-chan struct{}, limit int64) error {
	select {
	case <-ch:
		return nil
	default:
	}
	var expire <-chan time.Time
	if limit > 0 {
		t := time.NewTimer(time.Duration(limit))
		defer t.Stop()
		expire = t.C
	}
	select {
	case <-ch:
		return nil
	case <-done:
		return errors.New("h2: the context has ended")
	case <-expire:
		return errors.New("h2: no SETTINGS from the peer")
	}
}
