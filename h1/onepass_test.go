package h1_test

import (
	"context"
	"testing"
	"testing/synctest"

	"gohttpx.dev/h1"
	"gohttpx.dev/wire"
)

// A connection has the parser find the end of a head that it has whole. Where the
// parser takes a head, it must end where ScanHead says: bytes of content would
// pass for fields, or the other way round.
func TestParserAndScanAgreeOnTheEnd(t *testing.T) {
	const length = 6
	alphabet := []byte("a: \t\r\n")
	for _, start := range []string{"HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\nb:c", "HTTP/1.1 200 ", "\r\nHTTP/1.0 200\r\nb: c\r\n"} {
		src := append([]byte(start), "000000\r\n\r\nb: d\r\n\r\n"...)
		middle := src[len(start) : len(start)+length]
		taken := 0
		for number := range 6 * 6 * 6 * 6 * 6 * 6 {
			for i, rest := 0, number; i < length; i, rest = i+1, rest/6 {
				middle[i] = alphabet[rest%6]
			}
			end, _, scanErr := h1.ScanHead(src, 0)
			for _, rules := range []h1.Rules{h1.Default, h1.Strict, ^h1.Strict} {
				var r wire.Response
				n, err := h1.ParseResponse(src, &r, rules)
				if err != nil || n == 0 {
					continue
				}
				taken++
				if n != end || scanErr != nil {
					t.Fatalf("%q: the parser takes %d bytes, the scan says %d, %v", src, n, end, scanErr)
				}
			}
		}
		if taken < 1000 {
			t.Errorf("after %q only %d heads are taken", start, taken)
		}
	}
}

// A head that is above the limit is refused unread, whether it comes in one piece
// or byte by byte: nothing of it is in the response.
func TestHeadAboveLimitIsNotParsed(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	for _, tt := range []struct {
		name  string
		limit int
		taken bool
	}{{"as long as the limit", len(head), true}, {"one byte longer", len(head) - 1, false}} {
		for _, step := range []int{len(head), 1} {
			t.Run(tt.name+", "+itoa(step)+" bytes at once", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, h1.Config{Limits: h1.Limits{HeadBytes: tt.limit}})
					r.script(func() {
						for i := 0; i < len(head); i += step {
							r.p.Conn.Write([]byte(head[i : i+step])) // in vain once it has been refused
							synctest.Wait()
						}
					})
					var res wire.Response
					err := r.do(context.Background(), get("/"), &res)
					if (err == nil) != tt.taken {
						t.Errorf("the error is %v", err)
					}
					if parsed := res.Status != 0 || res.Fields != nil; parsed != tt.taken {
						t.Errorf("the response has %d %v", res.Status, res.Fields)
					}
				})
			})
		}
	}
}
