package h2

import (
	"strings"
	"testing"

	"gohttpx.dev/wire"
)

// received wants the verdict on a response with those fields.
func received(t *testing.T, want string, nv ...string) {
	t.Helper()
	if got := inEveryWay(t, block(append([]string{":status", "200"}, nv...)...), ResponseBlock, true, 0); got.Err != want {
		t.Errorf("%q: %+v, want %q", nv, got, want)
	}
}

// sent returns the header section of a request, having encoded and decoded it.
func sent(t *testing.T, r *wire.Request) wire.Fields {
	t.Helper()
	f, _, err := AppendRequestFields(nil, r, RequestOptions{})
	if err != nil {
		t.Fatalf("%+v: %v", r, err)
	}
	return newTheirs(4096).decode(t, NewFieldEncoder(EncoderConfig{}).Append(nil, f))
}

// unsent wants that a request cannot be sent.
func unsent(t *testing.T, r *wire.Request) {
	t.Helper()
	if f, _, err := AppendRequestFields(nil, r, RequestOptions{}); err == nil || len(f) > 0 {
		t.Errorf("sent:\n%s", lines(f))
	}
}

// TestRFC9113Fields is TestRFC9113 for field sections (RFC 9113 §8, §10; RFC
// 7541).
func TestRFC9113Fields(t *testing.T) {
	const malformed = "stream PROTOCOL_ERROR "

	// RFC 9113 §8.1: "A HEADERS frame with the END_STREAM flag set that carries
	// an informational status code is malformed."
	t.Run("§8.1_interim_with_end", func(t *testing.T) {
		for _, status := range []string{"100", "103", "199"} {
			if got := inEveryWay(t, block(":status", status), ResponseBlock, true, 0); got.Err != malformed+"§8.1" {
				t.Errorf("%+v", got)
			}
			if got := inEveryWay(t, block(":status", status), ResponseBlock, false, 0); got.Err != "" {
				t.Errorf("%+v", got)
			}
		}
	})

	// RFC 9113 §8.1: "An endpoint that receives a HEADERS frame without the
	// END_STREAM flag set […] after receiving a final (non-informational) status
	// code MUST treat the corresponding request or response as malformed."
	t.Run("§8.1_trailers_without_end", func(t *testing.T) {
		if got := inEveryWay(t, block("a", "b"), TrailerBlock, false, 0); got.Err != malformed+"§8.1" {
			t.Errorf("%+v", got)
		}
	})

	// RFC 9113 §8.1: "Trailers MUST NOT include pseudo-header fields. An
	// endpoint that receives pseudo-header fields in trailers MUST treat the
	// request or response as malformed."
	t.Run("§8.1_pseudo_in_trailers", func(t *testing.T) {
		for _, name := range []string{":status", ":path", ":x", ":"} {
			if got := inEveryWay(t, block("a", "b", name, "200"), TrailerBlock, true, 0); got.Err != malformed+"§8.1" {
				t.Errorf("%+v", got)
			}
			if _, err := AppendTrailerFields(nil, field(name, "200")); err == nil {
				t.Errorf("%s was sent", name)
			}
		}
	})

	// RFC 9113 §8.2: "Field names MUST be converted to lowercase when
	// constructing an HTTP/2 message."
	t.Run("§8.2_lower_case_sent", func(t *testing.T) {
		f := sent(t, get(withFields("ABC-xyz", "V", "Content-TYPE", "T")))
		if lines(f[4:]) != "abc-xyz: V\ncontent-type: T\n" {
			t.Errorf("%s", lines(f))
		}
	})

	// RFC 9113 §8.2.1: "A field name MUST NOT contain characters in the ranges
	// 0x00-0x20, 0x41-0x5a, or 0x7f-0xff (all ranges inclusive)." And: "With the
	// exception of pseudo-header fields […] field names MUST NOT include a
	// colon".
	t.Run("§8.2.1_names", func(t *testing.T) {
		for c := range 256 {
			name := "a" + string([]byte{byte(c)}) + "b"
			bad := c <= 0x20 || 'A' <= c && c <= 'Z' || c >= 0x7f || c == ':'
			got := inEveryWay(t, block(":status", "200", name, "x"), ResponseBlock, true, 0)
			if bad && got.Err != malformed+"§8.2.1" || !bad && wire.IsTokenByte(byte(c)) && got.Err != "" || !wire.IsTokenByte(byte(c)) && got.Err == "" {
				t.Errorf("%q: %+v", name, got)
			}
			if f, _, err := AppendRequestFields(nil, get(withFields(name, "x")), RequestOptions{}); (err == nil) != wire.IsTokenByte(byte(c)) {
				t.Errorf("%q sent: %v", name, f)
			}
		}
	})

	// RFC 9113 §8.2.1: "A field value MUST NOT contain the zero value (ASCII NUL,
	// 0x00), line feed (ASCII LF, 0x0a), or carriage return (ASCII CR, 0x0d) at
	// any position."
	t.Run("§8.2.1_values", func(t *testing.T) {
		for _, c := range "\x00\r\n" {
			for i := range 20 {
				v := strings.Repeat("v", i) + string(c) + strings.Repeat("v", 19-i)
				received(t, malformed+"§8.2.1", "a", v)
				unsent(t, get(withFields("a", v)))
			}
		}
	})

	// RFC 9113 §8.2.1: "A field value MUST NOT start or end with an ASCII
	// whitespace character (ASCII SP or HTAB, 0x20 or 0x09)."
	t.Run("§8.2.1_whitespace_around", func(t *testing.T) {
		for _, v := range []string{" v", "\tv", "v ", "v\t", " ", "\t"} {
			received(t, malformed+"§8.2.1", "a", v)
			if f := sent(t, get(withFields("a", v))); f[4].Value != strings.Trim(v, " \t") {
				t.Errorf("%q", f[4].Value)
			}
		}
	})

	// RFC 9113 §8.2.2: "An endpoint MUST NOT generate an HTTP/2 message
	// containing connection-specific header fields." And: "Any message
	// containing connection-specific header fields MUST be treated as
	// malformed."
	t.Run("§8.2.2_connection_specific", func(t *testing.T) {
		for _, name := range []string{"connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"} {
			received(t, malformed+"§8.2.2", name, "chunked")
			if f := sent(t, get(withFields(name, "chunked", "X", "y"))); lines(f[4:]) != "x: y\n" {
				t.Errorf("%s", lines(f))
			}
		}
		if f := sent(t, get(withFields("X-Mine", "1", "Connection", "x-mine, close"))); len(f) != 4 {
			t.Errorf("%s", lines(f))
		}
	})

	// RFC 9113 §8.2.2: "The only exception to this is the TE header field, which
	// MAY be present in an HTTP/2 request; when it is, it MUST NOT contain any
	// value other than "trailers"."
	t.Run("§8.2.2_TE", func(t *testing.T) {
		for v, want := range map[string]string{"trailers": "te: trailers\n", "gzip, TRAILERS": "te: trailers\n", "gzip": "", "trailers;q=1": ""} {
			if f := sent(t, get(withFields("TE", v))); lines(f[4:]) != want {
				t.Errorf("%q: %s", v, lines(f))
			}
		}
		received(t, malformed+"§8.2.2", "te", "trailers")
	})

	// RFC 9113 §8.3: "Endpoints MUST NOT generate pseudo-header fields other than
	// those defined in this document." And: "Endpoints MUST treat a request or
	// response that contains undefined or invalid pseudo-header fields as
	// malformed."
	t.Run("§8.3_undefined", func(t *testing.T) {
		for _, name := range []string{":method", ":scheme", ":authority", ":path", ":protocol", ":version", ":Status", "::status", ":"} {
			received(t, malformed+"§8.3", name, "x")
			if name != ":protocol" {
				unsent(t, get(func(r *wire.Request) { r.Method, r.Fields = "CONNECT", field(name, "x") }))
			}
			unsent(t, get(withFields(name, "x")))
		}
	})

	// RFC 9113 §8.3: "All pseudo-header fields MUST appear in a field block
	// before all regular field lines." And: "The same pseudo-header field name
	// MUST NOT appear more than once in a field block."
	t.Run("§8.3_first_and_once", func(t *testing.T) {
		for _, nv := range [][]string{{"a", "b", ":status", "200"}, {":status", "200", "a", "b", ":status", "200"}, {":status", "200", ":status", "200"}} {
			if got := inEveryWay(t, block(nv...), ResponseBlock, true, 0); got.Err != malformed+"§8.3" {
				t.Errorf("%+v", got)
			}
		}
		orders := [][]string{nil, {":path", ":path", ":method"}, {":status", ":authority"}}
		for _, o := range orders {
			f, _, err := AppendRequestFields(nil, get(withFields("a", "b")), RequestOptions{PseudoOrder: o})
			if err != nil || len(f) != 5 || f[4].Name != "a" {
				t.Errorf("%v: %s", err, lines(f))
			}
		}
	})

	// RFC 9113 §8.3.1: "Clients that generate HTTP/2 requests directly MUST use
	// the ":authority" pseudo-header field to convey authority information,
	// unless there is no authority information to convey (in which case it MUST
	// NOT generate ":authority")." And: "Clients MUST NOT generate a request
	// with a Host header field that differs from the ":authority" pseudo-header
	// field."
	t.Run("§8.3.1_authority", func(t *testing.T) {
		for _, r := range []*wire.Request{get(nil), get(withFields("host", "b.test")), get(func(r *wire.Request) { r.Authority, r.Scheme = "", "x" })} {
			f := sent(t, r)
			want := r.Authority
			if r.Fields.Has("Host") {
				want = "b.test"
			}
			if f.Has("host") || f.Get(":authority") != want || f.Has(":authority") != (want != "") {
				t.Errorf("%s", lines(f))
			}
		}
	})

	// RFC 9113 §8.3.1: "":authority" MUST NOT include the deprecated userinfo
	// subcomponent for "http" or "https" schemed URIs."
	t.Run("§8.3.1_userinfo", func(t *testing.T) {
		unsent(t, get(func(r *wire.Request) { r.Authority = "u:p@a.test" }))
		unsent(t, get(withFields("Host", "u@a.test")))
		unsent(t, get(func(r *wire.Request) { r.Target, r.Authority = "https://u@a.test/", "" }))
	})

	// RFC 9113 §8.3.1: ":path" "MUST NOT be empty for "http" or "https" URIs;
	// "http" or "https" URIs that do not contain a path component MUST include a
	// value of '/'. The exceptions to this rule are: […] these MUST include a
	// ":path" pseudo-header field with a value of '*'".
	t.Run("§8.3.1_path", func(t *testing.T) {
		unsent(t, get(func(r *wire.Request) { r.Target = "" }))
		for _, tt := range []struct{ method, target, want string }{
			{"GET", "http://a.test", "/"}, {"OPTIONS", "http://a.test", "*"}, {"OPTIONS", "*", "*"}, {"GET", "http://a.test?q", "/?q"},
		} {
			if f := sent(t, get(func(r *wire.Request) { r.Method, r.Target = tt.method, tt.target })); f.Get(":path") != tt.want {
				t.Errorf("%s", lines(f))
			}
		}
	})

	// RFC 9113 §8.3.1: "All HTTP/2 requests MUST include exactly one valid value
	// for the ":method", ":scheme", and ":path" pseudo-header fields, unless
	// they are CONNECT requests."
	t.Run("§8.3.1_mandatory", func(t *testing.T) {
		for _, name := range []string{":method", ":scheme", ":path"} {
			if v := sent(t, get(nil)).Values(name); len(v) != 1 || v[0] == "" {
				t.Errorf("%s: %q", name, v)
			}
		}
		for _, change := range []func(r *wire.Request){
			func(r *wire.Request) { r.Method = "G T" }, func(r *wire.Request) { r.Scheme = "" }, func(r *wire.Request) { r.Target = "/\n" },
		} {
			unsent(t, get(change))
		}
	})

	// RFC 9113 §8.3.2: ":status" "MUST be included in all responses, including
	// interim responses; otherwise, the response is malformed."
	t.Run("§8.3.2_status", func(t *testing.T) {
		for _, src := range [][]byte{block(), block("a", "b")} {
			if got := inEveryWay(t, src, ResponseBlock, true, 0); got.Err != malformed+"§8.3.2" {
				t.Errorf("%+v", got)
			}
		}
	})

	// RFC 9113 §8.5: for CONNECT "The ":scheme" and ":path" pseudo-header fields
	// MUST be omitted."
	t.Run("§8.5_CONNECT", func(t *testing.T) {
		f := sent(t, get(func(r *wire.Request) { r.Method, r.Target = "CONNECT", "b.test:443" }))
		if lines(f) != ":method: CONNECT\n:authority: b.test:443\n" {
			t.Errorf("%s", lines(f))
		}
	})

	// RFC 9113 §8.6: "HTTP/2 does not support the 101 (Switching Protocols)
	// informational status code".
	t.Run("§8.6_101", func(t *testing.T) {
		if got := inEveryWay(t, block(":status", "101"), ResponseBlock, false, 0); got.Err != malformed+"§8.6" {
			t.Errorf("%+v", got)
		}
	})

	// RFC 9113 §10.5.1: the setting "is only advisory", and whoever exceeds it
	// risks "the request or response being treated as malformed". We do not.
	t.Run("§10.5.1_list_size", func(t *testing.T) {
		_, info, _ := AppendRequestFields(nil, get(withFields("a", strings.Repeat("b", 1000))), RequestOptions{})
		if CheckListSize(info.ListSize, 1000) == nil || CheckListSize(info.ListSize, 2000) != nil {
			t.Error(info.ListSize)
		}
	})

	// RFC 7541 §7.1.3: "An encoder might also choose not to index values for
	// header fields that are considered to be highly valuable or sensitive to
	// recovery, such as the Cookie or Authorization header fields."
	t.Run("RFC7541_§7.1.3_never_indexed", func(t *testing.T) {
		e := NewFieldEncoder(EncoderConfig{})
		f, _, err := AppendRequestFields(nil, get(withFields("Authorization", strings.Repeat("s", 30), "Cookie", "a=b", "cookie", "c=0123456789012345678901234567890")), RequestOptions{})
		if err != nil {
			t.Fatal(err)
		}
		p := newTheirs(4096)
		for range 5 {
			got := p.decode(t, e.Append(nil, f[4:]))
			if !got[0].Sensitive || !got[1].Sensitive || got[2].Sensitive {
				t.Errorf("%s", lines(got))
			}
		}
	})
}
