package h1

import "gohttpx.dev/wire"

func AppendRequest(dst []byte, r *wire.Request, rules Rules) ([]byte, error) { return dst, nil }
func RequestFraming(r *wire.Request) (chunked bool, length int64)            { return }
func ExpectsContinue(r *wire.Request) bool                                   { return false }
