package h1_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"gohttpx.dev/h1"
	"gohttpx.dev/wire"
)

// TestRFC9112Conn holds the requirements of RFC 9112 that bind a client and are
// decided by the connection, with those of RFC 9110 that belong to them. The
// ones that the codec decides are in TestRFC9112.
func TestRFC9112Conn(t *testing.T) {
	ctx := context.Background()
	// run makes one exchange with a peer that answers with these bytes, closes
	// its side if end is set, and then wants the connection closed or a second
	// request.
	run := func(t *testing.T, req *wire.Request, answer string, end, open bool) (wire.Response, string, error) {
		t.Helper()
		r := newRig(t, h1.Config{})
		r.script(func() {
			r.p.WantRequest("", "the request")
			r.p.Send(answer)
			if end {
				r.p.CloseWrite()
			}
			if !open {
				r.p.WantClosed("the connection must not be used again")
				return
			}
			r.p.WantRequest("GET /next HTTP/1.1", "the connection persists")
			r.p.Respond("204 No Content", "")
		})
		var res wire.Response
		err := r.do(ctx, req, &res)
		var got []byte
		if err == nil {
			got, err = io.ReadAll(res.Body)
		}
		if open {
			r.wantFree(1, wire.ConnOpen)
			var next wire.Response
			if err := r.do(ctx, get("/next"), &next); err != nil || next.Status != 204 {
				t.Errorf("the next exchange: status %d, %v", next.Status, err)
			}
		} else {
			r.wantFree(1, wire.ConnClosed)
		}
		return res, string(got), err
	}
	ok := func(t *testing.T, req *wire.Request, answer, body string, end, open bool) {
		t.Helper()
		if res, got, err := run(t, req, answer, end, open); err != nil || got != body {
			t.Errorf("status %d, content %q, %v; want %q", res.Status, got, err, body)
		}
	}
	bad := func(t *testing.T, req *wire.Request, answer string, end bool) {
		t.Helper()
		if _, got, err := run(t, req, answer, end, false); !errors.Is(err, wire.ErrRemoteProtocol) {
			t.Errorf("content %q, error %v; want a remote protocol error", got, err)
		}
	}
	withClose := func() *wire.Request {
		r := get("/")
		r.Fields = wire.Fields{{Name: "Connection", Value: "x, Close"}}
		return r
	}

	// §6.1: "Regardless, the server MUST close the connection after responding to
	// such a request" is the server's; for the client, §6.3: "Such a message
	// might indicate an attempt to perform request smuggling or response
	// splitting and ought to be handled as an error" - the response is
	// delivered with its anomaly, and the connection is not used again.
	t.Run("§6.3_length_beside_transfer_coding", func(t *testing.T) {
		ok(t, get("/"), "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", "a", false, false)
	})

	// §6.1: "A client MUST NOT send a request containing Transfer-Encoding unless
	// it knows the server will handle HTTP/1.1 requests (or later minor
	// revisions); such knowledge might be in the form of specific user
	// configuration or by remembering the version of a prior received response."
	// §6.3 says the same of the chunked coding. A body without a length is the
	// user's word for it, unless the connection has shown otherwise.
	t.Run("§6.1_§6.3_chunked_to_HTTP/1.0", func(t *testing.T) {
		r := newRig(t, h1.Config{})
		r.script(func() {
			r.p.WantRequest("GET / HTTP/1.1", "the request")
			r.p.Send("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n")
			r.p.WantRequest("POST /up HTTP/1.1", "nothing was sent of the one before")
			r.p.Respond("200 OK", "")
			r.p.WantRequest("POST /up HTTP/1.1", "now it is known better")
			r.p.Respond("200 OK", "")
		})
		var res wire.Response
		if err := r.do(ctx, get("/"), &res); err != nil {
			t.Fatal(err)
		}
		b := bodyOf("abc")
		err := r.do(ctx, post(b, -1), &res)
		wantErr(t, err, wire.PhaseWrite, wire.KindProtocol, false, false, "RFC 9112 §6.1")
		if n := b.closes.Load(); n != 1 {
			t.Errorf("body closed %d times", n)
		}
		for _, n := range []int64{3, -1} {
			if err := r.do(ctx, post(bodyOf("abc"), n), &res); err != nil {
				t.Fatal(err)
			}
		}
		r.wantFree(4, wire.ConnOpen)
	})

	// §6.3: "Any response to a HEAD request and any response with a 1xx
	// (Informational), 204 (No Content), or 304 (Not Modified) status code is
	// always terminated by the first empty line after the header fields,
	// regardless of the header fields present in the message".
	t.Run("§6.3_no_content", func(t *testing.T) {
		head := get("/")
		head.Method = "HEAD"
		ok(t, head, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "", false, true)
		ok(t, head, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "", false, true)
		ok(t, head, "HTTP/1.1 200 OK\r\n\r\n", "", false, true)
		ok(t, get("/"), "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "", false, true)
		ok(t, get("/"), "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", "", false, true)
	})

	// §6.3: "If it is in a response message received by a user agent, the user
	// agent MUST close the connection to the server and discard the received
	// response."
	t.Run("§6.3_invalid_length", func(t *testing.T) {
		for _, v := range []string{"x", "-1", "+1", "1, 2", "", "1 1", "99999999999999999999"} {
			bad(t, get("/"), "HTTP/1.1 200 OK\r\nContent-Length: "+v+"\r\n\r\nabc", false)
		}
	})

	// §6.3: "If the sender closes the connection or the recipient times out
	// before the indicated number of octets are received, the recipient MUST
	// consider the message to be incomplete and close the connection."
	t.Run("§6.3_incomplete", func(t *testing.T) {
		bad(t, get("/"), "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", true)
		synctest.Test(t, func(t *testing.T) {
			_, got, err := run(t, get("/"), "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", false, false)
			if got != "ab" || !errors.Is(err, wire.ErrReadTimeout) {
				t.Errorf("%q, %v", got, err)
			}
		})
	})

	// §6.3: "A client MUST NOT process, cache, or forward such extra data as a
	// separate response".
	t.Run("§6.3_extra_data", func(t *testing.T) {
		extra := "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
		ok(t, get("/"), "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"+extra, "abc", false, false)
		ok(t, get("/"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"+extra, "a", false, false)
		ok(t, get("/"), "HTTP/1.1 204 No Content\r\n\r\n"+extra, "", false, false)
		long := strings.Repeat("x", 20_000)
		ok(t, get("/"), "HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n"+long+extra, long, false, false)
	})

	// §8: "A client that receives an incomplete response message, which can
	// occur when a connection is closed prematurely or when decoding a
	// supposedly chunked transfer coding fails, MUST record the message as
	// incomplete."
	t.Run("§8_incomplete", func(t *testing.T) {
		chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		bad(t, get("/"), chunked+"3\r\nabc\r\n", true)
		bad(t, get("/"), chunked+"3\r\nabc\r\n0\r\n", true)
		bad(t, get("/"), chunked+"3\r\nabcd\r\n0\r\n\r\n", false)
		bad(t, get("/"), "HTTP/1.1 200 OK\r\nContent-", true)
	})

	// §8: "A response that has neither chunked transfer coding nor
	// Content-Length is terminated by closure of the connection and, if the
	// header section was received intact, is considered complete".
	t.Run("§8_until_close", func(t *testing.T) {
		ok(t, get("/"), "HTTP/1.1 200 OK\r\n\r\nabc", "abc", true, false)
		ok(t, get("/"), "HTTP/1.0 200 OK\r\n\r\nabc", "abc", true, false)
		ok(t, get("/"), "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nabc", "abc", true, false)
		ok(t, get("/"), "HTTP/1.1 200 OK\r\n\r\n", "", true, false)
	})

	// §9.2: "If a client receives data on a connection that doesn't have
	// outstanding requests, the client MUST NOT consider that data to be a valid
	// response".
	t.Run("§9.2_data_without_a_request", func(t *testing.T) {
		r := newRig(t, h1.Config{})
		r.script(func() {
			r.p.Send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
			r.p.WantClosed("the response came before the request")
		})
		s := newStuck("", true) // nothing is sent before the body is there
		err := r.do(ctx, post(s, 5), new(wire.Response))
		wantErr(t, err, wire.PhaseHead, wire.KindProtocol, true, false, "before the request was sent")
		close(s.release)
	})

	// §9.3: "If the "close" connection option is present, the connection will
	// not persist after the current response; else, if the received protocol is
	// HTTP/1.1 (or later), the connection will persist ...; else, if the received
	// protocol is HTTP/1.0, the "keep-alive" connection option is present ...;
	// otherwise, the connection will close after the current response."
	t.Run("§9.3_persistence", func(t *testing.T) {
		rest := "Content-Length: 1\r\n\r\na"
		ok(t, get("/"), "HTTP/1.1 200 OK\r\n"+rest, "a", false, true)
		ok(t, get("/"), "HTTP/1.1 200 OK\r\nConnection: close\r\n"+rest, "a", false, false)
		ok(t, get("/"), "HTTP/1.1 200 OK\r\nConnection: foo\r\nConnection: bar, CLOSE\r\n"+rest, "a", false, false)
		ok(t, get("/"), "HTTP/1.0 200 OK\r\n"+rest, "a", false, false)
		ok(t, get("/"), "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n"+rest, "a", false, true)
		ok(t, get("/"), "HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\n"+rest, "a", false, false)
		ok(t, get("/"), "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", "", false, false)
	})

	// §9.3: "a client MUST read the entire response message body if it intends
	// to reuse the same connection for a subsequent request." See also TestDrain.
	t.Run("§9.3_content_is_read", func(t *testing.T) {
		r := newRig(t, h1.Config{})
		r.script(func() {
			r.p.WantRequest("GET / HTTP/1.1", "the request")
			r.p.Send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc")
			r.p.WantClosed("the rest was not read")
		})
		var res wire.Response
		if err := r.do(ctx, get("/"), &res); err != nil {
			t.Fatal(err)
		}
		if r.Reserve() {
			t.Error("a second exchange may begin while the content is not read")
		}
		res.Body.Close()
		r.wantFree(1, wire.ConnClosed)
	})

	// §9.5: "If the client sees a response that indicates the server does not
	// wish to receive the message body and is closing the connection, the client
	// SHOULD immediately cease transmitting the body and close its side of the
	// connection."
	t.Run("§9.5_cease_transmitting", func(t *testing.T) {
		r := newRig(t, h1.Config{})
		r.script(func() {
			r.p.WantHead("POST /up HTTP/1.1", "the head")
			r.p.Send("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\n")
			io.Copy(io.Discard, r.p.Conn) // ends when the client closes
		})
		b := &body{Reader: endless{}}
		var res wire.Response
		if err := r.do(ctx, post(b, -1), &res); err != nil {
			t.Fatal(err)
		}
		// The content of the response is still to come, but the upload ends.
		eventually(t, "the body is closed", func() bool { return b.closes.Load() == 1 })
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
		r.wantFree(1, wire.ConnClosed)
	})

	// §9.6: "A client that sends a "close" connection option MUST NOT send further
	// requests on that connection ... and MUST close the connection after reading
	// the final response message corresponding to this request."
	t.Run("§9.6_close_sent", func(t *testing.T) {
		ok(t, withClose(), "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", "a", false, false)
	})

	// §9.6: "A client that receives a "close" connection option MUST cease sending
	// requests on that connection and close the connection after reading the
	// response message containing the "close" connection option".
	t.Run("§9.6_close_received", func(t *testing.T) {
		ok(t, get("/"), "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", "a", false, false)
	})

	// §9.8: "Clients MUST send a closure alert before closing the connection."
	// See TestTLSClosureAlertIsSent; for content that ends with the connection,
	// TestTLSEndOfContent.

	// RFC 9110 §6.2: "A client MUST process a response of a version higher than
	// its own as if it had the highest minor version that it knows" (§2.5).
	t.Run("RFC9110_§2.5_higher_minor_version", func(t *testing.T) {
		ok(t, get("/"), "HTTP/1.2 200 OK\r\nContent-Length: 1\r\n\r\na", "a", false, true)
	})

	// RFC 9110 §7.8: "A server MUST NOT switch to a protocol that was not
	// indicated by the client in the corresponding request's Upgrade header
	// field." See TestSwitchRefused, also for "A client cannot begin using an
	// upgraded protocol on the connection until it has completely sent the
	// request message".
	t.Run("RFC9110_§7.8_upgrade_not_asked_for", func(t *testing.T) {
		bad(t, get("/"), "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", false)
	})

	// RFC 9110 §8.6: content has the length that was announced for it. See
	// TestRequestsThatAreNotSent and TestLongBodyOfWrongLength.

	// RFC 9110 §9.3.6: "A client MUST ignore any Content-Length or
	// Transfer-Encoding header fields received in a successful response to
	// CONNECT." See TestDetach. A refused CONNECT is a response like any other.
	t.Run("RFC9110_§9.3.6_refused_tunnel", func(t *testing.T) {
		ok(t, connect(), "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 1\r\n\r\na", "a", false, true)
	})

	// RFC 9110 §10.1.1: "A client that will wait for a 100 (Continue) response
	// before sending the request content MUST send an Expect header field
	// containing a 100-continue expectation" and "SHOULD NOT wait for an
	// indefinite period". See TestContinue.

	// RFC 9110 §15.2: "A client MUST be able to parse one or more 1xx responses
	// received prior to a final response, even if the client does not expect
	// one."
	t.Run("RFC9110_§15.2_interim_responses", func(t *testing.T) {
		var seen []int
		req := get("/")
		req.Trace = &wire.Trace{Interim: func(status int, f wire.Fields) error {
			seen = append(seen, status)
			if status == 103 && f.Get("Link") != "<x>" {
				t.Errorf("fields %v", f)
			}
			return nil
		}}
		ok(t, req, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 199 \r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", "a", false, true)
		if len(seen) != 3 || seen[0] != 100 || seen[1] != 103 || seen[2] != 199 {
			t.Errorf("the hook saw %v", seen)
		}
	})
}

// endless is a source that never ends by itself.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
