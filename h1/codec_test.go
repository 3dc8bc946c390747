package h1

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"gohttpx.dev/wire"
)

// everyWay runs parse on src whole, byte by byte and with bytes that follow,
// and compares what it makes of them with want. parse gets its input in pieces
// and returns a value that says all that matters, including how many bytes it
// took and its error text.
func everyWay[T any](t *testing.T, src string, want T, parse func(pieces ...[]byte) T) {
	t.Helper()
	whole := []byte(src)
	if got := parse(whole); !reflect.DeepEqual(got, want) {
		t.Errorf("whole: %q\n got %+v\nwant %+v", src, got, want)
	}
	var single [][]byte
	for i := range whole {
		single = append(single, whole[i:i+1])
	}
	if got := parse(single...); !reflect.DeepEqual(got, want) {
		t.Errorf("byte by byte: %q\n got %+v\nwant %+v", src, got, want)
	}
	for _, rest := range []string{"x", "\r\n", "HTTP/1.1 200 OK\r\n\r\n", "0\r\n\r\n", " \x00\xff"} {
		if got := parse([]byte(src + rest)); !reflect.DeepEqual(got, want) {
			t.Errorf("with trailing %q: %q\n got %+v\nwant %+v", rest, src, got, want)
		}
	}
}

// head is all that matters of a parsed head.
type head struct {
	Status    int
	Proto     wire.Proto
	Reason    string
	Fields    wire.Fields
	Anomalies wire.Anomalies
	N         int    // 0: more is needed
	Err       string // the rule that was broken
}

// parseHead parses as an owner of a connection does: scan, then parse once.
func parseHead(rules Rules) func(pieces ...[]byte) head {
	return func(pieces ...[]byte) head {
		var buf []byte
		var from int
		for _, p := range pieces {
			buf = append(buf, p...)
			end, resume, err := ScanHead(buf, from)
			if err != nil {
				return head{Err: rule(err)}
			}
			if end == 0 {
				from = resume
				continue
			}
			var r wire.Response
			n, err := ParseResponse(buf[:end], &r, rules)
			if err != nil {
				return head{Err: rule(err)}
			}
			return head{r.Status, r.Proto, r.Reason, append(wire.Fields{}, r.Fields...), r.Anomalies, n, ""}
		}
		return head{}
	}
}

// parseGrowing parses again from the start whenever a byte has come.
func parseGrowing(rules Rules) func(pieces ...[]byte) head {
	return func(pieces ...[]byte) head {
		var buf []byte
		for _, p := range pieces {
			buf = append(buf, p...)
			var r wire.Response
			n, err := ParseResponse(buf, &r, rules)
			if err != nil {
				return head{Err: rule(err)}
			}
			if n > 0 {
				return head{r.Status, r.Proto, r.Reason, append(wire.Fields{}, r.Fields...), r.Anomalies, n, ""}
			}
			if !reflect.DeepEqual(r, wire.Response{}) {
				return head{Err: "touched before the end"}
			}
		}
		return head{}
	}
}

func rule(err error) string {
	var p *ParseError
	if errors.As(err, &p) {
		return p.Rule
	}
	var q *RequestError
	if errors.As(err, &q) {
		return q.Rule
	}
	return "untyped: " + err.Error()
}

// chunked is all that matters of a decoded body.
type chunked struct {
	Data      string
	Trailers  wire.Fields
	Anomalies wire.Anomalies
	N         int
	Err       string
}

func decode(rules Rules, limits Limits) func(pieces ...[]byte) chunked {
	return func(pieces ...[]byte) chunked {
		var d ChunkDecoder
		d.Reset(limits, rules)
		var out chunked
		var buf []byte
		for k := 0; ; {
			data, n, done, err := d.Next(buf)
			out.Data += string(data)
			out.N += n
			buf = buf[n:]
			if err != nil {
				return chunked{Data: out.Data, Err: rule(err)}
			}
			if done {
				if end, _ := ScanTrailers(buf, 0); end > 0 {
					p := Parser{Rules: rules}
					f, n, err := p.Trailers(buf[:end], nil)
					if err != nil {
						return chunked{Data: out.Data, Err: rule(err)}
					}
					out.Trailers, out.N, out.Anomalies = f, out.N+n, d.Anomalies()|p.Anomalies
					return out
				}
			}
			if n > 0 || len(data) > 0 {
				continue
			}
			if len(buf) > 0 && !done {
				return chunked{Err: "no progress"}
			}
			if k == len(pieces) {
				return chunked{Data: out.Data}
			}
			buf = append(bytes.Clone(buf), pieces[k]...)
			k++
		}
	}
}
