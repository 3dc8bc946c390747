package h1

import (
	"strings"
	"testing"
	"time"

	"gohttpx.dev/wire"
)

// accepted parses src every way and returns the response.
func accepted(t *testing.T, src string, rules Rules) wire.Response {
	t.Helper()
	var r wire.Response
	n, err := ParseResponse([]byte(src), &r, rules)
	if n != len(src) || err != nil {
		t.Fatalf("%q: n = %d, %v", src, n, err)
	}
	want := head{r.Status, r.Proto, r.Reason, append(wire.Fields{}, r.Fields...), r.Anomalies, n, ""}
	everyWay(t, src, want, parseHead(rules))
	return r
}

// refused parses src every way with every lenient bit but those of skip, and
// wants an error each time.
func refused(t *testing.T, src string, skip Rules) {
	t.Helper()
	for _, rules := range []Rules{Default, Strict, ^Strict &^ skip} {
		got := parseHead(rules)([]byte(src))
		if got.Err == "" {
			t.Errorf("%q was accepted by rules %#x: %+v", src, uint32(rules), got)
		}
		everyWay(t, src, got, parseHead(rules))
	}
}

// written returns what is written for r.
func written(t *testing.T, r wire.Request) string {
	t.Helper()
	if r.Authority == "" {
		r.Authority = "example.test"
	}
	if r.Target == "" {
		r.Target = "/"
	}
	b, err := AppendRequest(nil, &r, Default)
	if err != nil {
		t.Errorf("%+v: %v", r, err)
	}
	return string(b)
}

// unwritten wants that r cannot be written, whatever the rules.
func unwritten(t *testing.T, r wire.Request) {
	t.Helper()
	if r.Authority == "" {
		r.Authority = "example.test"
	}
	if r.Target == "" {
		r.Target = "/"
	}
	for _, rules := range []Rules{Default, Strict, ^Strict} {
		if b, err := AppendRequest(nil, &r, rules); err == nil || len(b) > 0 {
			t.Errorf("written: %q, %v", b, err)
		}
	}
}

func field(nv ...string) (f wire.Fields) {
	for i := 0; i < len(nv); i += 2 {
		f.Add(nv[i], nv[i+1])
	}
	return f
}

// framed returns the framing of a response with those field lines.
func framed(t *testing.T, method, status, fields string, rules Rules) (Framing, int64, *wire.Response, error) {
	t.Helper()
	r := accepted(t, "HTTP/1.1 "+status+" x\r\n"+fields+"\r\n", rules)
	f, n, err := BodyFraming(method, &r, rules)
	return f, n, &r, err
}

// TestRFC9112 has one test for each requirement of RFC 9112 that binds a client
// and that the codec decides, and for those of RFC 9110 about messages. What the
// connection decides is in TestRFC9112Conn; the list is at the end.
func TestRFC9112(t *testing.T) {
	// RFC 9112 §2.2: "A recipient MUST parse an HTTP message as a sequence of
	// octets in an encoding that is a superset of US-ASCII"
	t.Run("§2.2_octets_not_characters", func(t *testing.T) {
		r := accepted(t, "HTTP/1.1 200 \xc3\r\na: \xe2\x80\r\nb: \u2028\u0085\xc4\x8a\r\n\r\n", Strict)
		if r.Reason != "\xc3" || r.Fields.Get("a") != "\xe2\x80" || r.Fields.Get("b") != "\u2028\u0085\xc4\x8a" {
			t.Errorf("%+v", r)
		}
	})

	// RFC 9112 §2.2: "A sender MUST NOT generate a bare CR (a CR character not
	// immediately followed by LF) within any protocol elements other than the
	// content."
	t.Run("§2.2_bare_CR_sent", func(t *testing.T) {
		unwritten(t, wire.Request{Method: "GET\r"})
		unwritten(t, wire.Request{Target: "/\r"})
		unwritten(t, wire.Request{Authority: "a\r"})
		unwritten(t, wire.Request{Fields: field("a\r", "b")})
		unwritten(t, wire.Request{Fields: field("a", "b\rc")})
		if _, err := AppendLastChunk(nil, field("a", "b\rc")); err == nil {
			t.Error("written in a trailer")
		}
	})

	// RFC 9112 §2.2: "A recipient of such a bare CR MUST consider that element
	// to be invalid or replace each bare CR with SP before processing the
	// element or forwarding the message."
	t.Run("§2.2_bare_CR_received", func(t *testing.T) {
		for _, src := range []string{
			"HTTP/1.1\r200 OK\r\n\r\n", "HTTP/1.1 200 O\rK\r\n\r\n", "HTTP/1.1 200 OK\r\r\n\r\n",
			ok + "a\r: b\r\n\r\n", ok + "a:\rb\r\n\r\n", ok + "a: b\r\r\n\r\n", ok + "a: b\r\n\r \r\n\r\n", ok + "a: b\r\n \rc\r\n\r\n",
		} {
			refused(t, src, 0)
		}
	})

	// RFC 9112 §2.2: "An HTTP/1.1 user agent MUST NOT preface or follow a
	// request with an extra CRLF."
	t.Run("§2.2_no_extra_CRLF", func(t *testing.T) {
		got := written(t, wire.Request{Method: "POST"})
		if strings.HasPrefix(got, "\r\n") || strings.Count(got, "\r\n\r\n") != 1 || !strings.HasSuffix(got, "\r\n\r\n") {
			t.Errorf("%q", got)
		}
		if b, _ := AppendLastChunk(nil, nil); string(b) != "0\r\n\r\n" {
			t.Errorf("last chunk %q", b)
		}
	})

	// RFC 9112 §2.2: "A sender MUST NOT send whitespace between the start-line
	// and the first header field."
	t.Run("§2.2_whitespace_after_start_line_sent", func(t *testing.T) {
		unwritten(t, wire.Request{Fields: field(" a", "b")})
		unwritten(t, wire.Request{Fields: field("\ta", "b")})
		unwritten(t, wire.Request{Fields: field("", "b")})
	})

	// RFC 9112 §2.2: "A recipient that receives whitespace between the
	// start-line and the first header field MUST either reject the message as
	// invalid or consume each whitespace-preceded line without further
	// processing of it"
	t.Run("§2.2_whitespace_after_start_line_received", func(t *testing.T) {
		for _, src := range []string{ok + " a: b\r\n\r\n", ok + "\ta: b\r\n\r\n", ok + " \r\n\r\n", ok + " \r\na: b\r\n\r\n"} {
			refused(t, src, 0)
		}
	})

	// RFC 9112 §3.2: "A client MUST send a Host header field ([HTTP] Section
	// 7.2) in all HTTP/1.1 request messages."
	t.Run("§3.2_Host", func(t *testing.T) {
		for _, r := range []wire.Request{{}, {Method: "OPTIONS", Target: "*"}, {Method: "CONNECT", Target: "a:1"}, {Target: "http://example.test/"}} {
			if got := written(t, r); strings.Count(got, "\r\nHost: example.test\r\n") != 1 {
				t.Errorf("%q", got)
			}
		}
		unwritten(t, wire.Request{Fields: field("Host", "a", "Host", "a")})
	})

	// RFC 9112 §3.2: "If the target URI includes an authority component, then a
	// client MUST send a field value for Host that is identical to that
	// authority component, excluding any userinfo subcomponent and its "@"
	// delimiter"
	t.Run("§3.2_Host_is_the_authority", func(t *testing.T) {
		for _, a := range []string{"a", "a:8080", "[::1]", "[::1]:80", "a.b.c.", "xn--e1a.test"} {
			if got := written(t, wire.Request{Authority: a}); !strings.Contains(got, "\r\nHost: "+a+"\r\n") {
				t.Errorf("%q", got)
			}
		}
		unwritten(t, wire.Request{Authority: "user:pass@a"})
		unwritten(t, wire.Request{Authority: "a", Target: "http://b/"})
	})

	// RFC 9112 §3.2: "If the authority component is missing or undefined for
	// the target URI, then a client MUST send a Host header field with an empty
	// field value."
	t.Run("§3.2_empty_Host", func(t *testing.T) {
		got := written(t, wire.Request{Target: "urn:x", Fields: field("Host", "")})
		if !strings.Contains(got, "\r\nHost: \r\n") {
			t.Errorf("%q", got)
		}
	})

	// RFC 9112 §3.2.1: "If the target URI's path component is empty, the client
	// MUST send "/" as the path within the origin-form of request-target."
	t.Run("§3.2.1_origin_form", func(t *testing.T) {
		for _, target := range []string{"/", "/a?b", "//"} {
			if got := written(t, wire.Request{Target: target}); !strings.HasPrefix(got, "GET "+target+" HTTP/1.1\r\n") {
				t.Errorf("%q", got)
			}
		}
		if b, err := AppendRequest(nil, &wire.Request{Authority: "a"}, 0); err == nil {
			t.Errorf("empty target: %q", b)
		}
		unwritten(t, wire.Request{Target: "?a"})
	})

	// RFC 9112 §3.2.2: "When making a request to a proxy, other than a CONNECT
	// or server-wide OPTIONS request (as detailed below), a client MUST send the
	// target URI in "absolute-form" as the request-target." And: "A client MUST
	// send a Host header field in an HTTP/1.1 request even if the request-target
	// is in the absolute-form"
	t.Run("§3.2.2_absolute_form", func(t *testing.T) {
		got := written(t, wire.Request{Target: "http://example.test/a?b"})
		if got != "GET http://example.test/a?b HTTP/1.1\r\nHost: example.test\r\n\r\n" {
			t.Errorf("%q", got)
		}
	})

	// RFC 9112 §3.2.3: "When making a CONNECT request to establish a tunnel
	// through one or more proxies, a client MUST send only the host and port of
	// the tunnel destination as the request-target."
	t.Run("§3.2.3_authority_form", func(t *testing.T) {
		if got := written(t, wire.Request{Method: "CONNECT", Target: "a:443"}); !strings.HasPrefix(got, "CONNECT a:443 HTTP/1.1\r\n") {
			t.Errorf("%q", got)
		}
		for _, target := range []string{"a", "a:", "a:0", "a:x", "a:99999", "/", "*", "http://a:1/", "u@a:1", "a:1/", ":1"} {
			unwritten(t, wire.Request{Method: "CONNECT", Target: target})
		}
	})

	// RFC 9112 §3.2.4: "When a client wishes to request OPTIONS for the server
	// as a whole, as opposed to a specific named resource of that server, the
	// client MUST send only "*" (%x2A) as the request-target."
	t.Run("§3.2.4_asterisk_form", func(t *testing.T) {
		if got := written(t, wire.Request{Method: "OPTIONS", Target: "*"}); !strings.HasPrefix(got, "OPTIONS * HTTP/1.1\r\n") {
			t.Errorf("%q", got)
		}
		unwritten(t, wire.Request{Method: "OPTIONS", Target: "**"})
		unwritten(t, wire.Request{Target: "*"})
	})

	// RFC 9112 §5.2: "A sender MUST NOT generate a message that includes line
	// folding"
	t.Run("§5.2_line_folding_sent", func(t *testing.T) {
		unwritten(t, wire.Request{Fields: field("a", "b\r\n c")})
		unwritten(t, wire.Request{Fields: field("a", "b\n\tc")})
	})

	// RFC 9112 §5.2: "A user agent that receives an obs-fold in a response
	// message that is not within a "message/http" container MUST replace each
	// received obs-fold with one or more SP octets prior to interpreting the
	// field value."
	t.Run("§5.2_line_folding_received", func(t *testing.T) {
		r := accepted(t, ok+"a: b\r\n c\r\n\td\r\nConnection: x,\r\n close\r\n\r\n", Default)
		if r.Fields.Get("a") != "b c d" || r.Anomalies != wire.ObsFold {
			t.Errorf("%q [%v]", r.Fields.Get("a"), r.Anomalies)
		}
		if KeepAlive(&r, false) {
			t.Error("interpreted before the fold was replaced")
		}
	})

	// RFC 9112 §6.1: "A recipient MUST be able to parse the chunked transfer
	// coding"; §7.1: "A recipient MUST be able to parse and decode the chunked
	// transfer coding."
	t.Run("§6.1_§7.1_chunked", func(t *testing.T) {
		if f, _, _, err := framed(t, "GET", "200", "Transfer-Encoding: chunked\r\n", Strict); f != Chunked || err != nil {
			t.Errorf("%v, %v", f, err)
		}
		const src = "5;x=\"y\"\r\nhello\r\nA\r\n, everyone\r\n0\r\n\r\n"
		everyWay(t, src, chunked{Data: "hello, everyone", N: len(src)}, decode(Strict, Limits{}))
	})

	// RFC 9112 §6.1: "A sender MUST NOT apply the chunked transfer coding more
	// than once to a message body"; "If any transfer coding other than chunked
	// is applied to a request's content, the sender MUST apply chunked as the
	// final transfer coding to ensure that the message is properly framed."
	t.Run("§6.1_codings_sent", func(t *testing.T) {
		for _, v := range []string{"chunked, chunked", "gzip", "chunked, gzip", "gzip, chunked", "", "identity"} {
			unwritten(t, wire.Request{Body: noBody, BodyLen: -1, Fields: field("Transfer-Encoding", v)})
		}
		unwritten(t, wire.Request{Body: noBody, BodyLen: -1, Fields: field("Transfer-Encoding", "chunked", "transfer-encoding", "chunked")})
		got := written(t, wire.Request{Body: noBody, BodyLen: -1, Fields: field("Transfer-Encoding", "chunked")})
		if strings.Count(strings.ToLower(got), "chunked") != 1 {
			t.Errorf("%q", got)
		}
	})

	// RFC 9112 §6.1: "A server or client that receives an HTTP/1.0 message
	// containing a Transfer-Encoding header field MUST treat the message as if
	// the framing is faulty, even if a Content-Length is present, and close the
	// connection after processing the message."
	t.Run("§6.1_Transfer-Encoding_in_HTTP/1.0", func(t *testing.T) {
		for _, extra := range []string{"", "Content-Length: 5\r\n", "Connection: keep-alive\r\n"} {
			src := "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n" + extra + "\r\n"
			r := accepted(t, src, Default)
			if f, _, err := BodyFraming("GET", &r, Default); err == nil {
				t.Errorf("%q: %v", src, f)
			}
			r = accepted(t, src, AllowTransferInHTTP10)
			f, _, err := BodyFraming("GET", &r, AllowTransferInHTTP10)
			if f != Chunked || err != nil || KeepAlive(&r, false) {
				t.Errorf("%q, allowed: %v, %v", src, f, err)
			}
		}
	})

	// RFC 9112 §6.2: "A sender MUST NOT send a Content-Length header field in
	// any message that contains a Transfer-Encoding header field."
	t.Run("§6.2_both_sent", func(t *testing.T) {
		unwritten(t, wire.Request{Body: noBody, BodyLen: 1, Fields: field("Content-Length", "1", "Transfer-Encoding", "chunked")})
		unwritten(t, wire.Request{Body: noBody, BodyLen: 1, Fields: field("Content-Length", "1"), Trailers: noTrailers})
		got := written(t, wire.Request{Body: noBody, BodyLen: 1, Fields: field("Transfer-Encoding", "chunked")})
		if strings.Contains(got, "Content-Length") {
			t.Errorf("%q", got)
		}
	})

	// RFC 9112 §6.3: "Any response to a HEAD request and any response with a
	// 1xx (Informational), 204 (No Content), or 304 (Not Modified) status code
	// is always terminated by the first empty line after the header fields,
	// regardless of the header fields present in the message"
	t.Run("§6.3_no_content", func(t *testing.T) {
		for _, c := range [][2]string{{"HEAD", "200"}, {"GET", "100"}, {"GET", "103"}, {"GET", "204"}, {"GET", "304"}, {"HEAD", "404"}} {
			f, _, _, err := framed(t, c[0], c[1], "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", Default)
			if f != NoBody || err != nil {
				t.Errorf("%v: %v, %v", c, f, err)
			}
		}
	})

	// RFC 9112 §6.3: "A client MUST ignore any Content-Length or
	// Transfer-Encoding header fields received in such a message."
	t.Run("§6.3_CONNECT", func(t *testing.T) {
		for _, fields := range []string{"", "Content-Length: 5\r\n", "Content-Length: x\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: y\r\n"} {
			if f, _, _, err := framed(t, "CONNECT", "200", fields, Strict); f != Switched || err != nil {
				t.Errorf("%q: %v, %v", fields, f, err)
			}
		}
	})

	// RFC 9112 §6.3: "If a message is received with both a Transfer-Encoding
	// and a Content-Length header field, the Transfer-Encoding overrides the
	// Content-Length."
	t.Run("§6.3_both_received", func(t *testing.T) {
		f, n, r, err := framed(t, "GET", "200", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", Default)
		if f != Chunked || n != -1 || err != nil || r.Anomalies != wire.LengthAndTransfer || KeepAlive(r, false) {
			t.Errorf("%v %d, %v [%v]", f, n, err, r.Anomalies)
		}
	})

	// RFC 9112 §6.3: "If a message is received without Transfer-Encoding and
	// with an invalid Content-Length header field, then the message framing is
	// invalid and the recipient MUST treat it as an unrecoverable error, unless
	// the field value can be successfully parsed as a comma-separated list
	// ([HTTP] Section 5.6.1), all values in the list are valid, and all values
	// in the list are the same"
	t.Run("§6.3_invalid_Content-Length", func(t *testing.T) {
		for _, v := range []string{"", "x", "-1", "+1", "1x", "0x1", "1.0", "1 1", "1;1", "1, 2", "1, x", "\"1\"", "99999999999999999999"} {
			if f, n, _, err := framed(t, "GET", "200", "Content-Length: "+v+"\r\n", Default); err == nil {
				t.Errorf("%q: %v %d", v, f, n)
			}
		}
		if f, n, _, err := framed(t, "GET", "200", "Content-Length: 7, 7\r\nContent-Length: 7\r\n", Default); f != Length || n != 7 || err != nil {
			t.Errorf("equal: %v %d, %v", f, n, err)
		}
	})

	// RFC 9112 §6.3: "A user agent that sends a request that contains a message
	// body MUST send either a valid Content-Length header field or use the
	// chunked transfer coding."
	t.Run("§6.3_body_sent", func(t *testing.T) {
		if got := written(t, wire.Request{Body: noBody, BodyLen: 3}); !strings.Contains(got, "\r\nContent-Length: 3\r\n") {
			t.Errorf("%q", got)
		}
		if got := written(t, wire.Request{Body: noBody, BodyLen: -1}); !strings.Contains(got, "\r\nTransfer-Encoding: chunked\r\n") {
			t.Errorf("%q", got)
		}
		for _, v := range []string{"4", "x", "", "3, 3", "-3", "+3"} {
			unwritten(t, wire.Request{Body: noBody, BodyLen: 3, Fields: field("Content-Length", v)})
		}
	})

	// RFC 9112 §7.1: "Therefore, recipients MUST anticipate potentially large
	// hexadecimal numerals and prevent parsing errors due to integer conversion
	// overflows or precision loss due to integer representation."
	t.Run("§7.1_large_chunk_size", func(t *testing.T) {
		for _, size := range []string{"8000000000000000", "ffffffffffffffff", "10000000000000000", "100000000000000005", strings.Repeat("f", 1000)} {
			everyWay(t, size+"\r\nhello\r\n0\r\n\r\n", chunked{Err: ruleChunkRange}, decode(^Strict, Limits{}))
		}
		var d ChunkDecoder
		if data, n, _, err := d.Next([]byte("7fffffffffffffff\r\nhello")); string(data) != "hello" || n != 23 || err != nil {
			t.Errorf("2^63-1: %q %d %v", data, n, err)
		}
	})

	// RFC 9112 §7.1.1: "A recipient MUST ignore unrecognized chunk extensions."
	t.Run("§7.1.1_chunk_extensions", func(t *testing.T) {
		const src = "5;a;b=c; d = \"e;\\\"f\"\r\nhello\r\n0;g\r\n\r\n"
		everyWay(t, src, chunked{Data: "hello", N: len(src)}, decode(Strict, Limits{}))
	})

	// RFC 9112 §7.1.2: "A recipient that retains a received trailer field MUST
	// either store/forward the trailer field separately from the received
	// header fields or merge the received trailer field into the header
	// section." And RFC 9110 §6.5.1: "A recipient MUST NOT merge a trailer field
	// into a header section unless the recipient understands the corresponding
	// header field definition and that definition explicitly permits and defines
	// how trailer field values can be safely merged."
	t.Run("§7.1.2_trailers_apart", func(t *testing.T) {
		r := accepted(t, ok+"a: b\r\n\r\n", Strict)
		f, n, err := ParseTrailers([]byte("a: c\r\nContent-Length: 1\r\n\r\n"), r.Trailers, Strict)
		if n != 27 || err != nil || len(f) != 2 || len(r.Fields) != 1 || r.Fields.Get("a") != "b" {
			t.Errorf("%d, %v: %v, %v", n, err, f, r.Fields)
		}
	})

	// RFC 9112 §7.4: "A client MUST NOT send the chunked transfer coding name
	// in TE"
	t.Run("§7.4_chunked_in_TE", func(t *testing.T) {
		for _, v := range []string{"chunked", "trailers, CHUNKED", "chunked;q=0.5", "gzip,\tchunked ;q=1"} {
			unwritten(t, wire.Request{Fields: field("TE", v)})
		}
	})

	// RFC 9112 §7.4: "a sender of TE MUST also send a "TE" connection option
	// within the Connection header field"
	t.Run("§7.4_TE_in_Connection", func(t *testing.T) {
		for _, f := range []wire.Fields{field("TE", "trailers"), field("te", "gzip", "Connection", "close"), field("TE", "trailers", "Connection", "te")} {
			got := written(t, wire.Request{Fields: f})
			if n := strings.Count(strings.ToLower(got), "\r\nconnection: te\r\n"); n != 1 {
				t.Errorf("%q", got)
			}
		}
	})

	// RFC 9112 §9.6: "A client that receives a "close" connection option MUST
	// cease sending requests on that connection"
	t.Run("§9.6_close_received", func(t *testing.T) {
		for _, f := range []string{"Connection: close\r\n", "CONNECTION: a, CLOSE\r\n", "Connection: a\r\nConnection: ,close,\r\n"} {
			if r := accepted(t, ok+f+"\r\n", Strict); KeepAlive(&r, false) {
				t.Errorf("%q: kept", f)
			}
		}
	})

	// RFC 9112 §9.6: "A client that sends a "close" connection option MUST NOT
	// send further requests on that connection"
	t.Run("§9.6_close_sent", func(t *testing.T) {
		if r := accepted(t, ok+"\r\n", Strict); KeepAlive(&r, true) {
			t.Error("kept")
		}
	})

	// RFC 9110 §2.2: "A sender MUST NOT generate protocol elements that do not
	// match the grammar defined by the corresponding ABNF rules."
	t.Run("RFC9110_§2.2_grammar", func(t *testing.T) {
		for c := range 256 {
			b := string([]byte{byte(c)})
			inToken := strings.Contains("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", b)
			for _, r := range []wire.Request{{Method: "G" + b}, {Fields: field("a"+b+"b", "")}} {
				if inToken {
					written(t, r)
				} else {
					unwritten(t, r)
				}
			}
			if r := (wire.Request{Fields: field("a", "b"+b+"c")}); c == '\t' || c >= ' ' && c != 0x7f {
				written(t, r)
			} else {
				unwritten(t, r)
			}
		}
	})

	// RFC 9110 §2.5: a recipient reads a higher minor version "as if it were in
	// the highest minor version within that major version to which the recipient
	// is conformant". §6.2: "A client MUST NOT send a version to which it is not
	// conformant."
	t.Run("RFC9110_§2.5_§6.2_versions", func(t *testing.T) {
		if r := accepted(t, "HTTP/1.9 200 OK\r\n\r\n", Strict); r.Proto != wire.HTTP11 {
			t.Errorf("HTTP/1.9 read as %v", r.Proto)
		}
		for _, v := range []string{"HTTP/2.0", "HTTP/0.9", "HTTP/1", "HTTP/11.1", "HTTP/1.11", "http/1.1", "HTTPS/1.1", "RTSP/1.0"} {
			refused(t, v+" 200 OK\r\n\r\n", 0)
		}
		if got := written(t, wire.Request{}); !strings.Contains(got, " HTTP/1.1\r\n") {
			t.Errorf("%q", got)
		}
	})

	// RFC 9110 §4.2.1: "A sender MUST NOT generate an "http" URI with an empty
	// host identifier."
	t.Run("RFC9110_§4.2.1_empty_host", func(t *testing.T) {
		for _, target := range []string{"http://", "http:///a", "https://?a", "HTTP:/a", "http:a"} {
			unwritten(t, wire.Request{Target: target})
		}
		unwritten(t, wire.Request{Authority: ":80"})
	})

	// RFC 9110 §4.2.4: "A sender MUST NOT generate the userinfo subcomponent
	// (and its "@" delimiter) when an "http" or "https" URI reference is
	// generated within a message as a target URI or field value."
	t.Run("RFC9110_§4.2.4_userinfo", func(t *testing.T) {
		unwritten(t, wire.Request{Target: "http://u:p@example.test/"})
		unwritten(t, wire.Request{Target: "https://u@example.test", Fields: field("Host", "example.test")})
		unwritten(t, wire.Request{Authority: "u@example.test"})
	})

	// RFC 9110 §5.5: "a recipient of CR, LF, or NUL within a field value MUST
	// either reject the message or replace each of those characters with SP
	// before further processing or forwarding of that message."
	t.Run("RFC9110_§5.5_CR_LF_NUL", func(t *testing.T) {
		for _, v := range []string{"\x00", "b\x00c", "\rb", "b\rc", "\x00\x00", "12345678\x00"} {
			refused(t, ok+"a: "+v+"\r\n\r\n", 0)
			if _, n, err := ParseTrailers([]byte("a: "+v+"\r\n\r\n"), nil, ^Strict); err == nil {
				t.Errorf("trailer %q: n = %d", v, n)
			}
		}
	})

	// RFC 9110 §5.6.1.2: "A recipient MUST parse and ignore a reasonable number
	// of empty list elements"
	t.Run("RFC9110_§5.6.1.2_empty_list_elements", func(t *testing.T) {
		if r := accepted(t, ok+"Connection: ,, close , ,\r\n\r\n", Strict); KeepAlive(&r, false) {
			t.Error("close not seen")
		}
	})

	// RFC 9110 §5.6.3: "A recipient MUST parse for such bad whitespace and
	// remove it before interpreting the protocol element."
	t.Run("RFC9110_§5.6.3_bad_whitespace", func(t *testing.T) {
		const src = "5 ;\ta =\t\"b\" ; c\r\nhello\r\n0 ; d\r\n\r\n"
		everyWay(t, src, chunked{Data: "hello", N: len(src)}, decode(Strict, Limits{}))
	})

	// RFC 9110 §6.5.1: "A sender MUST NOT generate a trailer field unless the
	// sender knows the corresponding header field name's definition permits the
	// field to be sent in trailers."
	t.Run("RFC9110_§6.5.1_trailers_sent", func(t *testing.T) {
		for _, name := range trailerNever {
			if _, err := AppendLastChunk(nil, field(strings.ToUpper(name), "x")); err == nil {
				t.Errorf("%s was written", name)
			}
		}
		if _, err := AppendLastChunk(nil, field("Server-Timing", "x")); err != nil {
			t.Error(err)
		}
	})

	// RFC 9110 §7.8: "A sender of Upgrade MUST also send an "Upgrade" connection
	// option in the Connection header field"
	t.Run("RFC9110_§7.8_Upgrade_in_Connection", func(t *testing.T) {
		for _, f := range []wire.Fields{field("Upgrade", "x"), field("Upgrade", "x", "Connection", "keep-alive"), field("upgrade", "x", "connection", "upgrade")} {
			got := written(t, wire.Request{Fields: f})
			if n := strings.Count(strings.ToLower(got), "\r\nconnection: upgrade\r\n"); n != 1 {
				t.Errorf("%q", got)
			}
		}
	})

	// RFC 9110 §8.6: "Since there is no predefined limit to the length of
	// content, a recipient MUST anticipate potentially large decimal numerals
	// and prevent parsing errors due to integer conversion overflows or
	// precision loss due to integer conversion"
	t.Run("RFC9110_§8.6_large_Content-Length", func(t *testing.T) {
		if f, n, _, err := framed(t, "GET", "200", "Content-Length: 9223372036854775807\r\n", Strict); f != Length || n != 1<<63-1 || err != nil {
			t.Errorf("2^63-1: %v %d, %v", f, n, err)
		}
		for _, v := range []string{"9223372036854775808", "18446744073709551615", "18446744073709551621", strings.Repeat("9", 1000)} {
			if f, n, _, err := framed(t, "GET", "200", "Content-Length: "+v+"\r\n", ^Strict); err == nil {
				t.Errorf("%.30s: %v %d", v, f, n)
			}
		}
	})

	// RFC 9110 §9.3.8: "A client MUST NOT generate fields in a TRACE request
	// containing sensitive data that might be disclosed by the response."
	t.Run("RFC9110_§9.3.8_TRACE_with_secrets", func(t *testing.T) {
		for _, name := range []string{"Authorization", "cookie", "PROXY-AUTHORIZATION"} {
			unwritten(t, wire.Request{Method: "TRACE", Fields: field(name, "x")})
		}
		unwritten(t, wire.Request{Method: "TRACE", Fields: wire.Fields{{Name: "X-Key", Value: "x", Sensitive: true}}})
		written(t, wire.Request{Method: "TRACE", Fields: field("a", "b")})
	})

	// RFC 9110 §9.3.8: "A client MUST NOT send content in a TRACE request."
	t.Run("RFC9110_§9.3.8_TRACE_with_content", func(t *testing.T) {
		unwritten(t, wire.Request{Method: "TRACE", Body: noBody, BodyLen: 1})
		unwritten(t, wire.Request{Method: "TRACE", Body: noBody, BodyLen: -1})
	})

	// RFC 9110 §10.1.1: "A client MUST NOT generate a 100-continue expectation
	// in a request that does not include content."
	t.Run("RFC9110_§10.1.1_expectation_without_content", func(t *testing.T) {
		unwritten(t, wire.Request{Method: "PUT", Fields: field("expect", "100-CONTINUE")})
		unwritten(t, wire.Request{Method: "PUT", Body: noBody, Fields: field("Expect", "100-continue")})
		for _, r := range []wire.Request{{Method: "PUT"}, {Method: "PUT", Body: noBody}} {
			r.Timeouts.Continue = time.Second
			if got := written(t, r); strings.Contains(got, "Expect") || ExpectsContinue(&r) {
				t.Errorf("%q", got)
			}
		}
	})

	// RFC 9110 §10.1.1: "A client that will wait for a 100 (Continue) response
	// before sending the request content MUST send an Expect header field
	// containing a 100-continue expectation."
	t.Run("RFC9110_§10.1.1_expectation", func(t *testing.T) {
		for _, n := range []int64{1, -1} {
			r := wire.Request{Method: "PUT", Body: noBody, BodyLen: n, Timeouts: wire.Timeouts{Continue: time.Second}}
			if got := written(t, r); !strings.Contains(got, "\r\nExpect: 100-continue\r\n") || !ExpectsContinue(&r) {
				t.Errorf("%q", got)
			}
		}
	})

	// RFC 9110 §15: "a client MUST understand the class of any status code, as
	// indicated by the first digit". The class is what BodyFraming and the
	// engine go by; a code without a class is refused.
	t.Run("RFC9110_§15_status_codes", func(t *testing.T) {
		for _, code := range []string{"100", "299", "418", "599", "600", "999"} {
			accepted(t, "HTTP/1.1 "+code+" \r\n\r\n", Strict)
		}
		if f, _, _, err := framed(t, "GET", "177", "Content-Length: 5\r\n", Strict); f != NoBody || err != nil {
			t.Errorf("177 is interim: %v, %v", f, err)
		}
		if f, _, _, err := framed(t, "CONNECT", "277", "Content-Length: 5\r\n", Strict); f != Switched || err != nil {
			t.Errorf("277 is successful: %v, %v", f, err)
		}
		for _, code := range []string{"000", "099", "20", "2000", "2x0", "-20", " 200", "0x1"} {
			refused(t, "HTTP/1.1 "+code+" \r\n\r\n", 0)
		}
	})

	// RFC 9110 §15.2: "A client MUST be able to parse one or more 1xx responses
	// received prior to a final response, even if the client does not expect
	// one."
	t.Run("RFC9110_§15.2_interim", func(t *testing.T) {
		src := []byte("HTTP/1.1 100 \r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 \r\n\r\n")
		var codes []int
		for len(src) > 0 {
			end, _, err := ScanHead(src, 0)
			if end == 0 || err != nil {
				t.Fatalf("%q: %d, %v", src, end, err)
			}
			var r wire.Response
			if n, err := ParseResponse(src, &r, Strict); n != end || err != nil {
				t.Fatalf("%q: %d, %v", src, n, err)
			}
			codes = append(codes, r.Status)
			src = src[end:]
		}
		if len(codes) != 3 || codes[0] != 100 || codes[1] != 103 || codes[2] != 204 {
			t.Errorf("%v", codes)
		}
	})
}

// The other requirements that bind a client:
//
// Decided by the connection, and tested in TestRFC9112Conn: RFC 9112 §6.3
// (user agent closes after an invalid Content-Length; content that is cut short
// is incomplete; bytes after the last response are no response), §8 (incomplete
// responses are recorded as such), §9.2 (a response belongs to the first
// outstanding request; bytes without a request are no response), §9.3 (content
// is read to its end before the connection is used again), §9.6 (close, sent or
// received, ends the connection after the response), §9.8 (closure alert); RFC
// 9110 §6 (the request is known when its response is read), §7.8 (no other
// protocol before the request is complete), §8.6 (content has its announced
// length).
//
// Decided by whoever fills wire.Request, since only that knows where the
// connection leads: §3.2.1 (origin-form to an origin, and for an empty path),
// §3.2.2 (absolute-form to a proxy), §6.1 and §6.3 (chunked only to a server
// that speaks HTTP/1.1), §9.3 ("close" where connections are not kept); RFC 9110
// §4.2.2 (https is secured), §5.3, §5.6.1.1 and §7.6.1 (fields of the user's own
// are lists where they repeat, have no empty elements, and name no end-to-end
// field in Connection).
//
// Never done: pipelining (§9.3.2), message/http (§10.1).
