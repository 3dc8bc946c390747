package h1_test

import (
	"testing"

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
