package h2

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2/hpack"

	"gohttpx.dev/wire"
)

var noBody = io.NopCloser(strings.NewReader(""))

// lines gives fields as text, one a line, with "!" before sensitive ones.
func lines(f wire.Fields) string {
	var b strings.Builder
	for _, x := range f {
		if x.Sensitive {
			b.WriteByte('!')
		}
		fmt.Fprintf(&b, "%s: %s\n", x.Name, x.Value)
	}
	return b.String()
}

func get(change func(r *wire.Request)) *wire.Request {
	r := &wire.Request{Method: "GET", Scheme: "https", Authority: "a.test", Target: "/x?y"}
	if change != nil {
		change(r)
	}
	return r
}

func withFields(nv ...string) func(r *wire.Request) {
	return func(r *wire.Request) { r.Fields = field(nv...) }
}

const start = ":method: GET\n:scheme: https\n:authority: a.test\n:path: /x?y\n"

func TestAppendRequestFields(t *testing.T) {
	for _, tt := range []struct {
		name string
		r    *wire.Request
		o    RequestOptions
		want string // lines, or the rule
		info RequestInfo
	}{
		{name: "plain", r: get(nil), want: start},
		{name: "no method", r: get(func(r *wire.Request) { r.Method = "" }), want: start},
		{name: "names in lower case, order kept", r: get(withFields("B", "1", "User-Agent", "x", "b", "2")), want: start + "b: 1\nuser-agent: x\nb: 2\n"},
		{
			name: "order of pseudo-fields", r: get(nil), o: RequestOptions{PseudoOrder: []string{":path", ":what", ":scheme", ":path"}},
			want: ":path: /x?y\n:scheme: https\n:method: GET\n:authority: a.test\n",
		},
		{name: "Host wins", r: get(withFields("Host", "b.test:1", "a", "b")), want: ":method: GET\n:scheme: https\n:authority: b.test:1\n:path: /x?y\na: b\n"},
		{name: "two Hosts", r: get(withFields("Host", "b", "host", "b")), want: ruleOneHost},
		{name: "connection-specific", r: get(withFields("Connection", "close, X-Hop , TE", "x-hop", "1", "Keep-Alive", "1", "Proxy-Connection", "x",
			"Transfer-Encoding", "chunked", "Upgrade", "websocket", "X-Hope", "2", "TE", "deflate, Trailers", "te", "trailers")), want: start + "x-hope: 2\nte: trailers\n"},
		{name: "TE without trailers", r: get(withFields("TE", "gzip")), want: start},
		{name: "other transfer coding", r: get(withFields("Transfer-Encoding", "gzip, chunked")), want: ruleSendCoding},
		{name: "whitespace around", r: get(withFields("a", " \tb c\t ", "b", " \t ")), want: start + "a: b c\nb: \n"},
		{name: "secrets", r: get(func(r *wire.Request) {
			r.Fields = field("Authorization", strings.Repeat("x", 50), "Proxy-Authorization", "y", "Cookie", "a=b", "Cookie", "long=012345678901234567890")
			r.Fields = append(r.Fields, wire.Field{Name: "X-Key", Value: "k", Sensitive: true})
		}), want: start + "!authorization: " + strings.Repeat("x", 50) + "\n!proxy-authorization: y\n!cookie: a=b\ncookie: long=012345678901234567890\n!x-key: k\n"},
		{
			name: "cookies split", r: get(withFields("Cookie", "a=b; long=012345678901234567890;;c=d; ")), o: RequestOptions{SplitCookies: true},
			want: start + "!cookie: a=b\ncookie: long=012345678901234567890\n!cookie: c=d\n",
		},
		{name: "empty name", r: get(withFields("", "x")), want: ruleName},
		{name: "space in name", r: get(withFields("a b", "x")), want: ruleName},
		{name: "pseudo-field", r: get(withFields(":path", "/")), want: rulePseudo},
		{name: "protocol without CONNECT", r: get(withFields(":protocol", "x")), want: ruleProtocol},
		{name: "LF in value", r: get(withFields("a", "b\nc: d")), want: ruleValue},
		{name: "NUL after eight bytes", r: get(withFields("a", "01234567890\x00")), want: ruleValue},
		{name: "DEL in the ninth byte", r: get(withFields("a", "01234567\x7f90123456")), want: ruleValue},
		{name: "tabs and bytes above 0x7f", r: get(withFields("a", "0123\t567\t\xff\x80\u2028xyz")), want: start + "a: 0123\t567\t\xff\x80\u2028xyz\n"},
		{name: "method with a space", r: get(func(r *wire.Request) { r.Method = "GET /" }), want: ruleMethod},
		{name: "no scheme", r: get(func(r *wire.Request) { r.Scheme = "" }), want: ruleScheme},
		{name: "scheme with a colon", r: get(func(r *wire.Request) { r.Scheme = "ht:tp" }), want: ruleScheme},
		{name: "scheme in upper case", r: get(func(r *wire.Request) { r.Scheme = "HTTPS" }), want: start},
		{name: "no authority", r: get(func(r *wire.Request) { r.Authority = "" }), want: ruleNoAuthority},
		{name: "no authority in another scheme", r: get(func(r *wire.Request) { r.Authority, r.Scheme = "", "coap" }), want: ":method: GET\n:scheme: coap\n:path: /x?y\n"},
		{name: "userinfo", r: get(func(r *wire.Request) { r.Authority = "u@a.test" }), want: ruleAuthority},
		{name: "IPv6", r: get(func(r *wire.Request) { r.Authority = "[::1]:80" }), want: ":method: GET\n:scheme: https\n:authority: [::1]:80\n:path: /x?y\n"},
		{name: "brackets without end", r: get(func(r *wire.Request) { r.Authority = "[::1" }), want: ruleAuthority},
		{name: "port that is none", r: get(func(r *wire.Request) { r.Authority = "a:b" }), want: ruleAuthority},
		{name: "empty target", r: get(func(r *wire.Request) { r.Target = "" }), want: rulePath},
		{name: "relative target", r: get(func(r *wire.Request) { r.Target = "x" }), want: rulePath},
		{name: "space in target", r: get(func(r *wire.Request) { r.Target = "/a b" }), want: rulePathByte},
		{name: "fragment", r: get(func(r *wire.Request) { r.Target = "/a#b" }), want: rulePathByte},
		{name: "byte above 0x7f in target", r: get(func(r *wire.Request) { r.Target = "/\xc3" }), want: rulePathByte},
		{name: "asterisk of GET", r: get(func(r *wire.Request) { r.Target = "*" }), want: rulePath},
		{name: "asterisk of OPTIONS", r: get(func(r *wire.Request) { r.Target, r.Method = "*", "OPTIONS" }), want: ":method: OPTIONS\n:scheme: https\n:authority: a.test\n:path: *\n"},
		{name: "absolute-form", r: get(func(r *wire.Request) { r.Target = "http://A.test/p?q" }), want: ":method: GET\n:scheme: http\n:authority: A.test\n:path: /p?q\n"},
		{name: "absolute-form without path", r: get(func(r *wire.Request) { r.Target = "http://a.test?q" }), want: ":method: GET\n:scheme: http\n:authority: a.test\n:path: /?q\n"},
		{
			name: "absolute-form of OPTIONS without path", r: get(func(r *wire.Request) { r.Target, r.Method = "http://a.test", "OPTIONS" }),
			want: ":method: OPTIONS\n:scheme: http\n:authority: a.test\n:path: *\n",
		},
		{name: "absolute-form elsewhere", r: get(func(r *wire.Request) { r.Target = "http://b.test/" }), want: ruleHostTarget},
		{
			name: "CONNECT", r: get(func(r *wire.Request) { r.Method, r.Target = "CONNECT", "b.test:443" }), want: ":method: CONNECT\n:authority: b.test:443\n",
			info: RequestInfo{Connect: true},
		},
		{name: "CONNECT without port", r: get(func(r *wire.Request) { r.Method, r.Target = "CONNECT", "b.test" }), want: ruleConnectTo},
		{name: "CONNECT with a body", r: get(func(r *wire.Request) { r.Method, r.Target, r.Body = "CONNECT", "b.test:443", noBody }), want: ruleNoContent},
		{
			name: "extended CONNECT", r: get(func(r *wire.Request) { r.Method, r.Fields = "CONNECT", field(":protocol", "websocket", "a", "b") }),
			want: ":method: CONNECT\n:scheme: https\n:authority: a.test\n:path: /x?y\n:protocol: websocket\na: b\n", info: RequestInfo{Connect: true, Extended: true},
		},
		{name: "two protocols", r: get(func(r *wire.Request) { r.Method, r.Fields = "CONNECT", field(":protocol", "a", ":protocol", "a") }), want: ruleProtocol},
		{name: "protocol that is none", r: get(func(r *wire.Request) { r.Method, r.Fields = "CONNECT", field(":protocol", "") }), want: ruleProtocol},
		{name: "POST without body", r: get(func(r *wire.Request) { r.Method = "POST" }), want: strings.Replace(start, "GET", "POST", 1) + "content-length: 0\n"},
		{
			name: "body of known length", r: get(func(r *wire.Request) { r.Method, r.Body, r.BodyLen = "PUT", noBody, 1234 }),
			want: strings.Replace(start, "GET", "PUT", 1) + "content-length: 1234\n", info: RequestInfo{Length: 1234},
		},
		{name: "empty body", r: get(func(r *wire.Request) { r.Body = noBody }), want: start + "content-length: 0\n"},
		{name: "body of unknown length", r: get(func(r *wire.Request) { r.Body, r.BodyLen = noBody, -5 }), want: start, info: RequestInfo{Length: -1}},
		{
			name: "length said and known", r: get(func(r *wire.Request) { r.Body, r.BodyLen, r.Fields = noBody, 5, field("Content-Length", " 5 ") }),
			want: start + "content-length: 5\n", info: RequestInfo{Length: 5},
		},
		{
			name: "length said and unknown", r: get(func(r *wire.Request) { r.Body, r.BodyLen, r.Fields = noBody, -1, field("Content-Length", "5") }),
			want: start + "content-length: 5\n", info: RequestInfo{Length: 5},
		},
		{name: "length said and different", r: get(func(r *wire.Request) { r.Body, r.BodyLen, r.Fields = noBody, 6, field("Content-Length", "5") }), want: ruleSendLength},
		{name: "length without a body", r: get(withFields("Content-Length", "5")), want: ruleSendLength},
		{name: "length that is none", r: get(withFields("Content-Length", "+5")), want: ruleSendLength},
		{name: "length too large", r: get(func(r *wire.Request) {
			r.Body, r.BodyLen, r.Fields = noBody, -1, field("Content-Length", "9223372036854775808")
		}), want: ruleSendLength},
		{name: "two lengths", r: get(withFields("Content-Length", "0", "content-length", "0")), want: ruleSendOne},
		{name: "trailers only", r: get(func(r *wire.Request) { r.Trailers = func() wire.Fields { return nil } }), want: start, info: RequestInfo{}},
		{
			name: "continue", r: get(func(r *wire.Request) { r.Body, r.BodyLen, r.Timeouts.Continue = noBody, -1, time.Second }),
			want: start + "expect: 100-continue\n", info: RequestInfo{Length: -1, Continue: true},
		},
		{
			name: "continue asked for by hand", r: get(func(r *wire.Request) { r.Body, r.BodyLen, r.Fields = noBody, 1, field("Expect", "100-Continue") }),
			want: start + "expect: 100-Continue\ncontent-length: 1\n", info: RequestInfo{Length: 1, Continue: true},
		},
		{name: "continue without content", r: get(withFields("Expect", "100-continue")), want: ruleExpect},
		{name: "TRACE with a cookie", r: get(func(r *wire.Request) { r.Method, r.Fields = "TRACE", field("Cookie", "a") }), want: ruleTraceSecret},
		{name: "TRACE with a body", r: get(func(r *wire.Request) { r.Method, r.Body = "TRACE", noBody }), want: ruleNoContent},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := field("was", "there")
			got, info, err := AppendRequestFields(before[:1:1], tt.r, tt.o)
			if err != nil {
				var e *wire.Error
				var q *RequestError
				if !errors.As(err, &e) || !errors.Is(err, wire.ErrLocalProtocol) || e.Sent || !errors.As(err, &q) || len(got) != 1 || info != (RequestInfo{}) {
					t.Fatalf("%#v, %v", err, got)
				}
				if q.Rule != tt.want {
					t.Errorf("%v, want %s", err, tt.want)
				}
				return
			}
			if got[0] != before[0] {
				t.Errorf("%v", got[0])
			}
			if s := lines(got[1:]); s != tt.want {
				t.Errorf("got\n%swant\n%s", s, tt.want)
			}
			tt.info.ListSize = FieldListSize(got[1:])
			tt.info.EndStream = tt.info == (RequestInfo{ListSize: tt.info.ListSize}) && tt.r.Trailers == nil
			if info != tt.info {
				t.Errorf("%+v\nwant %+v", info, tt.info)
			}
		})
	}
}

func TestAppendTrailerFields(t *testing.T) {
	got, err := AppendTrailerFields(nil, append(field("Grpc-Status", " 0 ", "b", ""), wire.Field{Name: "c", Value: "d", Sensitive: true}))
	if err != nil || lines(got) != "grpc-status: 0\nb: \n!c: d\n" {
		t.Errorf("%v\n%s", err, lines(got))
	}
	for _, f := range []string{"", ":status", "a b", "Host", "Content-Length", "Transfer-Encoding", "TE", "Connection", "Authorization", "Upgrade", "Expect"} {
		before := field("was", "there")
		got, err := AppendTrailerFields(before, field("ok", "ok", f, "x"))
		if err == nil || len(got) != 1 || got[0].Name != "was" {
			t.Errorf("%q is in trailers: %v", f, got)
		}
	}
	if _, err := AppendTrailerFields(nil, field("a", "b\r")); err == nil {
		t.Error("CR in a trailer")
	}
}

func TestListSize(t *testing.T) {
	f := field("abc", "de", "", "")
	if n := FieldListSize(f); n != 3+2+32+32 {
		t.Error(n)
	}
	if CheckListSize(69, 69) != nil || CheckListSize(1<<40, Unlimited) != nil || !errors.Is(CheckListSize(70, 69), wire.ErrLocalProtocol) {
		t.Error("limit is not the limit")
	}
}

func TestLowerName(t *testing.T) {
	for range 2 {
		for _, name := range []string{"", "a", "A", "User-Agent", "user-agenT", "ÄÖ-X", "[Z]@`{", strings.Repeat("X", 1000)} {
			want := strings.Map(func(r rune) rune {
				if 'A' <= r && r <= 'Z' {
					r += 'a' - 'A'
				}
				return r
			}, name)
			if got := lowerName(name); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
	}
	for i := range 2000 { // more than there are places
		name := fmt.Sprintf("X-Name-%d", i)
		if got := lowerName(name); got != fmt.Sprintf("x-name-%d", i) {
			t.Errorf("%q", got)
		}
	}
}

// theirs decodes as a peer does, with a table of at most max bytes.
type theirs struct {
	dec *hpack.Decoder
	got wire.Fields
}

func newTheirs(max uint32) *theirs {
	p := &theirs{}
	p.dec = hpack.NewDecoder(4096, func(f hpack.HeaderField) { p.got = append(p.got, wire.Field(f)) })
	p.dec.SetAllowedMaxDynamicTableSize(max)
	return p
}

func (p *theirs) decode(t *testing.T, block []byte) wire.Fields {
	t.Helper()
	p.got = nil
	// hpack takes one update at the start of a block; RFC 7541 §4.2 has two.
	for len(block) > 1 && isUpdate(block[0]) {
		n := 1
		for more := block[0]&0x1f == 0x1f; more; n++ {
			more = block[n]&0x80 != 0
		}
		if _, err := p.dec.Write(block[:n]); err != nil {
			t.Fatal(err)
		}
		p.dec.Close()
		block = block[n:]
	}
	if _, err := p.dec.Write(block); err != nil {
		t.Fatalf("% x: %v", block, err)
	}
	if err := p.dec.Close(); err != nil {
		t.Fatalf("% x: %v", block, err)
	}
	return p.got
}

// What repeats goes into the table when it is seen again; what does not, never.
func TestFieldEncoderTable(t *testing.T) {
	e := NewFieldEncoder(EncoderConfig{})
	p := newTheirs(4096)
	secret := wire.Field{Name: "authorization", Value: "Bearer 0123456789", Sensitive: true}
	size := []int{}
	for i := range 60 {
		f := append(field(":method", "GET", ":scheme", "https", ":authority", "a.test", ":path", fmt.Sprintf("/some/path/%d", i),
			"user-agent", "some agent/1.0", "accept", "*/*", "x-request-id", fmt.Sprintf("id-%d", i*7919)), secret)
		block := e.Append([]byte("."), f)
		if got := p.decode(t, block[1:]); block[0] != '.' || !reflect.DeepEqual(got, f) {
			t.Fatalf("%d:\n%s\nwant\n%s", i, lines(got), lines(f))
		}
		size = append(size, len(block)-1)
	}
	if size[2] != size[3] || size[3] >= size[1]-15 || size[59] > size[3]+4 {
		t.Errorf("sizes of the blocks: %v", size)
	}
	// RFC 7541 §7.1.3: never indexed, and said so.
	if block := e.Append(nil, wire.Fields{secret}); block[0]&0xf0 != 0x10 {
		t.Errorf("% x", block)
	}
	if block := e.Append(nil, field("user-agent", "some agent/1.0")); len(block) != 1 || block[0]&0x80 == 0 {
		t.Errorf("% x", block)
	}
	// The same value, sensitive now, is not taken from the table.
	if block := e.Append(nil, wire.Fields{{Name: "user-agent", Value: "some agent/1.0", Sensitive: true}}); block[0]&0xf0 != 0x10 {
		t.Errorf("% x", block)
	}
}

// What the static table has whole is one byte from the start.
func TestFieldEncoderStatic(t *testing.T) {
	for _, f := range []wire.Fields{
		field(":method", "GET", ":scheme", "https", ":path", "/"), field(":method", "POST", ":scheme", "http", ":path", "/index.html"),
		field("accept-encoding", "gzip, deflate", "accept-charset", "", "cookie", ""),
	} {
		if b := NewFieldEncoder(EncoderConfig{}).Append(nil, f); len(b) != 3 {
			t.Errorf("% x", b)
		}
	}
}

// A field of every request stays remembered however many others come by, one
// that is too large for the table is not remembered, and all of it is bounded.
func TestMemoBounds(t *testing.T) {
	e := NewFieldEncoder(EncoderConfig{})
	for i := range 2000 {
		b := e.Append(nil, field("user-agent", "agent", "x-id", fmt.Sprint(i*7919), "x-other", fmt.Sprint(i*104729)))
		if i > 1 && b[0]&0x80 == 0 {
			t.Fatalf("%d: % x", i, b)
		}
	}
	huge := field("x-huge", strings.Repeat("h", maxMemoField))
	for range 3 {
		if b := e.Append(nil, huge); b[0] != 0 || e.memo.find(&huge[0], 1) != nil {
			t.Errorf("% x", b[:1])
		}
	}
	for i := range 300 {
		e.Append(nil, field("x-large", fmt.Sprint(i)+strings.Repeat("l", 2000+i)))
		if n := memoSize(&e.memo); n > maxMemoBytes || n != e.memo.bytes {
			t.Fatalf("memo of %d bytes, counted %d", n, e.memo.bytes)
		}
	}
}

// What was refused leaves nothing in the array that was lent.
func TestRefusedLeavesNothing(t *testing.T) {
	dst := make(wire.Fields, 0, 20)
	if _, err := AppendTrailerFields(dst, field("a", "secret", "b", "\n")); err == nil {
		t.Error("sent")
	}
	for i, f := range dst[:20] {
		if f != (wire.Field{}) {
			t.Errorf("%d: %v", i, f)
		}
	}
}

// RFC 7541 §4.2: several changes of the size between two blocks are told by the
// least of them and the last.
func TestFieldEncoderResize(t *testing.T) {
	f := field("a", "b", "user-agent", "x")
	for _, noMemo := range []bool{false, true} {
		e := NewFieldEncoder(EncoderConfig{NoMemo: noMemo})
		p := newTheirs(4096)
		check := func(what string, updates ...byte) {
			t.Helper()
			block := e.Append(nil, f)
			if got := p.decode(t, block); !reflect.DeepEqual(got, f) {
				t.Fatalf("%s: %s", what, lines(got))
			}
			n := skipUpdates(block)
			if !bytes.Equal(block[:n], updates) {
				t.Errorf("%s: updates % x, want % x", what, block[:n], updates)
			}
		}
		for range 3 {
			check("as it was")
		}
		e.SetPeerTableSize(0, 4096)
		check("to 0 and back", 0x20, 0x3f, 0xe1, 0x1f)
		for range 3 {
			check("again")
		}
		e.SetPeerTableSize(30, 30)
		check("30", 0x3e)
		check("none fits")
		if b := e.Append(nil, f); b[0]&0xf0 != 0 {
			t.Errorf("% x", b)
		}
		e.SetPeerTableSize(20, 100)
		e.SetPeerTableSize(10, 1<<30)
		check("more than we want", 0x2a, 0x3f, 0xe1, 0x1f)
		e.SetPeerTableSize(1<<30, 1<<31)
		check("no change")
		if e.TableSize() != 4096 {
			t.Error(e.TableSize())
		}
	}
	none := NewFieldEncoder(EncoderConfig{TableSize: -1})
	block := none.Append(nil, f)
	if block[0] != 0x20 || none.TableSize() != 0 {
		t.Errorf("% x", block)
	}
	for range 5 {
		if block = none.Append(nil, f); block[0]&0xf0 != 0 {
			t.Errorf("% x", block)
		}
	}
	large := NewFieldEncoder(EncoderConfig{TableSize: 1 << 16})
	if large.SetPeerTableSize(1<<16, 1<<16); large.TableSize() != 1<<16 {
		t.Error(large.TableSize())
	}
	if got := newTheirs(1<<16).decode(t, large.Append(nil, f)); !reflect.DeepEqual(got, f) {
		t.Errorf("%s", lines(got))
	}
}

// The memo changes no byte: random sections through an encoder with it and one
// without, among table sizes that change.
func TestMemo(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		with, without := NewFieldEncoder(EncoderConfig{}), NewFieldEncoder(EncoderConfig{NoMemo: true})
		p := newTheirs(4096)
		names := []string{":path", "accept", "a", "cookie", "x-id", "user-agent", "longer-name-" + strings.Repeat("n", rnd.IntN(60))}
		for range 60 {
			if rnd.IntN(8) == 0 {
				a, b := rnd.Uint32N(5000), rnd.Uint32N(5000)
				with.SetPeerTableSize(min(a, b), b)
				without.SetPeerTableSize(min(a, b), b)
			}
			var f wire.Fields
			for range 1 + rnd.IntN(9) {
				v := fmt.Sprint(rnd.IntN(1 << (1 + rnd.IntN(8))))
				if rnd.IntN(6) == 0 {
					v = strings.Repeat(v, rnd.IntN(900))
				}
				f = append(f, wire.Field{Name: names[rnd.IntN(len(names))], Value: v, Sensitive: rnd.IntN(10) == 0})
			}
			a, b := with.Append(nil, f), without.Append(nil, f)
			if !bytes.Equal(a, b) {
				t.Fatalf("seed %d:\nwith    % x\nwithout % x\n%s", seed, a, b, lines(f))
			}
			if got := p.decode(t, a); !reflect.DeepEqual(got, f) {
				t.Fatalf("seed %d: %s\nwant %s", seed, lines(got), lines(f))
			}
			if n := memoSize(&with.memo); n > maxMemoBytes || n != with.memo.bytes {
				t.Fatalf("memo of %d bytes, counted %d", n, with.memo.bytes)
			}
		}
	}
}

// A path that was not seen before is written as hpack would, however long it is and
// whichever code is the shorter.
func TestNewPath(t *testing.T) {
	for _, c := range []string{"a", "/", "X", "{", "aaaaa{", "\n", "\xff"} { // 5, 6, 8, 15 bits, 40 of 48, and what Open lets through
		for n := range 600 {
			f := field(PseudoPath, strings.Repeat(c, n))
			got := NewFieldEncoder(EncoderConfig{}).Append(nil, f)
			want := NewFieldEncoder(EncoderConfig{NoMemo: true}).Append(nil, f)
			if !bytes.Equal(got, want) {
				t.Fatalf("%d times %q: % x, want % x", n, c, got, want)
			}
		}
	}
}

func memoSize(m *memo) (n int) {
	for _, p := range m.places {
		n += len(p.name) + len(p.value) + cap(p.out)
	}
	return n
}
