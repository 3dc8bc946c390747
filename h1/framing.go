package h1

import "gohttpx.dev/wire"

type Framing uint8

const (
	NoBody Framing = iota
	Length
	Chunked
	UntilClose
	Switched
)

func BodyFraming(method string, r *wire.Response, rules Rules) (Framing, int64, error) {
	return 0, 0, nil
}
func KeepAlive(r *wire.Response, reqClose bool) bool { return false }
