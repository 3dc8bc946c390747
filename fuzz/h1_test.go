package fuzz_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gohttpx.dev/h1"
	"gohttpx.dev/wire"
)

// readHead scans and parses as the owner of a connection does, with src coming
// in pieces of step bytes.
func readHead(t *testing.T, src []byte, step int, rules h1.Rules) (r wire.Response, n int, err error) {
	from := 0
	for have := 0; have < len(src); {
		have = min(have+step, len(src))
		end, resume, err := h1.ScanHead(src[:have], from)
		if err != nil {
			return r, 0, err
		}
		if end == 0 {
			if resume < from || resume > have || have-resume > 2 && resume != 0 {
				t.Fatalf("resume = %d, then %d of %d", from, resume, have)
			}
			from = resume
			continue
		}
		n, err = h1.ParseResponse(src[:have], &r, rules)
		if n == 0 && err == nil {
			t.Fatalf("ScanHead found the end at %d, ParseResponse did not: %q", end, src)
		}
		if err == nil && n != end {
			t.Fatalf("ScanHead found the end at %d, ParseResponse at %d: %q", end, n, src)
		}
		return r, n, err
	}
	return r, 0, nil
}

// typed fails unless err is a ParseError whose offset lies within n bytes.
func typed(t *testing.T, err error, n int) {
	var p *h1.ParseError
	if !errors.As(err, &p) || p.Rule == "" || p.What == "" || p.Offset < -1 || p.Offset > int64(n) {
		t.Fatalf("error %#v", err)
	}
}

func FuzzResponseHead(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
		"HTTP/1.0 404\nA : b\n c\n\n", "\r\nHTTP/1.1 200 OK\r\na(b: \x01\r\n\t \r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1, 1\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 100 \r\n\r\nHTTP/1.1 101 x\r\nUpgrade: y\r\n\r\n", "HTTP/1.1 200 \r\r\n\r\n", "HTTP/1.1 200 OK\r\n\n\r\n",
	} {
		f.Add([]byte(s), uint32(0))
		f.Add([]byte(s), uint32(h1.Strict))
		f.Add([]byte(s), ^uint32(h1.Strict))
	}
	f.Fuzz(func(t *testing.T, src []byte, bits uint32) {
		checkHead(t, src, h1.Rules(bits))
		checkHead(t, inHead(src), h1.Rules(bits))
	})
}

// inHead makes field lines of src: few inputs keep a status line.
func inHead(src []byte) []byte {
	return slices.Concat([]byte("HTTP/1.1 200 OK\r\n"), src, []byte("\r\n\r\n"))
}

func checkHead(t *testing.T, src []byte, rules h1.Rules) {
	r, n, err := readHead(t, src, len(src), rules)
	if err != nil {
		typed(t, err, len(src))
	}

	// Byte by byte it is the same.
	r1, n1, err1 := readHead(t, src, 1, rules)
	if n1 != n || !reflect.DeepEqual(r1, r) || (err1 == nil) != (err == nil) || err != nil && err.Error() != err1.Error() {
		t.Fatalf("whole: %d %v %+v\nbyte by byte: %d %v %+v", n, err, r, n1, err1, r1)
	}
	if n == 0 {
		return
	}

	// What was accepted has no byte that could end a line, and the rules
	// account for every oddity.
	strict := rules&h1.Strict != 0
	if strict && rules == h1.Strict && r.Anomalies != 0 {
		t.Fatalf("strict, yet %v", r.Anomalies)
	}
	if r.Status < 100 || r.Status > 999 || r.Proto != wire.HTTP10 && r.Proto != wire.HTTP11 {
		t.Fatalf("%+v", r)
	}
	if strings.ContainsAny(r.Reason, "\r\n\x00") {
		t.Fatalf("reason %q", r.Reason)
	}
	for _, f := range r.Fields {
		if strings.ContainsAny(f.Name, "\r\n\x00: \t") || f.Name == "" || strings.ContainsAny(f.Value, "\r\n\x00") ||
			f.Value != strings.Trim(f.Value, " \t") {
			t.Fatalf("field %q: %q", f.Name, f.Value)
		}
	}

	// Written as it was understood, it is understood the same and has only
	// those oddities left that are in its bytes.
	again := "HTTP/1." + map[wire.Proto]string{wire.HTTP10: "0", wire.HTTP11: "1"}[r.Proto] + " " + strconv.Itoa(r.Status) + " " + r.Reason + "\r\n"
	for _, f := range r.Fields {
		again += f.Name + ": " + f.Value + "\r\n"
	}
	again += "\r\n"
	r2, n2, err2 := readHead(t, []byte(again), len(again), rules)
	const inBytes = wire.BadNameByte | wire.ControlByte
	if err2 != nil || n2 != len(again) || r2.Anomalies&^inBytes != 0 {
		t.Fatalf("again: %d of %d, %v [%v]\n%q", n2, len(again), err2, r2.Anomalies, again)
	}
	r2.Anomalies = r.Anomalies
	if !sameFields(r2.Fields, r.Fields) || r2.Status != r.Status || r2.Reason != r.Reason || r2.Proto != r.Proto {
		t.Fatalf("again: %+v\nfirst: %+v", r2, r)
	}

	// Framing never panics, and its number fits its kind.
	for _, method := range []string{"GET", "HEAD", "CONNECT"} {
		kind, length, err := h1.BodyFraming(method, &r, rules)
		if err != nil {
			typed(t, err, 0)
			continue
		}
		if kind == h1.Length && length < 0 || kind != h1.Length && length > 0 || r.ContentLength != length {
			t.Fatalf("%v %d %d", kind, length, r.ContentLength)
		}
	}
	h1.KeepAlive(&r, false)
}

func sameFields(a, b wire.Fields) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// readChunked decodes src, coming in pieces of step bytes, with its trailers.
func readChunked(t *testing.T, src []byte, step int, rules h1.Rules) (data []byte, f wire.Fields, n int, a wire.Anomalies, err error) {
	var d h1.ChunkDecoder
	d.Reset(h1.Limits{}, rules)
	for have := 0; have < len(src); {
		have = min(have+step, len(src))
		for {
			piece, k, done, err := d.Next(src[n:have])
			if k < 0 || n+k > have || len(piece) > k {
				t.Fatalf("took %d of %d and gave %d", k, have-n, len(piece))
			}
			data = append(data, piece...)
			n += k
			if err != nil {
				return data, nil, 0, 0, err
			}
			if done {
				end, _ := h1.ScanTrailers(src[n:have], 0)
				if end == 0 {
					break
				}
				p := h1.Parser{Rules: rules}
				f, k, err := p.Trailers(src[n:have], nil)
				if err == nil && k != end {
					t.Fatalf("ScanTrailers found the end at %d, Trailers at %d: %q", end, k, src[n:have])
				}
				if err != nil {
					return data, nil, 0, 0, err
				}
				return data, f, n + k, d.Anomalies() | p.Anomalies, nil
			}
			if len(piece) == 0 {
				if n < have {
					t.Fatalf("stands still at %d of %d: %q", n, have, src)
				}
				break
			}
		}
	}
	return data, nil, 0, 0, nil
}

// FuzzChunked compares with httputil.NewChunkedReader where both accept. The two
// may disagree about acceptance: net/http takes LF, text and spaces that we do
// not; we take quoted strings for what they are, sizes up to 2^63-1 and more
// bytes of extensions.
func FuzzChunked(f *testing.F) {
	for _, s := range []string{
		"5\r\nhello\r\n0\r\n\r\n", "1;a=\"b\\\"\r\nx\r\n0\r\n\r\n", "1 ; a = \"b;\" ;c\r\nx\r\n000;d\r\nx: y\r\n\r\n",
		"1\nx\n0\n\n", "7fffffffffffffff\r\nx", "10000000000000000\r\nx", "2\r\n\r\n\r\n0\r\nContent-Length: 5\r\n\r\n", "1 \r\nx\r\n0\r\n\r\n",
	} {
		f.Add([]byte(s), uint32(0))
		f.Add([]byte(s), uint32(h1.AllowChunkLF|h1.AllowChunkSpace))
	}
	f.Fuzz(func(t *testing.T, src []byte, bits uint32) {
		rules := h1.Rules(bits)
		data, fields, n, odd, err := readChunked(t, src, len(src), rules)
		if err != nil {
			typed(t, err, len(src))
		}
		data1, fields1, n1, odd1, err1 := readChunked(t, src, 1, rules)
		if !bytes.Equal(data, data1) || n != n1 || odd != odd1 || !sameFields(fields, fields1) ||
			(err == nil) != (err1 == nil) || err != nil && err.Error() != err1.Error() {
			t.Fatalf("whole: %q %d %v %v %v\nbyte by byte: %q %d %v %v %v", data, n, odd, fields, err, data1, n1, odd1, fields1, err1)
		}
		if n == 0 {
			return
		}
		if odd != 0 && rules&(h1.AllowChunkLF|h1.AllowChunkSpace|h1.AllowSpaceBeforeColon|h1.AllowBadName|h1.AllowCTL) == 0 && odd != wire.ObsFold {
			t.Fatalf("not allowed, yet %v", odd)
		}
		theirs, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(src)))
		if err == nil && !bytes.Equal(data, theirs) {
			t.Fatalf("we read %q, net/http %q", data, theirs)
		}

		// Written again it says the same.
		again, err := h1.AppendLastChunk(h1.AppendChunk(nil, data), nil)
		if err != nil {
			t.Fatal(err)
		}
		back, _, k, _, err := readChunked(t, again, len(again), h1.Strict)
		if !bytes.Equal(back, data) || k != len(again) || err != nil {
			t.Fatalf("again: %q %d %v", back, k, err)
		}
	})
}

// FuzzRequest: what AppendRequest writes, net/http reads as the same request.
// Allowed disagreements, where net/http refuses what we write:
//
//   - A target that is no URL to net/url: "%zz", a port that is no number in an
//     absolute-form, and so on. RFC 9112 §3.2 leaves such a target to the
//     server, and URLs in use have them.
//   - A Host that is no host to net/http, although its bytes may stand in a
//     reg-name (RFC 3986 §3.2.2).
//   - A value of Content-Length that has zeros in front or whitespace around it.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "example.test", "/a?b", "A", "b", "", "", int64(-2))
	f.Add("POST", "example.test:80", "http://example.test:80/", "Content-Length", "5", "Host", "x", int64(5))
	f.Add("PUT", "[::1]:8080", "/", "Transfer-Encoding", "chunked", "TE", "trailers", int64(-1))
	f.Add("OPTIONS", "a", "*", "Upgrade", "x", "Connection", "close", int64(-2))
	f.Add("CONNECT", "a", "a:443", "Expect", "100-continue", "a", " b\t", int64(-2))
	f.Add("GET", "a\r\nb: c", "/ HTTP/1.1\r\n", "a\r\nb", "c\r\nd: e", "\x00", "\x7f", int64(0))
	f.Fuzz(func(t *testing.T, method, authority, target, name1, value1, name2, value2 string, length int64) {
		req := wire.Request{Method: method, Authority: authority, Target: target, BodyLen: length}
		if name1 != "" || value1 != "" {
			req.Fields.Add(name1, value1)
		}
		if name2 != "" || value2 != "" {
			req.Fields.Add(name2, value2)
		}
		if length >= -1 {
			req.Body = io.NopCloser(strings.NewReader(""))
		}
		dst, err := h1.AppendRequest([]byte("before"), &req, h1.Default)
		if err != nil {
			var e *wire.Error
			var q *h1.RequestError
			if !errors.As(err, &e) || !errors.Is(err, wire.ErrLocalProtocol) || e.Sent || !errors.As(err, &q) || string(dst) != "before" {
				t.Fatalf("%q, %#v", dst, err)
			}
			return
		}
		out := dst[len("before"):]

		// Whoever splits the head at its line ends sees our lines and no other.
		lines := strings.Split(string(out), "\r\n")
		added := len(lines) - 3 - len(req.Fields) // the request line and two empty strings
		if added < 0 || added > 4 || strings.Contains(strings.ReplaceAll(string(out), "\r\n", ""), "\n") || strings.Count(string(out), "\r") != len(lines)-1 {
			t.Fatalf("%q", out)
		}

		got, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(out)))
		if err != nil {
			s := err.Error()
			switch {
			case strings.Contains(s, "invalid URI for request"), strings.HasPrefix(s, "parse "):
			case strings.Contains(s, "malformed Host header"):
			case strings.Contains(s, "Content-Length"):
			default:
				t.Fatalf("net/http refuses %q: %v", out, err)
			}
			return
		}
		want := req.Method
		if want == "" {
			want = "GET"
		}
		if got.Method != want || got.RequestURI != req.Target || got.ProtoMinor != 1 {
			t.Fatalf("%q read as %s %s", out, got.Method, got.RequestURI)
		}
		chunked, n := h1.RequestFraming(&req)
		if chunked != (len(got.TransferEncoding) == 1) || !chunked && got.ContentLength != n {
			t.Fatalf("%q: we say chunked=%v length %d, net/http %v %d", out, chunked, n, got.TransferEncoding, got.ContentLength)
		}
		if cont := strings.EqualFold(got.Header.Get("Expect"), "100-continue"); cont && !h1.ExpectsContinue(&req) {
			t.Fatalf("%q asks for 100, we do not know", out)
		}
		for _, f := range req.Fields {
			if wire.EqualFold(f.Name, "Host") || wire.EqualFold(f.Name, "Transfer-Encoding") || wire.EqualFold(f.Name, "Content-Length") {
				continue // taken out of Header
			}
			found := false
			for _, v := range got.Header[http.CanonicalHeaderKey(f.Name)] {
				found = found || v == strings.Trim(f.Value, " \t")
			}
			if !found {
				t.Fatalf("%q: %q is lost in %v", out, f.Name, got.Header)
			}
		}
	})
}

// FuzzHeadDiff compares with http.ReadResponse. Where both accept, status,
// fields and framing agree. Allowed disagreements:
//
//   - We refuse what net/http takes: see stricter.
//   - We take what net/http refuses: Content-Length and Transfer-Encoding that
//     make no sense where RFC 9112 §6.3 has them ignored, and equal
//     Content-Length values that are written differently: "5" and "05" (RFC
//     9110 §8.6 speaks of the same decimal value).
//   - Both may accept and differ: net/http trims the reason, replaces folds in
//     its own way and drops Content-Length beside Transfer-Encoding.
func FuzzHeadDiff(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 200\r\nA: b\r\nA: c\r\n\r\n", "HTTP/1.0 200 OK\nConnection: keep-alive\nContent-Length: 0\n\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
	} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, src []byte, isHead bool) {
		method := "GET"
		if isHead {
			method = "HEAD"
		}
		compareHead(t, src, method)
		compareHead(t, inHead(src), method)
	})
}

func compareHead(t *testing.T, src []byte, method string) {
	theirs, err2 := http.ReadResponse(bufio.NewReader(bytes.NewReader(src)), &http.Request{Method: method})
	r, n, err := readHead(t, src, max(len(src), 1), h1.Default)
	var kind h1.Framing
	var length int64
	if err == nil && n > 0 {
		kind, length, err = h1.BodyFraming(method, &r, h1.Default)
	}
	if err != nil && err2 == nil && !stricter(err) {
		t.Fatalf("net/http takes what we refuse: %v", err)
	}
	if n == 0 || err != nil {
		return
	}
	if err2 != nil {
		text := err2.Error()
		switch {
		case kind != h1.Length && kind != h1.UntilClose && strings.Contains(text, "Content-Length"):
		case kind != h1.Length && strings.Contains(text, "ransfer encoding"):
		case r.Anomalies&wire.RepeatedLength != 0 && strings.Contains(text, "multiple Content-Length"):
		default:
			t.Fatalf("net/http refuses: %v", err2)
		}
		return
	}
	if theirs.StatusCode != r.Status {
		t.Fatalf("status %d, net/http %d", r.Status, theirs.StatusCode)
	}
	if r.Anomalies&wire.ObsFold == 0 {
		for _, f := range r.Fields {
			key := http.CanonicalHeaderKey(f.Name)
			switch key {
			case "Content-Length", "Transfer-Encoding", "Trailer":
				continue
			}
			found := false
			for _, v := range theirs.Header[key] {
				found = found || v == f.Value
			}
			if !found {
				t.Fatalf("%q: %q is not in %v", f.Name, f.Value, theirs.Header)
			}
		}
	}
	switch kind {
	case h1.Chunked:
		if len(theirs.TransferEncoding) != 1 || theirs.ContentLength != -1 {
			t.Fatalf("chunked, net/http %v %d", theirs.TransferEncoding, theirs.ContentLength)
		}
	case h1.Length:
		if theirs.ContentLength != length || len(theirs.TransferEncoding) != 0 {
			t.Fatalf("length %d, net/http %v %d", length, theirs.TransferEncoding, theirs.ContentLength)
		}
	case h1.UntilClose:
		if theirs.ContentLength != -1 || len(theirs.TransferEncoding) != 0 || !theirs.Close {
			t.Fatalf("until close, net/http %v %d", theirs.TransferEncoding, theirs.ContentLength)
		}
	case h1.NoBody:
		if b, err := io.ReadAll(theirs.Body); len(b) > 0 || err != nil {
			t.Fatalf("no body, net/http %q, %v", b, err)
		}
	}
}

// stricter reports whether err is for a reason for which net/http is known to
// refuse nothing.
func stricter(err error) bool {
	var p *h1.ParseError
	if !errors.As(err, &p) {
		return false
	}
	for _, rule := range []string{
		"RFC 9112 §4:", "RFC 9110 §15:", "RFC 9112 §2.3:", // other versions, codes and spaces in the status line
		"RFC 9112 §5.1:", "RFC 9110 §5.1:", // spaces and other bytes in names
		"RFC 9110 §5.5:", "RFC 9112 §2.2: CR", // control bytes in values and in the reason, CR that is dropped
		"RFC 9112 §5.2: no folded field line where",       // folded Content-Length
		"RFC 9112 §6.1: Transfer-Encoding in an HTTP/1.0", // ignored there
	} {
		if strings.HasPrefix(p.Rule, rule) {
			return true
		}
	}
	return false
}
