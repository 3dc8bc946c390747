package server

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strconv"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// Kinds of what can be asked for, the first segment of a target before the size.
const (
	// Fields answers with Fields field lines, the last of them LastField with the
	// token.
	KindFields = "fields"
	// KindAll waits until so many requests wait as the target's last segment
	// says, and then answers all of them: so many connections are open then.
	KindAll = "all"
	// The content codings: the content is sent in them whatever was accepted.
	KindGzip   = "gzip"
	KindBrotli = "br"
	KindZstd   = "zstd"
)

const (
	// Fields is how many field lines KindFields has, those that all answers have
	// not counted.
	Fields = 100
	// LastField is the name of the last of them.
	LastField = "X-Bench-Last"
)

// ask is what a request asks for.
type ask struct {
	post  bool
	kind  string // "" for content as it is
	size  int    // of the answer's content, in bytes
	token []byte
	// n is the number of bytes that a POST brings, or how many requests KindAll
	// waits for.
	n int
}

// isPlain reports whether it is what the fast path answers: one piece of content.
func (a ask) isPlain() bool { return !a.post && a.kind == "" && a.size <= pieceSize }

// pieceSize is above what is laid out at once, in bytes.
const pieceSize = 256 << 10

// parseAsk reads the start of a head:
//
//	GET  /[<kind>/]<size>/<token>[/<n>] HTTP…
//	POST /<size>/<token>/<n> HTTP…
func parseAsk(head []byte) (a ask, ok bool) {
	rest, ok := bytes.CutPrefix(head, []byte("GET /"))
	if !ok {
		if rest, ok = bytes.CutPrefix(head, []byte("POST /")); !ok {
			return a, false
		}
		a.post = true
	}
	if len(rest) > 0 && (rest[0] < '0' || rest[0] > '9') {
		kind, after, found := bytes.Cut(rest, []byte("/"))
		if !found {
			return a, false
		}
		switch a.kind = string(kind); a.kind {
		case KindFields, KindAll, KindGzip, KindBrotli, KindZstd:
		default:
			return a, false
		}
		rest = after
	}
	if a.size, rest, ok = cutNumber(rest); !ok || a.size < TokenLen || len(rest) < 1+TokenLen+1 || rest[0] != '/' {
		return a, false
	}
	a.token, rest = rest[1:1+TokenLen], rest[1+TokenLen:]
	hasN := rest[0] == '/'
	if hasN {
		if a.n, rest, ok = cutNumber(rest[1:]); !ok || len(rest) == 0 {
			return a, false
		}
	}
	return a, rest[0] == ' ' && hasN == (a.post || a.kind == KindAll)
}

// cutNumber reads digits of a number that is at most MaxSize.
func cutNumber(b []byte) (n int, rest []byte, ok bool) {
	i := 0
	for ; i < len(b) && b[i] >= '0' && b[i] <= '9'; i++ {
		if n = n*10 + int(b[i]-'0'); n > MaxSize {
			return 0, b, false
		}
	}
	return n, b[i:], i > 0
}

// fieldName is the name of one of the Fields.
func fieldName(i int) string {
	if i == Fields-1 {
		return LastField
	}
	return fmt.Sprintf("X-Bench-%02d", i)
}

// fieldValue is its value, as long as many a real one.
func fieldValue(i int, token []byte) string {
	if i == Fields-1 {
		return string(token)
	}
	return "value " + strconv.Itoa(i) + " of a field line"
}

// arrival counts what a POST brings: n bytes, among whose first tokenWithin is the
// token.
type arrival struct {
	start []byte
	n     int
}

// tokenWithin is how far into the content a token may be, so that JSON can have it.
const tokenWithin = 64

func (a *arrival) add(p []byte) {
	if room := tokenWithin - len(a.start); room > 0 {
		a.start = append(a.start, p[:min(room, len(p))]...)
	}
	a.n += len(p)
}

func (a *arrival) right(want ask) bool { return a.n == want.n && bytes.Contains(a.start, want.token) }

// coded is content in its codings, made when it is first asked for: the server's
// time is not measured, but it should not be waited for either.
var coded = struct {
	sync.Mutex
	made map[string][]byte
}{made: map[string][]byte{}}

func codedContent(a ask) ([]byte, error) {
	key := fmt.Sprintf("%s/%d/%s", a.kind, a.size, a.token)
	coded.Lock()
	defer coded.Unlock()
	if b, ok := coded.made[key]; ok {
		return b, nil
	}
	var b bytes.Buffer
	var w io.WriteCloser
	switch a.kind {
	case KindGzip:
		w = gzip.NewWriter(&b)
	case KindBrotli:
		w = brotli.NewWriterLevel(&b, 6)
	default:
		zw, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		w = zw
	}
	if _, err := w.Write(text(string(a.token), a.size)); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	coded.made[key] = b.Bytes()
	return b.Bytes(), nil
}

// text is content that compresses as JSON does, about six to one: the token, then
// records whose numbers are not alike.
func text(token string, size int) []byte {
	b := append(make([]byte, 0, size+64), token...)
	for x := uint32(1); len(b) < size; {
		x = x*1664525 + 1013904223
		b = fmt.Appendf(b, `{"id":%d,"state":"ready","owner":"user-%02d","tags":["a","b"]},`, x>>8, x>>26)
	}
	return b[:size]
}

// gate lets requests wait for each other.
type gate struct {
	sync.Mutex
	waiting int
	open    chan struct{}
}

var all = gate{open: make(chan struct{})}

// wait returns when n are waiting.
func (g *gate) wait(n int) {
	g.Lock()
	open := g.open
	if g.waiting++; g.waiting >= n {
		g.waiting, g.open = 0, make(chan struct{})
		close(open)
	}
	g.Unlock()
	<-open
}
