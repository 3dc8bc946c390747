package h2_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"gohttpx.dev/h2"
	"gohttpx.dev/wire"
)

// broken checks that the connection ends with GOAWAY and that the exchange fails
// with an error of the peer's making.
func (f *fixture) broken(k *call, code h2.ErrCode, why string) {
	f.t.Helper()
	f.WantGoAway(code, why)
	if k == nil {
		return
	}
	e := k.fails(wire.ErrRemoteProtocol)
	var ce h2.ConnError
	if !errors.As(e, &ce) || ce.Code != code || !e.Remote {
		f.t.Errorf("got %+v, want a ConnError with %v", e, code)
	}
	f.phase(wire.ConnClosed)
	f.inFlight(0)
}

// reset checks that the stream is reset, that its exchange fails, and that the
// connection serves the next one.
func (f *fixture) reset(k *call, id uint32, code h2.ErrCode, why string) {
	f.t.Helper()
	f.WantRST(id, code, why)
	e := k.fails(wire.ErrRemoteProtocol)
	var se h2.StreamError
	if !errors.As(e, &se) || se.Code != code || se.Reset || !e.Remote {
		f.t.Errorf("got %v, want a StreamError with %v", e, code)
	}
	f.alive()
}

// alive makes an exchange.
func (f *fixture) alive() {
	f.t.Helper()
	f.inFlight(0)
	k := f.do(f.t.Context(), get("/alive"))
	h := f.WantHeaders(0, "GET /alive", "the connection lives on")
	f.Respond(h.ID, "200", "yes")
	k.ok(200, "yes")
}

func rawFrame(typ h2.FrameType, flags h2.Flags, id uint32, payload string) []byte {
	return h2.AppendFrame(nil, h2.Frame{FrameHeader: h2.FrameHeader{Type: typ, Flags: flags, StreamID: id}, Payload: []byte(payload)})
}

// What the connection has to do about frames, streams and windows, section by
// section; messages are in TestRFC9113Messages, and the codec's part of RFC 9113
// in TestRFC9113.
func TestRFC9113Conn(t *testing.T) {
	ok := []string{":status", "200"}
	for _, tt := range []struct {
		name string
		cfg  h2.Config
		run  func(f *fixture)
	}{
		// "The server connection preface consists of a potentially empty
		// SETTINGS frame that MUST be the first frame the server sends".
		{"§3.4/the first frame is no SETTINGS", h2.Config{}, nil},

		// "Any implementation that receives a field block that is not ended…
		// A receiver MUST treat … any other type of frame … as a connection
		// error".
		{"§4.3/another frame within a field block", h2.Config{}, func(f *fixture) {
			k := f.do(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			block := f.Block(ok...)
			f.SendRaw(rawFrame(h2.FrameHeaders, 0, 1, string(block[:1])))
			f.SendRaw(h2.AppendPing(nil, [8]byte{}, false))
			f.broken(k, h2.ProtocolError, "PING in mid-block is a connection error")
		}},
		{"§4.3/a field block that cannot be decoded", h2.Config{}, func(f *fixture) {
			k := f.do(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.SendRaw(rawFrame(h2.FrameHeaders, h2.FlagEndHeaders, 1, "\xff\xff\xff\xff\xff"))
			f.broken(k, h2.CompressionError, "COMPRESSION_ERROR ends the connection")
		}},
		// "A server … field block of a stream that was cancelled MUST still be
		// decoded".
		{"§4.3/a late field block keeps the table", h2.Config{}, func(f *fixture) {
			k := f.head(f.t.Context(), get("/1"))
			f.WantHeaders(1, "", "a request")
			f.SendHeaders(1, false, ":status", "200")
			k.wait()
			k.res.Body.Close()
			f.WantRST(1, h2.Cancel, "a body that is closed early is cancelled")
			k = f.do(f.t.Context(), get("/2"))
			f.WantHeaders(3, "", "the next request")
			f.SendHeaders(1, true, "x-late", "goes into the table")
			f.SendHeaders(3, true, ":status", "200", "x-late", "goes into the table")
			k.ok(200, "")
			if got := k.res.Fields.Get("x-late"); got != "goes into the table" {
				f.t.Errorf("got %q", got)
			}
		}},
		{"§4.2/a frame above MAX_FRAME_SIZE", h2.Config{}, func(f *fixture) {
			k := f.do(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.SendRaw(h2.AppendFrameHeader(nil, h2.FrameHeader{Type: h2.FrameData, StreamID: 1, Length: 16385}))
			f.broken(k, h2.FrameSizeError, "FRAME_SIZE_ERROR without waiting for the payload")
		}},
		// "Receiving any frame other than HEADERS or PRIORITY on a stream in
		// [the idle] state MUST be treated as a connection error".
		{"§5.1/DATA on an idle stream", h2.Config{}, func(f *fixture) {
			f.SendRaw(h2.AppendData(nil, 1, []byte("x"), false, 0))
			f.broken(nil, h2.ProtocolError, "PROTOCOL_ERROR")
		}},
		{"§5.1/RST_STREAM on an idle stream", h2.Config{}, func(f *fixture) {
			f.SendRaw(h2.AppendRSTStream(nil, 3, h2.Cancel))
			f.broken(nil, h2.ProtocolError, "PROTOCOL_ERROR")
		}},
		{"§5.1/WINDOW_UPDATE on an idle stream", h2.Config{}, func(f *fixture) {
			f.SendRaw(h2.AppendWindowUpdate(nil, 5, 1))
			f.broken(nil, h2.ProtocolError, "PROTOCOL_ERROR")
		}},
		{"§5.1/HEADERS on a stream that the client has not opened", h2.Config{}, func(f *fixture) {
			f.SendHeaders(1, true, ok...)
			f.broken(nil, h2.ProtocolError, "PROTOCOL_ERROR")
		}},
		{"§5.1.1/HEADERS on a stream of the server's", h2.Config{}, func(f *fixture) {
			f.SendHeaders(2, true, ok...)
			f.broken(nil, h2.ProtocolError, "PROTOCOL_ERROR")
		}},
		// "An endpoint that receives any frames after receiving a frame with
		// the END_STREAM flag set MUST treat that as a connection error … of
		// type STREAM_CLOSED".
		{"§5.1/DATA after END_STREAM", h2.Config{}, func(f *fixture) {
			k := f.do(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.Respond(1, "200", "x")
			k.ok(200, "x")
			f.SendRaw(h2.AppendData(nil, 1, []byte("y"), false, 0))
			f.broken(nil, h2.StreamClosed, "STREAM_CLOSED")
		}},
		{"§5.1/HEADERS after END_STREAM", h2.Config{}, func(f *fixture) {
			k := f.do(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.Respond(1, "200", "x")
			k.ok(200, "x")
			f.SendHeaders(1, true, "a", "b")
			f.broken(nil, h2.StreamClosed, "STREAM_CLOSED")
		}},
		// "An endpoint MUST NOT treat … WINDOW_UPDATE or RST_STREAM frames …
		// received on a closed stream as errors".
		{"§5.1/WINDOW_UPDATE, RST_STREAM and PRIORITY after END_STREAM", h2.Config{}, func(f *fixture) {
			k := f.do(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.Respond(1, "200", "x")
			k.ok(200, "x")
			f.SendRaw(h2.AppendWindowUpdate(nil, 1, 5))
			f.SendRaw(h2.AppendRSTStream(nil, 1, h2.NoError))
			f.SendRaw(h2.AppendPriority(nil, 1, h2.Priority{}))
			f.SendRaw(h2.AppendPriority(nil, 99, h2.Priority{}))
			f.alive()
		}},
		// "…MUST ignore frames that it receives on closed streams after it has
		// sent a RST_STREAM frame", and their bytes count.
		{"§5.1/frames after our RST_STREAM", h2.Config{}, func(f *fixture) {
			k := f.head(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.SendHeaders(1, false, ok...)
			k.wait().res.Body.Close()
			f.WantRST(1, h2.Cancel, "closed early")
			f.SendData(1, strings.Repeat("x", 1<<20), false)
			f.SendHeaders(1, true, "a", "b")
			f.Want(h2.FrameWindowUpdate, 0, "what is dropped is credited to the connection")
			synctest.Wait()
			f.alive()
		}},
		{"§5.1/more DATA after our RST_STREAM than the window", h2.Config{}, func(f *fixture) {
			k := f.head(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.SendHeaders(1, false, ok...)
			k.wait().res.Body.Close()
			f.WantRST(1, h2.Cancel, "closed early")
			f.SendData(1, strings.Repeat("x", 1<<20), false)
			f.SendData(1, "x", false)
			f.broken(nil, h2.StreamClosed, "a peer that never stops is stopped")
		}},
		// "Extension frames that appear in the middle of a field block … MUST
		// be treated as a connection error"; others are ignored.
		{"§5.5/unknown frames", h2.Config{}, func(f *fixture) {
			f.SendRaw(rawFrame(0xfe, 0xff, 0, "whatever"))
			f.SendRaw(rawFrame(h2.FrameAltSvc, 0, 0, "\x00\x00"))
			f.SendRaw(rawFrame(h2.FrameOrigin, 0, 7, "x"))
			f.alive()
		}},
		// RFC 9218: a client that receives a PRIORITY_UPDATE frame "MUST respond
		// with a connection error of type PROTOCOL_ERROR".
		{"RFC 9218 §7.1/PRIORITY_UPDATE from the server", h2.Config{}, func(f *fixture) {
			k := f.do(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.SendRaw(h2.AppendPriorityUpdate(nil, 1, "u=1"))
			f.broken(k, h2.ProtocolError, "only clients send it")
		}},
		// "The total number of octets in padding is … included in flow
		// control".
		{"§6.1/padding is credited", h2.Config{Settings: []h2.Setting{{ID: h2.SettingInitialWindowSize, Value: 65535}}, ConnWindow: -1, MaxStreamWindow: -1}, func(f *fixture) {
			k := f.head(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.SendHeaders(1, false, ok...)
			for range 64 { // 256 bytes each, all but one padding
				f.SendRaw(h2.AppendData(nil, 1, []byte("x"), false, 256))
			}
			if n := f.Want(h2.FrameWindowUpdate, 0, "padding is given back").Increment(); n < 16000 {
				f.t.Errorf("got %d", n)
			}
			if n := f.Want(h2.FrameWindowUpdate, 1, "padding is given back").Increment(); n < 16000 {
				f.t.Errorf("got %d", n)
			}
			k.wait().res.Body.Close()
		}},
		{"§6.4/RST_STREAM of a running stream", h2.Config{}, func(f *fixture) {
			k := f.do(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.SendRaw(h2.AppendRSTStream(nil, 1, h2.InternalError))
			e := k.fails(wire.ErrRemoteProtocol)
			var se h2.StreamError
			if !errors.As(e, &se) || !se.Reset || se.Code != h2.InternalError || e.Phase != wire.PhaseHead || !e.Sent {
				f.t.Errorf("got %+v", e)
			}
			f.WantIdle("RST_STREAM is not answered by RST_STREAM")
			f.alive()
		}},
		// "ENABLE_PUSH … MUST treat the receipt of a PUSH_PROMISE frame as a
		// connection error".
		{"§6.6/PUSH_PROMISE after ENABLE_PUSH=0", h2.Config{}, func(f *fixture) {
			k := f.do(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.SendRaw(h2.AppendPushPromise(nil, 1, 2, f.Block(":method", "GET", ":path", "/", ":scheme", "https", ":authority", "x")))
			f.broken(k, h2.ProtocolError, "PROTOCOL_ERROR")
		}},
		{"§6.6/PUSH_PROMISE that was allowed is refused", h2.Config{Settings: []h2.Setting{}}, func(f *fixture) {
			k := f.do(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.SendRaw(h2.AppendPushPromise(nil, 1, 2, f.Block(":method", "GET", "x-push", "table")))
			f.WantRST(2, h2.RefusedStream, "a push is refused")
			f.SendHeaders(2, false, ":status", "200")
			f.SendData(2, "pushed", true)
			f.Respond(1, "200", "x", "x-push", "table")
			k.ok(200, "x")
			f.alive()
		}},
		// "PING … MUST send a PING frame with the ACK flag set in response,
		// with an identical frame payload".
		{"§6.7/PING is answered", h2.Config{}, func(f *fixture) {
			f.SendRaw(h2.AppendPing(nil, [8]byte{1, 2, 3}, false))
			a := f.Want(h2.FramePing, 0, "the answer")
			if !a.Ack() || a.Ping() != [8]byte{1, 2, 3} {
				f.t.Errorf("got %v %v", a.FrameHeader, a.Ping())
			}
			f.SendRaw(h2.AppendPing(nil, [8]byte{9}, true))
			f.WantIdle("an acknowledgement is never answered")
		}},
		// "A receiver MUST treat the receipt of a WINDOW_UPDATE frame with a
		// flow-control window increment of 0 as a stream error".
		{"§6.9/zero increment on a stream", h2.Config{}, func(f *fixture) {
			k := f.do(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.SendRaw(rawFrame(h2.FrameWindowUpdate, 0, 1, "\x00\x00\x00\x00"))
			f.reset(k, 1, h2.ProtocolError, "PROTOCOL_ERROR")
		}},
		{"§6.9/zero increment on the connection", h2.Config{}, func(f *fixture) {
			k := f.do(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.SendRaw(rawFrame(h2.FrameWindowUpdate, 0, 0, "\x00\x00\x00\x00"))
			f.broken(k, h2.ProtocolError, "PROTOCOL_ERROR")
		}},
		{"§6.9/zero increment on an idle stream", h2.Config{}, func(f *fixture) {
			f.SendRaw(rawFrame(h2.FrameWindowUpdate, 0, 9, "\x00\x00\x00\x00"))
			f.broken(nil, h2.ProtocolError, "PROTOCOL_ERROR")
		}},
		// "If a sender receives a WINDOW_UPDATE that causes a flow-control
		// window to exceed this maximum, it MUST terminate either the stream or
		// the connection".
		{"§6.9.1/a stream's window overflows", h2.Config{}, func(f *fixture) {
			k := f.do(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request that is not complete")
			f.SendRaw(h2.AppendWindowUpdate(nil, 1, h2.MaxWindow))
			f.SendRaw(h2.AppendWindowUpdate(nil, 1, h2.MaxWindow))
			// Nothing more is sent on the stream: its window means nothing.
			f.Respond(1, "200", "x")
			k.ok(200, "x")
		}},
		{"§6.9.1/an uploading stream's window overflows", h2.Config{}, func(f *fixture) {
			pr, pw := io.Pipe()
			defer pw.Close()
			k := f.do(f.t.Context(), post("/", pr, -1))
			f.WantHeaders(1, "", "a request that is not complete")
			f.SendRaw(h2.AppendWindowUpdate(nil, 1, h2.MaxWindow))
			f.reset(k, 1, h2.FlowControlError, "FLOW_CONTROL_ERROR and no hang")
		}},
		{"§6.9.1/the connection's window overflows", h2.Config{}, func(f *fixture) {
			k := f.do(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.SendRaw(h2.AppendWindowUpdate(nil, 0, h2.MaxWindow))
			f.broken(k, h2.FlowControlError, "FLOW_CONTROL_ERROR")
		}},
		{"§6.9.1/more DATA than the stream's window", h2.Config{}, func(f *fixture) {
			k := f.head(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.SendHeaders(1, false, ok...)
			k.wait()
			f.SendData(1, strings.Repeat("x", 1<<20), false)
			f.SendData(1, "x", false)
			f.WantRST(1, h2.FlowControlError, "FLOW_CONTROL_ERROR")
			k.read()
			if !errors.Is(k.berr, wire.ErrRemoteProtocol) {
				f.t.Errorf("got %v", k.berr)
			}
			f.alive()
		}},
		{"§6.9.1/more DATA than the connection's window", h2.Config{ConnWindow: -1, ConnBuffer: 1}, func(f *fixture) {
			k := f.head(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.SendHeaders(1, false, ok...)
			k.wait()
			f.SendData(1, strings.Repeat("x", 65535), false)
			f.WantIdle("there is no credit above the cap")
			f.SendData(1, "x", false)
			f.broken(nil, h2.FlowControlError, "FLOW_CONTROL_ERROR")
			k.res.Body.Close()
		}},
		// "a change to SETTINGS_INITIAL_WINDOW_SIZE can cause the available
		// space in a flow-control window to become negative. A sender MUST
		// track the negative flow-control window and MUST NOT send new
		// flow-controlled frames until … positive."
		{"§6.9.2/negative window", h2.Config{}, func(f *fixture) {
			k := f.do(f.t.Context(), post("/", text(strings.Repeat("x", 70000)), 70000))
			f.WantHeaders(1, "", "a request")
			got := 0
			for got < 65535 {
				got += len(f.Want(h2.FrameData, 1, "the window is used").Payload)
			}
			f.SendSettings(h2.Setting{ID: h2.SettingInitialWindowSize, Value: 1000})
			f.WantSettingsAck("acknowledged")
			f.SendRaw(h2.AppendWindowUpdate(nil, 0, 100000))
			f.SendRaw(h2.AppendWindowUpdate(nil, 1, 64535))
			f.WantIdle("the window is 0 now")
			f.SendRaw(h2.AppendWindowUpdate(nil, 1, 465))
			for n := 0; n < 465; {
				n += len(f.Want(h2.FrameData, 1, "465 bytes fit").Payload)
			}
			f.WantIdle("and no more")
			f.SendSettings(h2.Setting{ID: h2.SettingInitialWindowSize, Value: 5000})
			// The difference opens the window by 4,000 bytes.
			for got += 465; got < 70000; {
				fr := f.Next("the rest")
				if fr.Type == h2.FrameData {
					got += len(fr.Payload)
				}
			}
			f.Respond(1, "200", "")
			k.ok(200, "")
		}},
		// "An endpoint MUST treat a change to SETTINGS_INITIAL_WINDOW_SIZE that
		// causes any flow-control window to exceed the maximum size as a
		// connection error … of type FLOW_CONTROL_ERROR."
		{"§6.9.2/SETTINGS overflow an open stream's window", h2.Config{}, func(f *fixture) {
			pr, pw := io.Pipe()
			defer pw.Close()
			k := f.do(f.t.Context(), post("/", pr, -1))
			f.WantHeaders(1, "", "a request that is not complete")
			f.SendRaw(h2.AppendWindowUpdate(nil, 1, 1000))
			f.SendSettings(h2.Setting{ID: h2.SettingInitialWindowSize, Value: h2.MaxWindow})
			f.broken(k, h2.FlowControlError, "FLOW_CONTROL_ERROR")
		}},
		{"§6.5.2/MAX_FRAME_SIZE of 0", h2.Config{}, func(f *fixture) {
			k := f.do(f.t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.SendSettings(h2.Setting{ID: h2.SettingMaxFrameSize, Value: 0})
			f.broken(k, h2.ProtocolError, "PROTOCOL_ERROR")
		}},
		{"§6.5.2/INITIAL_WINDOW_SIZE of 2^31", h2.Config{}, func(f *fixture) {
			f.SendSettings(h2.Setting{ID: h2.SettingInitialWindowSize, Value: 1 << 31})
			f.broken(nil, h2.FlowControlError, "FLOW_CONTROL_ERROR")
		}},
		{"§6.5.2/a server sets ENABLE_PUSH to 1", h2.Config{}, func(f *fixture) {
			f.SendSettings(h2.Setting{ID: h2.SettingEnablePush, Value: 1})
			f.broken(nil, h2.ProtocolError, "PROTOCOL_ERROR")
		}},
		{"§6.5.2/MAX_FRAME_SIZE bounds our frames", h2.Config{}, func(f *fixture) {
			f.SendSettings(h2.Setting{ID: h2.SettingInitialWindowSize, Value: 1 << 20})
			f.WantSettingsAck("acknowledged")
			f.SendRaw(h2.AppendWindowUpdate(nil, 0, 1<<20))
			req := post("/", text(strings.Repeat("x", 100000)), 100000)
			req.Fields.Add("x-long", strings.Repeat("~", 40000))
			k := f.do(f.t.Context(), req)
			h := f.WantHeaders(1, "", "HEADERS and CONTINUATION")
			if len(h.Get("x-long")) != 40000 {
				f.t.Error("the field is cut")
			}
			for got := 0; got < 100000; {
				fr := f.Want(h2.FrameData, 1, "content")
				if got += len(fr.Payload); len(fr.Payload) > 16384 {
					f.t.Errorf("a frame of %d bytes", len(fr.Payload))
				}
			}
			f.Respond(1, "200", "")
			k.ok(200, "")
		}},
		{"§6.5.2/MAX_HEADER_LIST_SIZE bounds our fields", h2.Config{}, func(f *fixture) {
			f.SendSettings(h2.Setting{ID: h2.SettingMaxHeaderListSize, Value: 100})
			f.WantSettingsAck("acknowledged")
			k := f.do(f.t.Context(), get("/"))
			if e := k.fails(wire.ErrLocalProtocol); e.Sent {
				f.t.Errorf("got %+v", e)
			}
			f.WantIdle("nothing was sent")
			f.inFlight(0)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				if tt.run == nil {
					f := raw(t, tt.cfg)
					k := f.do(t.Context(), get("/"))
					f.WantHeaders(1, "", "requests need not wait for SETTINGS")
					f.SendHeaders(1, true, ok...)
					f.broken(k, h2.ProtocolError, "SETTINGS come first")
					return
				}
				tt.run(start(t, tt.cfg))
			})
		})
	}
}

func TestNotHTTP2(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := raw(t, h2.Config{})
		k := f.do(t.Context(), get("/"))
		f.WantHeaders(1, "", "a request")
		f.SendRaw([]byte("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"))
		f.broken(k, h2.ProtocolError, "the peer is told")
		if !strings.Contains(k.err.Error(), "speaks HTTP/1") {
			t.Errorf("got %v", k.err)
		}
	})
}
