package h1

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"gohttpx.dev/wire"
)

// noBody is a request body that must not be touched by the codec.
var noBody = struct{ io.ReadCloser }{}

func noTrailers() wire.Fields { return nil }

func TestAppendRequest(t *testing.T) {
	f := func(nv ...string) (f wire.Fields) {
		for i := 0; i < len(nv); i += 2 {
			f.Add(nv[i], nv[i+1])
		}
		return f
	}
	wait := wire.Timeouts{Continue: time.Second}
	tests := []struct {
		name string
		req  wire.Request
		want string
	}{
		{"GET by default", wire.Request{Authority: "a", Target: "/"}, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"order, case and duplicates", wire.Request{Authority: "a:80", Target: "/?q", Fields: f("b", "1", "A", "2", "B", "")}, "GET /?q HTTP/1.1\r\nHost: a:80\r\nb: 1\r\nA: 2\r\nB: \r\n\r\n"},
		{"Host keeps its place", wire.Request{Authority: "a", Target: "/", Fields: f("x", "y", "hoST", "other:1")}, "GET / HTTP/1.1\r\nx: y\r\nhoST: other:1\r\n\r\n"},
		{"empty Host", wire.Request{Target: "/", Fields: f("Host", "")}, "GET / HTTP/1.1\r\nHost: \r\n\r\n"},
		{"IPv6", wire.Request{Authority: "[::1]:8080", Target: "/"}, "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n"},
		{"absolute-form", wire.Request{Authority: "a:1", Target: "http://A:1/b?c"}, "GET http://A:1/b?c HTTP/1.1\r\nHost: a:1\r\n\r\n"},
		{"absolute-form of another scheme", wire.Request{Authority: "a", Target: "ftp://a/b"}, "GET ftp://a/b HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"CONNECT", wire.Request{Method: "CONNECT", Authority: "a", Target: "a:443"}, "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"CONNECT without authority", wire.Request{Method: "CONNECT", Target: "[::1]:443"}, "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n"},
		{"OPTIONS *", wire.Request{Method: "OPTIONS", Authority: "a", Target: "*"}, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"unusual bytes in a target", wire.Request{Authority: "a", Target: "/|{}^`\"<>\\[]%zz"}, "GET /|{}^`\"<>\\[]%zz HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"method of its own", wire.Request{Method: "m-search", Authority: "a", Target: "/"}, "m-search / HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"bytes above 0x7f in a value", wire.Request{Authority: "a", Target: "/", Fields: f("x", "\xe9\t\xff")}, "GET / HTTP/1.1\r\nHost: a\r\nx: \xe9\t\xff\r\n\r\n"},

		{"POST without body", wire.Request{Method: "POST", Authority: "a", Target: "/"}, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"},
		{"DELETE without body", wire.Request{Method: "DELETE", Authority: "a", Target: "/"}, "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"GET with Content-Length 0", wire.Request{Authority: "a", Target: "/", Fields: f("Content-Length", "0")}, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"},
		{"known length", wire.Request{Authority: "a", Target: "/", Body: noBody, BodyLen: 12}, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n"},
		{"known length 0", wire.Request{Method: "PUT", Authority: "a", Target: "/", Body: noBody}, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"},
		{"unknown length", wire.Request{Method: "PUT", Authority: "a", Target: "/", Body: noBody, BodyLen: -1}, "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"},
		{"Content-Length of the user", wire.Request{Method: "PUT", Authority: "a", Target: "/", Body: noBody, BodyLen: -1, Fields: f("content-length", " 012", "x", "y")}, "PUT / HTTP/1.1\r\nHost: a\r\ncontent-length:  012\r\nx: y\r\n\r\n"},
		{"equal Content-Length of the user", wire.Request{Method: "PUT", Authority: "a", Target: "/", Body: noBody, BodyLen: 12, Fields: f("Content-Length", "12")}, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n"},
		{"chunked of the user", wire.Request{Method: "PUT", Authority: "a", Target: "/", Body: noBody, BodyLen: 12, Fields: f("transfer-encoding", "Chunked")}, "PUT / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: Chunked\r\n\r\n"},
		{"trailers", wire.Request{Method: "PUT", Authority: "a", Target: "/", Body: noBody, BodyLen: 12, Trailers: noTrailers}, "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"},
		{"trailers alone", wire.Request{Method: "PUT", Authority: "a", Target: "/", Trailers: noTrailers}, "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"},

		{"expectation", wire.Request{Method: "PUT", Authority: "a", Target: "/", Body: noBody, BodyLen: 1, Timeouts: wait}, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"},
		{"expectation of the user", wire.Request{Method: "PUT", Authority: "a", Target: "/", Body: noBody, BodyLen: 1, Timeouts: wait, Fields: f("expect", "100-Continue")}, "PUT / HTTP/1.1\r\nHost: a\r\nexpect: 100-Continue\r\nContent-Length: 1\r\n\r\n"},
		{"another expectation", wire.Request{Method: "PUT", Authority: "a", Target: "/", Body: noBody, BodyLen: 1, Timeouts: wait, Fields: f("Expect", "x")}, "PUT / HTTP/1.1\r\nHost: a\r\nExpect: x\r\nContent-Length: 1\r\n\r\n"},
		{"no expectation without a body", wire.Request{Method: "PUT", Authority: "a", Target: "/", Timeouts: wait}, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"},
		{"no expectation with an empty body", wire.Request{Method: "PUT", Authority: "a", Target: "/", Timeouts: wait, Body: noBody}, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"},

		{"TE", wire.Request{Authority: "a", Target: "/", Fields: f("te", "trailers")}, "GET / HTTP/1.1\r\nHost: a\r\nte: trailers\r\nConnection: TE\r\n\r\n"},
		{"TE, listed", wire.Request{Authority: "a", Target: "/", Fields: f("te", "trailers", "connection", "close, te")}, "GET / HTTP/1.1\r\nHost: a\r\nte: trailers\r\nconnection: close, te\r\n\r\n"},
		{"Upgrade beside close", wire.Request{Authority: "a", Target: "/", Fields: f("Upgrade", "x", "Connection", "close")}, "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: close\r\nConnection: Upgrade\r\n\r\n"},
		{"TE and Upgrade", wire.Request{Authority: "a", Target: "/", Fields: f("TE", "", "Upgrade", "x")}, "GET / HTTP/1.1\r\nHost: a\r\nTE: \r\nUpgrade: x\r\nConnection: TE, Upgrade\r\n\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := AppendRequest([]byte("before "), &tt.req, 0)
			if err != nil || string(got) != "before "+tt.want {
				t.Errorf("got  %q, %v\nwant %q", got, err, tt.want)
			}
			ischunked, length := RequestFraming(&tt.req)
			if want := strings.Contains(strings.ToLower(tt.want), ": chunked"); ischunked != want {
				t.Errorf("RequestFraming: chunked = %v", ischunked)
			} else if !ischunked && length > 0 != (tt.req.Body != nil && tt.req.BodyLen != 0) {
				t.Errorf("RequestFraming: length = %d", length)
			}
			if want := strings.Contains(strings.ToLower(tt.want), ": 100-continue"); ExpectsContinue(&tt.req) != want {
				t.Errorf("ExpectsContinue = %v", !want)
			}
		})
	}
}

func TestAppendRequestRefuses(t *testing.T) {
	f := func(nv ...string) (f wire.Fields) {
		for i := 0; i < len(nv); i += 2 {
			f.Add(nv[i], nv[i+1])
		}
		return f
	}
	tests := []struct {
		name string
		req  wire.Request
		rule string
	}{
		{"space in the method", wire.Request{Method: "GET /x", Authority: "a", Target: "/"}, ruleMethod},
		{"CRLF in the method", wire.Request{Method: "GET\r\nx: y", Authority: "a", Target: "/"}, ruleMethod},
		{"no target", wire.Request{Authority: "a"}, ruleTarget},
		{"CRLF in the target", wire.Request{Authority: "a", Target: "/\r\nx: y"}, ruleTargetByte},
		{"LF in the target", wire.Request{Authority: "a", Target: "/\nx"}, ruleTargetByte},
		{"space in the target", wire.Request{Authority: "a", Target: "/ HTTP/1.1"}, ruleTargetByte},
		{"NUL in the target", wire.Request{Authority: "a", Target: "/\x00"}, ruleTargetByte},
		{"DEL in the target", wire.Request{Authority: "a", Target: "/\x7f"}, ruleTargetByte},
		{"fragment in the target", wire.Request{Authority: "a", Target: "/#x"}, ruleTargetByte},
		{"byte above 0x7f in the target", wire.Request{Authority: "a", Target: "/\xc3\xa9"}, ruleTargetByte},
		{"target without slash", wire.Request{Authority: "a", Target: "x"}, ruleTarget},
		{"target is a query", wire.Request{Authority: "a", Target: "?x"}, ruleTarget},
		{"target is a scheme", wire.Request{Authority: "a", Target: "http:"}, ruleTarget},
		{"target without host", wire.Request{Authority: "a", Target: "http:///x"}, ruleNoAuthority},
		{"target with userinfo", wire.Request{Authority: "a", Target: "http://u:p@a/"}, ruleUserinfo},
		{"target of another host", wire.Request{Authority: "a", Target: "http://b/"}, ruleHostTarget},
		{"* for GET", wire.Request{Authority: "a", Target: "*"}, ruleAsterisk},
		{"CONNECT to a path", wire.Request{Method: "CONNECT", Authority: "a", Target: "/"}, ruleAuthForm},
		{"CONNECT without port", wire.Request{Method: "CONNECT", Authority: "a", Target: "a"}, ruleAuthForm},
		{"CONNECT with empty port", wire.Request{Method: "CONNECT", Authority: "a", Target: "a:"}, ruleAuthForm},
		{"CONNECT to IPv6 without port", wire.Request{Method: "CONNECT", Authority: "a", Target: "[::1]"}, ruleAuthForm},
		{"CONNECT to port 65536", wire.Request{Method: "CONNECT", Authority: "a", Target: "a:65536"}, ruleAuthForm},
		{"CONNECT to a URI", wire.Request{Method: "CONNECT", Authority: "a", Target: "https://a:443"}, ruleAuthForm},

		{"no authority", wire.Request{Target: "/"}, ruleNoAuthority},
		{"CRLF in the authority", wire.Request{Authority: "a\r\nx: y", Target: "/"}, ruleHost},
		{"space in the authority", wire.Request{Authority: "a b", Target: "/"}, ruleHost},
		{"slash in the authority", wire.Request{Authority: "a/b", Target: "/"}, ruleHost},
		{"userinfo in the authority", wire.Request{Authority: "u@a", Target: "/"}, ruleHost},
		{"port that is no number", wire.Request{Authority: "a:b", Target: "/"}, ruleHost},
		{"two ports", wire.Request{Authority: "a:1:2", Target: "/"}, ruleHost},
		{"only a port", wire.Request{Authority: ":80", Target: "/"}, ruleHost},
		{"open bracket", wire.Request{Authority: "[::1", Target: "/"}, ruleHost},
		{"empty brackets", wire.Request{Authority: "[]", Target: "/"}, ruleHost},
		{"text after a bracket", wire.Request{Authority: "[::1]x", Target: "/"}, ruleHost},
		{"not in ASCII", wire.Request{Authority: "\xc3\xa9.test", Target: "/"}, ruleHost},
		{"two Host", wire.Request{Authority: "a", Target: "/", Fields: f("Host", "a", "hOST", "a")}, ruleHost},
		{"userinfo in Host", wire.Request{Authority: "a", Target: "/", Fields: f("Host", "u@a")}, ruleHost},

		{"empty name", wire.Request{Authority: "a", Target: "/", Fields: f("", "x")}, ruleName},
		{"colon in a name", wire.Request{Authority: "a", Target: "/", Fields: f("x: y", "x")}, ruleName},
		{"pseudo-header", wire.Request{Authority: "a", Target: "/", Fields: f(":path", "x")}, ruleName},
		{"CRLF in a name", wire.Request{Authority: "a", Target: "/", Fields: f("x\r\ny", "x")}, ruleName},
		{"CRLF in a value", wire.Request{Authority: "a", Target: "/", Fields: f("x", "y\r\nz: z")}, ruleValue},
		{"LF in a value", wire.Request{Authority: "a", Target: "/", Fields: f("x", "y\nz: z")}, ruleValue},
		{"CR in a value", wire.Request{Authority: "a", Target: "/", Fields: f("x", "y\r")}, ruleValue},
		{"NUL in a value", wire.Request{Authority: "a", Target: "/", Fields: f("x", "\x00")}, ruleValue},
		{"DEL in a value", wire.Request{Authority: "a", Target: "/", Fields: f("x", "\x7f")}, ruleValue},

		{"Content-Length without body", wire.Request{Authority: "a", Target: "/", Fields: f("Content-Length", "1")}, ruleSendLength},
		{"Content-Length differs", wire.Request{Authority: "a", Target: "/", Body: noBody, BodyLen: 2, Fields: f("Content-Length", "1")}, ruleSendLength},
		{"Content-Length is no number", wire.Request{Authority: "a", Target: "/", Body: noBody, BodyLen: -1, Fields: f("Content-Length", "1, 1")}, ruleLength},
		{"Content-Length too large", wire.Request{Authority: "a", Target: "/", Body: noBody, BodyLen: -1, Fields: f("Content-Length", "9223372036854775808")}, ruleLengthRange},
		{"two Content-Length", wire.Request{Authority: "a", Target: "/", Body: noBody, BodyLen: 1, Fields: f("Content-Length", "1", "Content-Length", "1")}, ruleSendOne},
		{"Content-Length with trailers", wire.Request{Authority: "a", Target: "/", Body: noBody, BodyLen: 1, Trailers: noTrailers, Fields: f("Content-Length", "1")}, ruleTrailersNeed},
		{"Content-Length with Transfer-Encoding", wire.Request{Authority: "a", Target: "/", Body: noBody, BodyLen: 1, Fields: f("Content-Length", "1", "Transfer-Encoding", "chunked")}, ruleSendBoth},
		{"gzip as Transfer-Encoding", wire.Request{Authority: "a", Target: "/", Body: noBody, BodyLen: 1, Fields: f("Transfer-Encoding", "gzip, chunked")}, ruleSendCoding},
		{"two Transfer-Encoding", wire.Request{Authority: "a", Target: "/", Body: noBody, BodyLen: 1, Fields: f("Transfer-Encoding", "chunked", "Transfer-Encoding", "chunked")}, ruleSendCoding},
		{"Transfer-Encoding without body", wire.Request{Authority: "a", Target: "/", Fields: f("Transfer-Encoding", "chunked")}, ruleSendAlone},
		{"body with CONNECT", wire.Request{Method: "CONNECT", Authority: "a", Target: "a:1", Body: noBody, BodyLen: 1}, ruleNoContent},
		{"trailers with CONNECT", wire.Request{Method: "CONNECT", Authority: "a", Target: "a:1", Trailers: noTrailers}, ruleNoContent},
		{"body with TRACE", wire.Request{Method: "TRACE", Authority: "a", Target: "/", Body: noBody, BodyLen: 1}, ruleNoContent},
		{"secret with TRACE", wire.Request{Method: "TRACE", Authority: "a", Target: "/", Fields: wire.Fields{{Name: "Cookie", Value: "x", Sensitive: true}}}, ruleTraceSecret},
		{"credentials with TRACE", wire.Request{Method: "TRACE", Authority: "a", Target: "/", Fields: f("authorization", "x")}, ruleTraceSecret},
		{"expectation without body", wire.Request{Method: "PUT", Authority: "a", Target: "/", Fields: f("Expect", "100-continue")}, ruleExpect},
		{"expectation with an empty body", wire.Request{Method: "PUT", Authority: "a", Target: "/", Body: noBody, Fields: f("Expect", "100-continue")}, ruleExpect},
		{"chunked in TE", wire.Request{Authority: "a", Target: "/", Fields: f("TE", "trailers, Chunked;q=1")}, ruleTE},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := AppendRequest([]byte("before"), &tt.req, 0)
			if string(got) != "before" {
				t.Errorf("appended %q", got)
			}
			if err == nil || rule(err) != tt.rule {
				t.Fatalf("error %v, want %s", err, tt.rule)
			}
			var e *wire.Error
			if !errors.As(err, &e) || e.Phase != wire.PhaseWrite || e.Kind != wire.KindProtocol || e.Remote || e.Sent {
				t.Errorf("error %+v", err)
			}
			if !errors.Is(err, wire.ErrLocalProtocol) {
				t.Errorf("%v is not ErrLocalProtocol", err)
			}
		})
	}
}

func TestAppendRequestRawTarget(t *testing.T) {
	r := wire.Request{Authority: "a", Target: "/\xc3\xa9"}
	if got, err := AppendRequest(nil, &r, AllowRawTarget); err != nil || string(got) != "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n" {
		t.Errorf("%q, %v", got, err)
	}
}

// An error says where, and never shows what may be a secret.
func TestRequestErrorText(t *testing.T) {
	for _, tt := range []struct {
		fields wire.Fields
		want   string
	}{
		{wire.Fields{{Name: "X-Key", Value: "secret\n"}}, "write: local protocol error: h1: X-Key: LF at byte 6 (RFC 9110 §5.5: no control byte in a field value)"},
		{wire.Fields{{Name: "Authorization: secret", Value: ""}}, "write: local protocol error: h1: field name \"Authorization\": ':' at byte 13 (RFC 9110 §5.1: a field name is a token)"},
		{wire.Fields{{Name: "Content-Length", Value: "secret"}}, "write: local protocol error: h1: Content-Length: no valid number (RFC 9110 §8.6: Content-Length = 1*DIGIT)"},
	} {
		_, err := AppendRequest(nil, &wire.Request{Authority: "a", Target: "/", Fields: tt.fields}, 0)
		if err == nil || err.Error() != tt.want || strings.Contains(err.Error(), "secret") {
			t.Errorf("got  %v\nwant %s", err, tt.want)
		}
	}
}
