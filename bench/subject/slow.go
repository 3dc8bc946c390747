package subject

import (
	"io"
	"time"

	"gohttpx.dev/bench/server"
)

const (
	// slowPiece is what a slow reader reads at once, in bytes, and slowPause how
	// long it waits in between: 320 kB/s, where the others read all they can.
	slowPiece = 16 << 10
	slowPause = 50 * time.Millisecond
)

// slowURL is the answer that a slow reader reads.
func slowURL(o Options) string {
	return o.scheme() + "://" + o.Addr + target(Options{Size: server.MaxSize}, token(0, 0))
}

// slowly is the exchange of a slow reader: a piece of one long answer, and a pause.
// It never reaches the end in the time of a run; if it does it asks again.
func slowly(open func() (io.ReadCloser, error)) (Exchange, error) {
	var body io.ReadCloser
	buf := make([]byte, slowPiece)
	return func() error {
		if body == nil {
			b, err := open()
			if err != nil {
				return err
			}
			body = b
		}
		switch _, err := io.ReadFull(body, buf); err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			body.Close()
			body = nil
		default:
			return err
		}
		<-time.After(slowPause)
		return ErrUncounted
	}, nil
}
