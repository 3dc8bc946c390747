package fuzz_test

import (
	"bytes"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gohttpx.dev/h1"
	"gohttpx.dev/wire"
)

// framingMethods are those that matter to RFC 9112 §6.3, and one that does not.
var framingMethods = [...]string{"GET", "HEAD", "CONNECT"}

// FuzzFraming holds BodyFraming and KeepAlive against the list of RFC 9112 §6.3,
// written down once more in ladder: of every head that is read, both choose the
// same framing, or both refuse.
func FuzzFraming(f *testing.F) {
	f.Fuzz(func(t *testing.T, lines []byte, method uint8, status uint16, old bool, bits uint32, closes bool) {
		proto := "1"
		if old {
			proto = "0"
		}
		head := "HTTP/1." + proto + " " + strconv.Itoa(100+int(status)%900) + " x\r\n" + string(lines) + "\r\n\r\n"
		rules := h1.Rules(bits)
		var r wire.Response
		n, err := h1.ParseResponse([]byte(head), &r, rules)
		if n == 0 || err != nil {
			return
		}
		m := framingMethods[int(method)%len(framingMethods)]
		before := r.Anomalies
		r.ContentLength = -7
		kind, length, err := h1.BodyFraming(m, &r, rules)
		want, wantLength, odd, ok := ladder(m, &r, rules)
		if ok != (err == nil) {
			t.Fatalf("%s %q [%x]: %v, %v; RFC 9112 §6.3 says %v, %v", m, head, bits, kind, err, want, ok)
		}
		if err != nil {
			typed(t, err, 0)
			if r.ContentLength != -7 {
				t.Fatalf("refused, yet the length is %d", r.ContentLength)
			}
			return
		}
		if kind != want || length != wantLength || r.ContentLength != length || r.Anomalies != before|odd {
			t.Fatalf("%s %q [%x]: %v %d [%v]; RFC 9112 §6.3 says %v %d [%v]", m, head, bits, kind, length, r.Anomalies, want, wantLength, before|odd)
		}
		// RFC 9112 §9.3, and §6.3 for what is doubtful.
		var options []string
		for _, v := range r.Fields.Values("Connection") {
			for o := range strings.SplitSeq(v, ",") {
				options = append(options, strings.ToLower(strings.Trim(o, " \t")))
			}
		}
		const doubtful = wire.LengthAndTransfer | wire.TransferInHTTP10 | wire.DifferentLengths
		keep := !closes && r.Anomalies&doubtful == 0 && !slices.Contains(options, "close") && (r.Proto == wire.HTTP11 || slices.Contains(options, "keep-alive"))
		if h1.KeepAlive(&r, closes) != keep {
			t.Fatalf("%q: kept is %v, RFC 9112 §9.3 says %v", head, !keep, keep)
		}
	})
}

// ladder is RFC 9112 §6.3 item by item for a client, with the doc comments of
// h1.Rules where it leaves a choice.
func ladder(method string, r *wire.Response, rules h1.Rules) (kind h1.Framing, n int64, odd wire.Anomalies, ok bool) {
	allowed := func(bit h1.Rules) bool {
		byDefault := bit == h1.AllowRepeatedLength || bit == h1.AllowLengthAndTransfer
		return rules&bit != 0 || byDefault && rules&h1.Strict == 0
	}
	switch {
	case r.Status == 101: // RFC 9110 §15.2.2
		return h1.Switched, 0, 0, true
	case method == "HEAD" || r.Status/100 == 1 || r.Status == 204 || r.Status == 304: // item 1
		return h1.NoBody, 0, 0, true
	case method == "CONNECT" && r.Status/100 == 2: // item 2
		return h1.Switched, 0, 0, true
	}
	codings, lengths := r.Fields.Values("Transfer-Encoding"), r.Fields.Values("Content-Length")
	if len(codings) > 0 { // items 3 and 4
		if r.Proto == wire.HTTP10 {
			odd |= wire.TransferInHTTP10
		}
		if len(lengths) > 0 {
			odd |= wire.LengthAndTransfer
		}
		ok = len(codings) == 1 && strings.ToLower(codings[0]) == "chunked" &&
			(odd&wire.TransferInHTTP10 == 0 || allowed(h1.AllowTransferInHTTP10)) &&
			(odd&wire.LengthAndTransfer == 0 || allowed(h1.AllowLengthAndTransfer))
		return h1.Chunked, -1, odd, ok
	}
	if len(lengths) == 0 { // item 8
		return h1.UntilClose, -1, 0, true
	}
	var first *big.Int // items 5 and 6
	for i, one := range strings.Split(strings.Join(lengths, ","), ",") {
		one = strings.Trim(one, " \t")
		v, isNumber := new(big.Int).SetString(one, 10)
		if !isNumber || strings.Trim(one, "0123456789") != "" || !v.IsInt64() {
			return 0, 0, 0, false
		}
		switch {
		case i == 0:
			first = v
		case v.Cmp(first) == 0:
			odd |= wire.RepeatedLength
		default:
			odd |= wire.DifferentLengths
		}
	}
	ok = (odd&wire.RepeatedLength == 0 || allowed(h1.AllowRepeatedLength)) && (odd&wire.DifferentLengths == 0 || rules&h1.UnsafeFirstLengthWins != 0)
	return h1.Length, first.Int64(), odd, ok
}

// FuzzTrailers: a trailer section is read as the fields of a head are, whole, byte
// by byte and with bytes behind it, and what AppendLastChunk writes is read back.
// Allowed differences between the two sections: whether LF alone ends a line is
// asked of another bit, and where an error stands.
func FuzzTrailers(f *testing.F) {
	f.Fuzz(func(t *testing.T, src []byte, bits uint32) {
		rules := h1.Rules(bits)
		fields, n, err := h1.ParseTrailers(src, nil, rules)
		if err != nil {
			typed(t, err, len(src))
		}
		if n < 0 || n > len(src) || (n == 0 || err != nil) && fields != nil {
			t.Fatalf("%d of %d with %v, %v", n, len(src), fields, err)
		}
		for have := range min(len(src), 128) {
			f1, n1, err1 := h1.ParseTrailers(src[:have], nil, rules)
			switch {
			case err1 != nil && (err == nil || err1.Error() != err.Error()):
				t.Fatalf("%d bytes: %v; all: %v", have, err1, err)
			case err1 == nil && n1 != 0 && (n1 != n || !sameFields(f1, fields)):
				t.Fatalf("%d bytes: %d %v; all: %d %v", have, n1, f1, n, fields)
			case err1 == nil && n1 == 0 && n > 0 && have >= n:
				t.Fatalf("%d bytes are not enough of %d", have, n)
			}
		}
		if lf := bytes.Count(src[:n], []byte("\n")) > bytes.Count(src[:n], []byte("\r\n")); lf && rules&h1.AllowChunkLF == 0 {
			t.Fatalf("%q: LF alone ends a line", src[:n])
		}
		if !bytes.Contains(src, []byte("\r\n\r\n")) && !bytes.HasPrefix(src, []byte("\r\n")) {
			return
		}

		// As fields of a head, with the same rule for LF.
		both := rules &^ (h1.AllowBareLF | h1.AllowChunkLF)
		if both&h1.Strict == 0 {
			both |= h1.AllowChunkLF // as AllowBareLF is by default
		}
		const line = "HTTP/1.1 200 OK\r\n"
		var r wire.Response
		fields, n, err = h1.ParseTrailers(src, nil, both)
		k, err2 := h1.ParseResponse(append([]byte(line), src...), &r, both)
		if (err == nil) != (err2 == nil) || err == nil && (k != n+len(line) || !sameFields(fields, r.Fields)) {
			t.Fatalf("%q: %d %v %v; in a head: %d %v %v", src, n, fields, err, k, r.Fields, err2)
		}
		if err != nil || n == 0 {
			return
		}
		out, err := h1.AppendLastChunk([]byte("x"), fields)
		if err != nil {
			if string(out) != "x" {
				t.Fatalf("refused, yet %q", out)
			}
			return
		}
		tail, ok := bytes.CutPrefix(out, []byte("x0\r\n"))
		again, n, err := h1.ParseTrailers(tail, nil, h1.Strict)
		if !ok || err != nil || n != len(tail) || !sameFields(again, fields) {
			t.Fatalf("%v written as %q: %v, %v", fields, out, again, err)
		}
	})
}
