package h1

import (
	"strings"
	"testing"

	"gohttpx.dev/wire"
)

const ok = "HTTP/1.1 200 OK\r\n"

func TestResponse(t *testing.T) {
	fields := func(nv ...string) wire.Fields {
		f := wire.Fields{}
		for i := 0; i < len(nv); i += 2 {
			f.Add(nv[i], nv[i+1])
		}
		return f
	}
	plain := func(src string, nv ...string) head {
		return head{Status: 200, Proto: wire.HTTP11, Reason: "OK", Fields: fields(nv...), N: len(src)}
	}
	odd := func(a wire.Anomalies, src string, nv ...string) head {
		h := plain(src, nv...)
		h.Anomalies = a
		return h
	}
	long := strings.Repeat("long value, ", 40) + "end"
	tests := []struct {
		name  string
		src   string
		rules Rules
		want  head
	}{
		{"no fields", ok + "\r\n", Strict, plain(ok + "\r\n")},
		{"order, case and duplicates", ok + "b: 1\r\nA: 2\r\nB: 3\r\n\r\n", Strict, plain(ok+"b: 1\r\nA: 2\r\nB: 3\r\n\r\n", "b", "1", "A", "2", "B", "3")},
		{"empty value", ok + "a:\r\nb: \r\nc:\t \r\n\r\n", Strict, plain(ok+"a:\r\nb: \r\nc:\t \r\n\r\n", "a", "", "b", "", "c", "")},
		{"whitespace around the value", ok + "a: \t x y \t \r\n\r\n", Strict, plain(ok+"a: \t x y \t \r\n\r\n", "a", "x y")},
		{"no whitespace", ok + "a:x\r\n\r\n", Strict, plain(ok+"a:x\r\n\r\n", "a", "x")},
		{"tab inside a value", ok + "a: x\ty\r\n\r\n", Strict, plain(ok+"a: x\ty\r\n\r\n", "a", "x\ty")},
		{"bytes above 0x7f", ok + "a: caf\xe9 \xff\x80\xa0\r\n\r\n", Strict, plain(ok+"a: caf\xe9 \xff\x80\xa0\r\n\r\n", "a", "caf\xe9 \xff\x80\xa0")},
		{"colons in a value", ok + "a: ::b:\r\n\r\n", Strict, plain(ok+"a: ::b:\r\n\r\n", "a", "::b:")},
		{"every token byte in a name", ok + "!#$%&'*+-.^_`|~09azAZ: x\r\n\r\n", Strict, plain(ok+"!#$%&'*+-.^_`|~09azAZ: x\r\n\r\n", "!#$%&'*+-.^_`|~09azAZ", "x")},
		{"long value", ok + "a: " + long + "\r\n\r\n", Strict, plain(ok+"a: "+long+"\r\n\r\n", "a", long)},
		{"HTTP/1.0", "HTTP/1.0 404 Not Found\r\n\r\n", Strict, head{Status: 404, Proto: wire.HTTP10, Reason: "Not Found", Fields: wire.Fields{}, N: 26}},
		{"HTTP/1.7", "HTTP/1.7 204 x\r\n\r\n", Strict, head{Status: 204, Proto: wire.HTTP11, Reason: "x", Fields: wire.Fields{}, N: 18}},
		{"empty reason after its SP", "HTTP/1.1 999 \r\n\r\n", Strict, head{Status: 999, Proto: wire.HTTP11, Fields: wire.Fields{}, N: 17}},
		{"reason kept as it came", "HTTP/1.1 100  a\tb \xff \r\n\r\n", Strict, head{Status: 100, Proto: wire.HTTP11, Reason: " a\tb \xff ", Fields: wire.Fields{}, N: 24}},

		{"no reason, no SP", "HTTP/1.1 200\r\n\r\n", 0, head{Status: 200, Proto: wire.HTTP11, Fields: wire.Fields{}, Anomalies: wire.NoReason, N: 16}},
		{"no reason, strict", "HTTP/1.1 200\r\n\r\n", Strict, head{Err: ruleStatus}},
		{"no reason, strict but allowed", "HTTP/1.1 200\r\n\r\n", Strict | AllowNoReason, head{Status: 200, Proto: wire.HTTP11, Fields: wire.Fields{}, Anomalies: wire.NoReason, N: 16}},
		{"bare LF", "HTTP/1.1 200 OK\na: b\n\n", 0, odd(wire.BareLF, "HTTP/1.1 200 OK\na: b\n\n", "a", "b")},
		{"LF and CRLF mixed", "HTTP/1.1 200 OK\r\na: b\nc: d\r\n\n", 0, odd(wire.BareLF, "HTTP/1.1 200 OK\r\na: b\nc: d\r\n\n", "a", "b", "c", "d")},
		{"LF then CRLF at the end", "HTTP/1.1 200 OK\n\r\n", 0, odd(wire.BareLF, "HTTP/1.1 200 OK\n\r\n")},
		{"bare LF, strict", ok + "a: b\n\r\n", Strict, head{Err: ruleLine}},
		{"bare LF after the status line, strict", "HTTP/1.1 200 OK\na: b\r\n\r\n", Strict, head{Err: ruleLine}},
		{"bare LF as the empty line, strict", ok + "a: b\r\n\n", Strict, head{Err: ruleLine}},
		{"bare LF, strict but allowed", ok + "a: b\n\n", Strict | AllowBareLF, odd(wire.BareLF, ok+"a: b\n\n", "a", "b")},
		{"folded line", ok + "a: b\r\n  c\r\nd: e\r\n\r\n", 0, odd(wire.ObsFold, ok+"a: b\r\n  c\r\nd: e\r\n\r\n", "a", "b c", "d", "e")},
		{"folded twice", ok + "a: b \r\n\tc\t\r\n d \r\n\r\n", 0, odd(wire.ObsFold, ok+"a: b \r\n\tc\t\r\n d \r\n\r\n", "a", "b c d")},
		{"folded with LF", ok + "a: b\n c\n\n", 0, odd(wire.ObsFold|wire.BareLF, ok+"a: b\n c\n\n", "a", "b c")},
		{"fold before the value", ok + "a:\r\n b\r\n\r\n", 0, odd(wire.ObsFold, ok+"a:\r\n b\r\n\r\n", "a", "b")},
		{"fold of nothing", ok + "a: b\r\n \r\n\r\n", 0, odd(wire.ObsFold, ok+"a: b\r\n \r\n\r\n", "a", "b")},
		{"fold over a blank line", ok + "a: b\r\n \r\n c\r\n\r\n", 0, odd(wire.ObsFold, ok+"a: b\r\n \r\n c\r\n\r\n", "a", "b  c")},
		{"fold looks like a field", ok + "a: b\r\n c: d\r\n\r\n", 0, odd(wire.ObsFold, ok+"a: b\r\n c: d\r\n\r\n", "a", "b c: d")},
		{"folded line, strict", ok + "a: b\r\n c\r\n\r\n", Strict, head{Err: ruleFold}},
		{"folded line, strict but allowed", ok + "a: b\r\n c\r\n\r\n", Strict | AllowObsFold, odd(wire.ObsFold, ok+"a: b\r\n c\r\n\r\n", "a", "b c")},
		{"folded Transfer-Encoding", ok + "transfer-encoding:\r\n chunked\r\n\r\n", 0, head{Err: ruleFoldFrame}},
		{"folded Content-Length", ok + "Content-Length: 1\r\n 0\r\n\r\n", 0, head{Err: ruleFoldFrame}},
		{"CR inside a folded line", ok + "a: b\r\n c\rd\r\n\r\n", 0, head{Err: ruleCR}},

		{"space before the colon", ok + "a : b\r\n\r\n", 0, head{Err: ruleColon}},
		{"tab before the colon", ok + "a\t: b\r\n\r\n", 0, head{Err: ruleColon}},
		{"space before the colon, allowed", ok + "a \t: b\r\n\r\n", AllowSpaceBeforeColon, odd(wire.SpaceBeforeColon, ok+"a \t: b\r\n\r\n", "a", "b")},
		{"space inside a name", ok + "a b: c\r\n\r\n", AllowSpaceBeforeColon | AllowBadName, head{Err: ruleName}},
		{"no name", ok + ": b\r\n\r\n", AllowBadName | AllowSpaceBeforeColon, head{Err: ruleName}},
		{"no colon", ok + "abc\r\n\r\n", AllowBadName, head{Err: ruleNoColon}},
		{"bad byte in a name", ok + "a(b: c\r\n\r\n", 0, head{Err: ruleName}},
		{"bad byte in a name, allowed", ok + "a(\xe9)b: c\r\n\r\n", AllowBadName, odd(wire.BadNameByte, ok+"a(\xe9)b: c\r\n\r\n", "a(\xe9)b", "c")},
		{"control byte in a name", ok + "a\x01b: c\r\n\r\n", AllowBadName | AllowCTL, head{Err: ruleName}},
		{"DEL in a name", ok + "a\x7fb: c\r\n\r\n", AllowBadName | AllowCTL, head{Err: ruleName}},
		{"NUL in a name", ok + "a\x00b: c\r\n\r\n", AllowBadName | AllowCTL, head{Err: ruleName}},
		{"bare CR in a name", ok + "a\rb: c\r\n\r\n", AllowBadName | AllowCTL, head{Err: ruleNoColon}},

		{"bare CR in a value", ok + "a: b\rc\r\n\r\n", AllowCTL, head{Err: ruleCR}},
		{"bare CR at the end of a value", ok + "a: b\r\r\n\r\n", AllowCTL, head{Err: ruleCR}},
		{"bare CR in the reason", "HTTP/1.1 200 O\rK\r\n\r\n", AllowCTL, head{Err: ruleCR}},
		{"bare CR instead of an empty line", ok + "a: b\r\n\rx: y\r\n\r\n", AllowCTL, head{Err: ruleCR}},
		{"NUL in a value", ok + "a: b\x00c\r\n\r\n", AllowCTL, head{Err: ruleValue}},
		{"NUL in the reason", "HTTP/1.1 200 \x00\r\n\r\n", AllowCTL, head{Err: ruleValue}},
		{"control byte in a value", ok + "a: b\x01c\r\n\r\n", 0, head{Err: ruleValue}},
		{"control byte after 20 others", ok + "a: 01234567890123456789\x1f0123456789\r\n\r\n", 0, head{Err: ruleValue}},
		{"DEL in a value", ok + "a: b\x7fc\r\n\r\n", 0, head{Err: ruleValue}},
		{"control bytes in a value, allowed", ok + "a: b\x01\x1f\x7fc\r\n\r\n", AllowCTL, odd(wire.ControlByte, ok+"a: b\x01\x1f\x7fc\r\n\r\n", "a", "b\x01\x1f\x7fc")},
		{"vertical tab before a value", ok + "Transfer-Encoding: \x0bchunked\r\n\r\n", 0, head{Err: ruleValue}},

		{"space before the first field", ok + " a: b\r\n\r\n", 0, head{Err: ruleFirst}},
		{"blank line first", ok + " \r\na: b\r\n\r\n", 0, head{Err: ruleFirst}},
		{"empty line before the status line", "\r\n" + ok + "\r\n", 0, head{Err: ruleEmptyLine}},
		{"empty line before the status line, allowed", "\r\n" + ok + "\r\n", AllowLeadingEmptyLine, odd(wire.LeadingEmptyLine, "\r\n"+ok+"\r\n")},
		{"two empty lines before it", "\r\n\r\n" + ok + "\r\n", AllowLeadingEmptyLine, head{Err: ruleStart}},
		{"HTTP/2", "HTTP/2.0 200 OK\r\n\r\n", 0, head{Err: ruleStart}},
		{"ICY", "ICY 200 OK\r\n\r\n", 0, head{Err: ruleStart}},
		{"lower case", "http/1.1 200 OK\r\n\r\n", 0, head{Err: ruleStart}},
		{"SSH", "SSH-2.0-OpenSSH\r\n\r\n", 0, head{Err: ruleStart}},
		{"two digits after the point", "HTTP/1.10 200 OK\r\n\r\n", 0, head{Err: ruleStatus}},
		{"no digit after the point", "HTTP/1.x 200 OK\r\n\r\n", 0, head{Err: ruleVersion}},
		{"two spaces before the code", "HTTP/1.1  200 OK\r\n\r\n", 0, head{Err: ruleCode}},
		{"tab before the code", "HTTP/1.1\t200 OK\r\n\r\n", 0, head{Err: ruleStatus}},
		{"two digits", "HTTP/1.1 20 OK\r\n\r\n", 0, head{Err: ruleCode}},
		{"four digits", "HTTP/1.1 2000 OK\r\n\r\n", 0, head{Err: ruleStatus}},
		{"code 099", "HTTP/1.1 099 OK\r\n\r\n", 0, head{Err: ruleCode}},
		{"signed code", "HTTP/1.1 +20 OK\r\n\r\n", 0, head{Err: ruleCode}},
		{"tab after the code", "HTTP/1.1 200\tOK\r\n\r\n", 0, head{Err: ruleStatus}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			everyWay(t, tt.src, tt.want, parseHead(tt.rules))
			want := tt.want
			if want.Err == ruleStart { // ScanHead sees these first
				want.Err = ruleVersion
			}
			everyWay(t, tt.src, want, parseGrowing(tt.rules))
		})
	}
}

// A head that is cut anywhere is neither an error nor a head.
func TestResponseCut(t *testing.T) {
	const src = "\r\nHTTP/1.1 200 OK\r\nA: b\r\n c\nd :\te\x01\r\n\r\n"
	const rules = AllowLeadingEmptyLine | AllowSpaceBeforeColon | AllowCTL
	for i := range len(src) {
		if end, _, err := ScanHead([]byte(src[:i]), 0); end != 0 || err != nil {
			t.Errorf("ScanHead(%q) = %d, %v", src[:i], end, err)
		}
		var r wire.Response
		if n, err := ParseResponse([]byte(src[:i]), &r, rules); n != 0 || err != nil {
			t.Errorf("ParseResponse(%q) = %d, %v", src[:i], n, err)
		}
	}
	var r wire.Response
	if n, err := ParseResponse([]byte(src), &r, rules); n != len(src) || err != nil {
		t.Errorf("whole: %d, %v", n, err)
	}
}

func TestMaxFields(t *testing.T) {
	for _, limit := range []int{1, 31, 32, 33, 128, 129, 600, 0} {
		most := limit
		if most == 0 {
			most = DefaultFields
		}
		p := Parser{MaxFields: limit}
		var r wire.Response
		src := ok + strings.Repeat("a: b\r\n", most) + "\r\n"
		if n, err := p.Response([]byte(src), &r); n != len(src) || err != nil || len(r.Fields) != most {
			t.Errorf("%d fields of %d: n = %d, err = %v, %d fields", most, most, n, err, len(r.Fields))
		}
		for i, f := range r.Fields {
			if f.Name != "a" || f.Value != "b" {
				t.Fatalf("field %d of %d: %q: %q", i, most, f.Name, f.Value)
			}
		}
		if _, err := p.Response([]byte(ok+strings.Repeat("a: b\r\n", most+1)+"\r\n"), &r); err == nil || rule(err) != ruleFields {
			t.Errorf("%d fields of %d: err = %v", most+1, most, err)
		}
	}
}

// The array of the last response is used again, and keeps nothing of it.
func TestResponseReuse(t *testing.T) {
	var p Parser
	var r wire.Response
	if _, err := p.Response([]byte(ok+"a: 1\r\nb: 2\r\nc: 3\r\n\r\n"), &r); err != nil {
		t.Fatal(err)
	}
	first := r.Fields
	if _, err := p.Response([]byte(ok+"d: 4\r\n\r\n"), &r); err != nil {
		t.Fatal(err)
	}
	if &first[0] != &r.Fields[0] || len(r.Fields) != 1 || r.Fields[0].Name != "d" {
		t.Errorf("not used again: %v", r.Fields)
	}
	if first[1] != (wire.Field{}) || first[2] != (wire.Field{}) {
		t.Errorf("kept: %v", first)
	}
	// An error leaves the response as it was.
	if _, err := p.Response([]byte("HTTP/1.1 500 no\r\ne : 5\r\n\r\n"), &r); err == nil || r.Status != 200 || r.Fields[0].Name != "d" {
		t.Errorf("after an error: %v %+v", err, r)
	}
}

// RFC 9112 §5.1 and the like are only as good as the message that says so.
func TestParseErrorText(t *testing.T) {
	_, err := ParseResponse([]byte(ok+"Secret : token\r\n\r\n"), new(wire.Response), 0)
	const want = "h1: SP at byte 23 (RFC 9112 §5.1: no whitespace between field name and colon)"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// plain must agree with the obvious loop at every length, place and byte.
func TestPlain(t *testing.T) {
	for n := range 20 {
		for at := range n {
			for c := range 256 {
				src := []byte(strings.Repeat("\xa0", n))
				src[at] = byte(c)
				want := n
				if c < 0x20 || c == 0x7f {
					want = at
				}
				if got := plain(src, 0); got != want {
					t.Fatalf("%q: %d, want %d", src, got, want)
				}
			}
		}
	}
	// A byte right above the first hit must not hide it.
	src := []byte("ab\x7f\x80\x00\x1f\x21\x20")
	if got := plain(src, 0); got != 2 {
		t.Errorf("%q: %d, want 2", src, got)
	}
}

// However the bytes arrive, a head is scanned once.
func TestScanHeadLinear(t *testing.T) {
	for _, line := range []string{"a: b\r\n", "a: b\n", "a:\r\n b\r\n", strings.Repeat("x", 1000), "\ra"} {
		src := []byte(ok + strings.Repeat(line, 64<<10/len(line)) + "\r\n\r\n")
		steps, from := 0, 0
		for i := 1; i <= len(src); i++ {
			steps += i - from
			end, resume, err := ScanHead(src[:i], from)
			if err != nil {
				t.Fatal(err)
			}
			if end > 0 {
				break
			}
			if resume < from || resume > i {
				t.Fatalf("resume = %d after %d of %d", resume, from, i)
			}
			from = resume
		}
		if steps > 3*len(src) {
			t.Errorf("%q: %d steps for %d bytes", line[:2], steps, len(src))
		}
		if end, _, _ := ScanHead(src, 0); end == 0 {
			t.Errorf("%q: no end", line[:2])
		}
	}
}

func TestScanTrailers(t *testing.T) {
	tests := []struct {
		src string
		end int
	}{
		{"\r\n", 2},
		{"\n", 1},
		{"a: b\r\n\r\n", 8},
		{"a: b\n\n", 6},
		{"\r\nx", 2},
		{"a: b\r\n", 0},
		{"\r", 0},
		{"", 0},
		{"a: b\r\n\r", 0},
		{"\rx\r\n\r\n", 6},
	}
	for _, tt := range tests {
		if end, _ := ScanTrailers([]byte(tt.src), 0); end != tt.end {
			t.Errorf("%q: %d, want %d", tt.src, end, tt.end)
		}
		from, got := 0, 0
		for i := 1; i <= len(tt.src) && got == 0; i++ {
			got, from = ScanTrailers([]byte(tt.src[:i]), from)
		}
		if got != tt.end {
			t.Errorf("%q byte by byte: %d, want %d", tt.src, got, tt.end)
		}
	}
}
