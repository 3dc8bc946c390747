package h2_test

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"

	"gohttpx.dev/h2"
	"gohttpx.dev/wire"
)

// What the connection has to do about requests and responses (RFC 9113 §8).
func TestRFC9113Messages(t *testing.T) {
	ok := []string{":status", "200"}
	for _, tt := range []struct {
		name string
		cfg  h2.Config
		run  func(f *fixture)
	}{
		// "An HTTP request/response exchange … content-length … malformed".
		{"§8.1.1/DATA shorter than content-length", h2.Config{}, func(f *fixture) {
			k := f.do(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.SendHeaders(1, false, ":status", "200", "content-length", "5")
			f.SendRaw(h2.AppendData(nil, 1, []byte("abc"), true, 0))
			// The body's reader gets "abc", then the error, never io.EOF.
			f.WantRST(1, h2.ProtocolError, "a malformed response is a stream error")
			if e := k.fails(wire.ErrRemoteProtocol); e.Phase != wire.PhaseBody || k.body != "abc" {
				f.t.Errorf("got %v, %q", e, k.body)
			}
			f.alive()
		}},
		{"§8.1.1/DATA longer than content-length", h2.Config{}, func(f *fixture) {
			k := f.do(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.SendHeaders(1, false, ":status", "200", "content-length", "2")
			f.SendRaw(h2.AppendData(nil, 1, []byte("abc"), true, 0))
			f.reset(k, 1, h2.ProtocolError, "a malformed response is a stream error")
		}},
		{"§8.1.1/no DATA but a content-length", h2.Config{}, func(f *fixture) {
			k := f.do(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.SendHeaders(1, true, ":status", "200", "content-length", "2")
			f.reset(k, 1, h2.ProtocolError, "a malformed response is a stream error")
		}},
		{"§8.1.1/HEAD, 204 and 304 may announce what they do not have", h2.Config{}, func(f *fixture) {
			for i, r := range []struct{ method, status string }{{"HEAD", "200"}, {"GET", "304"}, {"GET", "204"}} {
				req := get("/")
				req.Method = r.method
				k := f.do(f.t.Context(), req)
				f.WantHeaders(uint32(2*i+1), "", "a request")
				f.SendHeaders(uint32(2*i+1), true, ":status", r.status, "content-length", "7")
				k.wait()
				if k.err != nil || k.berr != nil || k.res.ContentLength != 0 || !k.res.Body.Ended() {
					f.t.Errorf("%v: got %v %v %+v", r, k.err, k.berr, k.res)
				}
			}
		}},
		{"§8.1.1/content in a response to HEAD", h2.Config{}, func(f *fixture) {
			req := get("/")
			req.Method = "HEAD"
			k := f.do(f.t.Context(), req)
			f.WantHeaders(1, "", "a request")
			f.Respond(1, "200", "x")
			f.reset(k, 1, h2.ProtocolError, "a malformed response is a stream error")
		}},
		{"§8.1/DATA before the head", h2.Config{}, func(f *fixture) {
			k := f.do(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.SendHeaders(1, false, ":status", "103")
			f.SendData(1, "x", false)
			f.reset(k, 1, h2.ProtocolError, "a malformed response is a stream error")
		}},
		{"§8.1/trailers", h2.Config{}, func(f *fixture) {
			k := f.do(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.SendHeaders(1, false, ok...)
			f.SendData(1, "x", false)
			f.SendHeaders(1, true, "x-sum", "1")
			k.ok(200, "x")
			if k.res.Trailers.Get("x-sum") != "1" {
				f.t.Errorf("got %v", k.res.Trailers)
			}
		}},
		{"§8.1/trailers without END_STREAM", h2.Config{}, func(f *fixture) {
			k := f.do(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.SendHeaders(1, false, ok...)
			f.SendHeaders(1, false, "x-sum", "1")
			f.reset(k, 1, h2.ProtocolError, "a malformed response is a stream error")
		}},
		// "…a client … receives RST_STREAM with an error code of NO_ERROR …
		// Clients MUST NOT discard responses as a consequence".
		{"§8.1/early response and RST_STREAM(NO_ERROR)", h2.Config{}, func(f *fixture) {
			pr, pw := io.Pipe()
			k := f.do(f.t.Context(), post("/", pr, -1))
			f.WantHeaders(1, "", "a request")
			f.Respond(1, "413", "too large")
			f.SendRaw(h2.AppendRSTStream(nil, 1, h2.NoError))
			k.ok(413, "too large")
			synctest.Wait()
			if _, err := pw.Write([]byte("x")); err != io.ErrClosedPipe {
				f.t.Errorf("the request's body is not closed: %v", err)
			}
			f.alive()
		}},
		{"§8.1/early response without RST_STREAM", h2.Config{}, func(f *fixture) {
			pr, pw := io.Pipe()
			k := f.do(f.t.Context(), post("/", pr, -1))
			f.WantHeaders(1, "", "a request")
			f.Respond(1, "413", "too large")
			k.ok(413, "too large")
			f.WantRST(1, h2.Cancel, "the rest of the request is given up")
			synctest.Wait()
			if _, err := pw.Write([]byte("x")); err != io.ErrClosedPipe {
				f.t.Errorf("the request's body is not closed: %v", err)
			}
			f.alive()
		}},
		{"§8.1/RST_STREAM(NO_ERROR) in mid-body", h2.Config{}, func(f *fixture) {
			k := f.do(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.SendHeaders(1, false, ok...)
			f.SendData(1, "half", false)
			f.SendRaw(h2.AppendRSTStream(nil, 1, h2.NoError))
			if k.fails(wire.ErrRemoteProtocol); k.body != "half" {
				f.t.Errorf("got %q", k.body)
			}
			f.alive()
		}},
		{"§8.2/malformed response", h2.Config{}, func(f *fixture) {
			for i, fields := range [][]string{
				{":status", "200", "Upper", "x"},
				{":status", "200", "connection", "close"},
				{"a", "b"},
				{":status", "20"},
				{":status", "200", ":path", "/"},
				{":status", "200", "a", "b\nc"},
				{":status", "200", "content-length", "1", "content-length", "2"},
			} {
				k := f.do(f.t.Context(), get("/"))
				id := uint32(4*i + 1)
				f.WantHeaders(id, "", "a request")
				f.SendHeaders(id, true, fields...)
				f.reset(k, id, h2.ProtocolError, fmt.Sprint(fields))
			}
		}},
		// "HTTP/2 does not support the 101 (Switching Protocols) informational
		// status code".
		{"§8.6/101", h2.Config{}, func(f *fixture) {
			k := f.do(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.SendHeaders(1, false, ":status", "101")
			f.reset(k, 1, h2.ProtocolError, "101 is malformed")
		}},
		// "REFUSED_STREAM … indicates that the stream is being closed prior to
		// any processing having occurred".
		{"§8.7/REFUSED_STREAM", h2.Config{}, func(f *fixture) {
			k := f.do(f.t.Context(), post("/", text("x"), 1))
			f.WantHeaders(1, "", "a request")
			f.WantData(1, "x", true, "its content")
			f.SendRaw(h2.AppendRSTStream(nil, 1, h2.RefusedStream))
			if e := k.fails(wire.ErrUnprocessed); !e.Remote || !e.Sent {
				f.t.Errorf("got %+v", e)
			}
			f.alive()
		}},
		// A server that has begun to answer has processed something, whatever it
		// says: a POST must not be sent again.
		{"§8.7/REFUSED_STREAM after an interim response", h2.Config{}, func(f *fixture) {
			k := f.do(f.t.Context(), post("/", text("x"), 1))
			f.WantHeaders(1, "", "a request")
			f.WantData(1, "x", true, "its content")
			f.SendHeaders(1, false, ":status", "103")
			f.SendRaw(h2.AppendRSTStream(nil, 1, h2.RefusedStream))
			if e := k.fails(wire.ErrRemoteProtocol); errors.Is(e, wire.ErrUnprocessed) {
				f.t.Errorf("got %+v", e)
			}
			f.alive()
		}},
		{"§8.7/REFUSED_STREAM after a final head", h2.Config{}, func(f *fixture) {
			k := f.do(f.t.Context(), post("/", text("x"), 1))
			f.WantHeaders(1, "", "a request")
			f.WantData(1, "x", true, "its content")
			f.SendHeaders(1, false, ":status", "200")
			f.SendRaw(h2.AppendRSTStream(nil, 1, h2.RefusedStream))
			k.wait()
			if errors.Is(k.berr, wire.ErrUnprocessed) || !errors.Is(k.berr, wire.ErrRemoteProtocol) {
				f.t.Errorf("got %v", k.berr)
			}
			f.alive()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				tt.run(start(t, tt.cfg))
			})
		})
	}
}
