package subject

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"gohttpx.dev/bench/server"
)

// lies are what can be wrong in an answer.
const (
	lieStatus = "another status"
	lieToken  = "another token"
	lieShort  = "cut short"
	lieLong   = "too long"
	lieField  = "another last field"
)

// answered answers what the server of the benchmark would, but for the lie.
func answered(w http.ResponseWriter, r *http.Request, lie string) {
	io.Copy(io.Discard, r.Body)
	segments := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	kind := ""
	if segments[0][0] > '9' {
		kind, segments = segments[0], segments[1:]
	}
	size, _ := strconv.Atoi(segments[0])
	token, field := segments[1], segments[1]
	switch lie {
	case lieToken:
		token = strings.Repeat("f", server.TokenLen)
	case lieField:
		field = strings.Repeat("f", server.TokenLen)
	case lieShort:
		size--
	case lieLong:
		size++
	}
	body := []byte((token + strings.Repeat("x", 1<<20))[:size])
	switch kind {
	case server.KindFields:
		for i := range server.Fields - 1 {
			w.Header().Set(fmt.Sprintf("X-Some-%d", i), "value")
		}
		w.Header().Set(server.LastField, field)
	case server.KindGzip:
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(body)
		z.Close()
		body = b.Bytes()
		w.Header().Set("Content-Encoding", "gzip")
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if lie == lieStatus {
		w.WriteHeader(203)
	}
	w.Write(body)
}

// Whatever is asked for, who does not see that the answer is wrong has worthless
// numbers.
func TestJobsSeeWrongAnswers(t *testing.T) {
	for _, j := range []struct {
		name string
		o    Options
		lies []string
	}{
		{"post", Options{Job: Post, Size: 64, Upload: 64}, []string{lieStatus, lieToken, lieShort, lieLong}},
		{"down", Options{Job: Down, Size: 300_000}, []string{lieStatus, lieToken, lieShort, lieLong}},
		{"up", Options{Job: Up, Size: server.TokenLen, Upload: 300_000}, []string{lieStatus, lieToken, lieShort, lieLong}},
		{"gzip", Options{Kind: server.KindGzip, Size: 4096}, []string{lieStatus, lieToken, lieShort, lieLong}},
		{"fields", Options{Kind: server.KindFields, Size: 64}, []string{lieStatus, lieToken, lieShort, lieLong, lieField}},
	} {
		for _, proto := range []Proto{HTTP1, HTTP2Cleartext} {
			for _, lie := range append(j.lies, "") {
				for _, s := range Speaking(proto) {
					o := j.o
					o.Proto, o.Conns = proto, 1
					if !s.Takes(o) {
						continue
					}
					t.Run(fmt.Sprintf("%s/%s/%s/%s", j.name, proto, s.Name, lie), func(t *testing.T) {
						var asked atomic.Int32
						o.Addr = addrOf(t, proto, func(w http.ResponseWriter, r *http.Request) {
							if asked.Add(1) == 1 { // some subjects try a connection
								answered(w, r, "")
								return
							}
							answered(w, r, lie)
						})
						if lie == "" {
							exchange(t, s, o)
							return
						}
						refuses(t, s, o)
					})
				}
			}
		}
	}
}

// refuses lets s make three exchanges with a server that lies, of which one must
// fail.
func refuses(t *testing.T, s Subject, o Options) {
	t.Helper()
	c, err := s.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	exchange, err := c.Worker(0)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := exchange(); err != nil {
			return
		}
	}
	t.Error("three answers were taken for right")
}
