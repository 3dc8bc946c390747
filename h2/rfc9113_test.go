package h2

import (
	"bytes"
	"strings"
	"testing"

	"gohttpx.dev/wire"
)

// frameOf makes a frame with the length that it has.
func frameOf(ty FrameType, flags Flags, id uint32, payload string) Frame {
	return Frame{FrameHeader{Length: uint32(len(payload)), Type: ty, Flags: flags, StreamID: id}, []byte(payload)}
}

// illegal wants the verdict of Check on each frame.
func illegal(t *testing.T, want string, frames ...Frame) {
	t.Helper()
	for _, f := range frames {
		if got := verdict(f.Check()); got != want {
			t.Errorf("%v: %q, want %q", f.FrameHeader, got, want)
		}
	}
}

// legal wants that Check finds nothing.
func legal(t *testing.T, frames ...Frame) {
	t.Helper()
	illegal(t, "", frames...)
}

// setting wants the verdict on a SETTINGS frame of a server.
func setting(t *testing.T, want string, s ...Setting) {
	t.Helper()
	p := NewPeerSettings()
	if _, err := p.Apply(settingsFrame(s...)); verdict(err) != want {
		t.Errorf("%v: %v, want %q", s, err, want)
	}
}

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

// TestRFC9113 has one test for each requirement of RFC 9113 that binds a client
// and that the codec decides. Those of the connection are listed at the end.
func TestRFC9113(t *testing.T) {
	const malformed = "stream PROTOCOL_ERROR "

	// RFC 9113 §3.4: "In HTTP/2, each endpoint is required to send a connection
	// preface as a final confirmation of the protocol in use". The client's
	// starts with 24 octets.
	t.Run("§3.4_preface", func(t *testing.T) {
		if Preface != "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" || len(Preface) != 24 {
			t.Errorf("%q", Preface)
		}
	})

	// RFC 9113 §4.1: "Implementations MUST ignore and discard frames of unknown
	// types."
	t.Run("§4.1_unknown_types", func(t *testing.T) {
		for ty := range 256 {
			switch FrameType(ty) {
			case FrameData, FrameHeaders, FramePriority, FrameRSTStream, FrameSettings, FramePushPromise, FramePing, FrameGoAway,
				FrameWindowUpdate, FrameContinuation, FramePriorityUpdate:
				continue
			}
			legal(t, frameOf(FrameType(ty), 0xff, 0, ""), frameOf(FrameType(ty), 0, MaxStreamID, "anything"))
		}
	})

	// RFC 9113 §4.1: "Unused flags MUST be ignored on receipt and MUST be left
	// unset (0x00) when sending."
	t.Run("§4.1_unused_flags", func(t *testing.T) {
		legal(t, frameOf(FrameData, 0xf6, 1, "x"), frameOf(FrameHeaders, 0xd2, 1, "x"), frameOf(FramePriority, 0xff, 1, "12345"),
			frameOf(FrameRSTStream, 0xff, 1, "1234"), frameOf(FrameSettings, 0xfe, 0, "123456"), frameOf(FramePing, 0xff, 0, "12345678"),
			frameOf(FrameGoAway, 0xff, 0, "12345678"), frameOf(FrameWindowUpdate, 0xff, 0, "1234"), frameOf(FrameContinuation, 0xfb, 1, ""))
		var out []byte
		out = AppendData(out, 1, nil, false, 0)
		out = AppendHeaders(out, 1, nil, HeadersOptions{})
		out = AppendPriority(out, 1, Priority{})
		out = AppendRSTStream(out, 1, 0)
		out = AppendSettings(out)
		out = AppendPing(out, [8]byte{}, false)
		out = AppendGoAway(out, 0, 0, "")
		out = AppendWindowUpdate(out, 1, 1)
		for _, f := range frames(t, out, 0) {
			want := Flags(0)
			if f.Type == FrameHeaders {
				want = FlagEndHeaders
			}
			if f.Flags != want {
				t.Errorf("%v", f.FrameHeader)
			}
		}
	})

	// RFC 9113 §4.1: "the bit MUST remain unset (0x00) when sending and MUST be
	// ignored when receiving."
	t.Run("§4.1_reserved_bit", func(t *testing.T) {
		f := frameOf(FramePing, 0, 0, "12345678")
		f.R = true
		legal(t, f)
		got, _, err := ParseFrame(AppendFrame(nil, f), 0)
		if err != nil || got.StreamID != 0 || !got.R {
			t.Errorf("%v, %v", got, err)
		}
		for _, f := range frames(t, AppendRSTStream(AppendData(nil, MaxStreamID, nil, false, 0), 1<<31|1, 0), 0) {
			if f.R {
				t.Errorf("%v", f.FrameHeader)
			}
		}
	})

	// RFC 9113 §4.2: "All implementations MUST be capable of receiving and
	// minimally processing frames up to 2^14 octets in length, plus the 9-octet
	// frame header."
	t.Run("§4.2_frames_of_2^14", func(t *testing.T) {
		src := AppendData(nil, 1, make([]byte, MinMaxFrameSize), true, 0)
		if f, n, err := ParseFrame(src, 0); n != len(src) || err != nil || len(f.Data()) != MinMaxFrameSize {
			t.Error(n, err)
		}
	})

	// RFC 9113 §4.2: "An endpoint MUST send an error code of FRAME_SIZE_ERROR if
	// a frame exceeds the size defined in SETTINGS_MAX_FRAME_SIZE, exceeds any
	// limit defined for the frame type, or is too small to contain mandatory
	// frame data. A frame size error in a frame that could alter the state of
	// the entire connection MUST be treated as a connection error".
	t.Run("§4.2_frame_size_error", func(t *testing.T) {
		for ty := range 256 {
			_, _, err := ParseFrame(AppendFrameHeader(nil, FrameHeader{Length: MinMaxFrameSize + 1, Type: FrameType(ty), StreamID: 1}), 0)
			if verdict(err) != "conn FRAME_SIZE_ERROR §4.2" {
				t.Error(ty, err)
			}
		}
		illegal(t, "conn FRAME_SIZE_ERROR §4.2", frameOf(FrameHeaders, FlagPadded, 1, ""), frameOf(FrameHeaders, FlagPriority, 1, "1234"),
			frameOf(FramePushPromise, 0, 1, "123"), frameOf(FrameGoAway, 0, 0, "1234567"), frameOf(FrameData, FlagPadded, 1, ""))
	})

	// RFC 9113 §4.2: "Values greater than 2^14 (16,384) MUST NOT be sent unless
	// the receiver has set a larger value for SETTINGS_MAX_FRAME_SIZE."
	t.Run("§4.1_frames_sent", func(t *testing.T) {
		for _, most := range []uint32{0, 1, MinMaxFrameSize} {
			frames(t, AppendHeaders(nil, 1, make([]byte, 100_000), HeadersOptions{MaxFrame: most}), MinMaxFrameSize)
		}
	})

	// RFC 9113 §4.3: "A decoding error in a field block MUST be treated as a
	// connection error of type COMPRESSION_ERROR." The blocks that are broken
	// are in TestFieldDecoderHPACK.
	t.Run("§4.3_decoding_error", func(t *testing.T) {
		for _, kind := range []BlockKind{ResponseBlock, TrailerBlock, DiscardBlock} {
			if got := inEveryWay(t, []byte("\x80"), kind, true, 0); got.Err != "conn COMPRESSION_ERROR §4.3" {
				t.Errorf("%+v", got)
			}
		}
	})

	// RFC 9113 §4.3: "An endpoint receiving HEADERS, PUSH_PROMISE, or
	// CONTINUATION frames needs to reassemble field blocks and perform
	// decompression even if the frames are to be discarded."
	t.Run("§4.3_discarded_blocks", func(t *testing.T) {
		d := NewFieldDecoder(DecoderConfig{})
		in(d, DiscardBlock, true, block("a", "b"))
		if got := in(d, ResponseBlock, true, []byte("\x88\xbe")); got.Fields != "a: b\n" {
			t.Errorf("%+v", got)
		}
	})

	// RFC 9113 §4.3: "Field blocks MUST be transmitted as a contiguous sequence
	// of frames, with no interleaved frames of any other type or from any other
	// stream."
	t.Run("§4.3_contiguous", func(t *testing.T) {
		all := frames(t, AppendHeaders(nil, 7, make([]byte, 50_000), HeadersOptions{}), 0)
		for i, f := range all {
			if f.StreamID != 7 || (f.Type == FrameHeaders) != (i == 0) || f.EndHeaders() != (i == len(all)-1) {
				t.Errorf("%d: %v", i, f.FrameHeader)
			}
		}
	})

	// RFC 9113 §4.3.1: "Once an endpoint acknowledges a change to
	// SETTINGS_HEADER_TABLE_SIZE that reduces the maximum below the current size
	// of the dynamic table, its HPACK encoder MUST start the next field block
	// with a Dynamic Table Size Update instruction".
	t.Run("§4.3.1_reduction_received", func(t *testing.T) {
		e := NewFieldEncoder(EncoderConfig{})
		f := field("a", "b")
		for range 4 {
			e.Append(nil, f)
		}
		e.SetPeerTableSize(100, 100)
		if b := e.Append(nil, f); !isUpdate(b[0]) {
			t.Errorf("% x", b)
		}
		if b := e.Append(nil, f); isUpdate(b[0]) {
			t.Errorf("% x", b)
		}
	})

	// RFC 9113 §4.3.1: "An endpoint MUST treat a field block that follows an
	// acknowledgment of the reduction to the maximum dynamic table size as a
	// connection error of type COMPRESSION_ERROR if it does not start with a
	// conformant Dynamic Table Size Update instruction."
	t.Run("§4.3.1_reduction_sent", func(t *testing.T) {
		d := NewFieldDecoder(DecoderConfig{})
		d.SetTableSize(0)
		if got := in(d, ResponseBlock, true, []byte("\x88")); got.Err != "conn COMPRESSION_ERROR §4.3.1" {
			t.Errorf("%+v", got)
		}
	})

	// RFC 9113 §6.1 to §6.10: what MUST be on a stream, and what must not.
	t.Run("§6_stream_identifiers", func(t *testing.T) {
		for _, tt := range []struct {
			f    Frame
			rule string
		}{
			{frameOf(FrameData, 0, 0, ""), "§6.1"}, {frameOf(FrameHeaders, 0, 0, ""), "§6.2"}, {frameOf(FramePriority, 0, 0, "12345"), "§6.3"},
			{frameOf(FrameRSTStream, 0, 0, "1234"), "§6.4"}, {frameOf(FrameSettings, 0, 1, ""), "§6.5"}, {frameOf(FramePushPromise, 0, 0, "\x00\x00\x00\x02"), "§6.6"},
			{frameOf(FramePing, 0, 1, "12345678"), "§6.7"}, {frameOf(FrameGoAway, 0, 1, "12345678"), "§6.8"}, {frameOf(FrameContinuation, 0, 0, ""), "§6.10"},
		} {
			illegal(t, "conn PROTOCOL_ERROR "+tt.rule, tt.f)
			tt.f.StreamID ^= 1
			legal(t, tt.f)
		}
	})

	// RFC 9113 §6.1, §6.2: "If the length of the padding is the length of the
	// frame payload or greater, the recipient MUST treat this as a connection
	// error of type PROTOCOL_ERROR."
	t.Run("§6.1_padding_received", func(t *testing.T) {
		illegal(t, "conn PROTOCOL_ERROR §6.1", frameOf(FrameData, FlagPadded, 1, "\x01"), frameOf(FrameData, FlagPadded, 1, "\xff1234"))
		illegal(t, "conn PROTOCOL_ERROR §6.2", frameOf(FrameHeaders, FlagPadded, 1, "\x01"), frameOf(FrameHeaders, FlagPadded, 1, "\x051234"))
		illegal(t, "conn PROTOCOL_ERROR §6.6", frameOf(FramePushPromise, FlagPadded, 1, "\x051234"))
		legal(t, frameOf(FrameData, FlagPadded, 1, "\x00"), frameOf(FrameData, FlagPadded, 1, "\x041234"))
	})

	// RFC 9113 §6.1: "Padding octets MUST be set to zero when sending."
	t.Run("§6.1_padding_sent", func(t *testing.T) {
		dirty := bytes.Repeat([]byte{0xff}, 600)
		for _, b := range [][]byte{AppendData(dirty[:0], 1, nil, false, 256), AppendHeaders(dirty[:0], 1, nil, HeadersOptions{Pad: 256})} {
			if !bytes.Equal(b[FrameHeaderLen:], append([]byte{255}, make([]byte, 255)...)) {
				t.Errorf("% x", b)
			}
		}
	})

	// RFC 9113 §6.3: "A PRIORITY frame with a length other than 5 octets MUST be
	// treated as a stream error of type FRAME_SIZE_ERROR."
	t.Run("§6.3_length", func(t *testing.T) {
		illegal(t, "stream FRAME_SIZE_ERROR §6.3", frameOf(FramePriority, 0, 1, ""), frameOf(FramePriority, 0, 1, "1234"), frameOf(FramePriority, 0, 1, "123456"))
	})

	// RFC 9113 §6.4: "A RST_STREAM frame with a length other than 4 octets MUST
	// be treated as a connection error of type FRAME_SIZE_ERROR."
	t.Run("§6.4_length", func(t *testing.T) {
		illegal(t, "conn FRAME_SIZE_ERROR §6.4", frameOf(FrameRSTStream, 0, 1, ""), frameOf(FrameRSTStream, 0, 1, "123"), frameOf(FrameRSTStream, 0, 1, "12345"))
	})

	// RFC 9113 §6.5: "Receipt of a SETTINGS frame with the ACK flag set and a
	// length field value other than 0 MUST be treated as a connection error of
	// type FRAME_SIZE_ERROR."
	t.Run("§6.5_acknowledgement", func(t *testing.T) {
		illegal(t, "conn FRAME_SIZE_ERROR §6.5", frameOf(FrameSettings, FlagAck, 0, "123456"), frameOf(FrameSettings, FlagAck, 0, "1"))
		if b := AppendSettingsAck(nil); len(b) != FrameHeaderLen {
			t.Errorf("% x", b)
		}
	})

	// RFC 9113 §6.5: "A SETTINGS frame with a length other than a multiple of 6
	// octets MUST be treated as a connection error of type FRAME_SIZE_ERROR."
	t.Run("§6.5_length", func(t *testing.T) {
		for n := range 20 {
			want := "conn FRAME_SIZE_ERROR §6.5"
			if n%6 == 0 {
				want = ""
			}
			illegal(t, want, frameOf(FrameSettings, 0, 0, strings.Repeat("\x00", n)))
		}
	})

	// RFC 9113 §6.5.2: "A client MUST treat receipt of a SETTINGS frame with
	// SETTINGS_ENABLE_PUSH set to 1 as a connection error of type
	// PROTOCOL_ERROR." And: "Any value other than 0 or 1 MUST be treated as a
	// connection error of type PROTOCOL_ERROR."
	t.Run("§6.5.2_ENABLE_PUSH", func(t *testing.T) {
		setting(t, "", Setting{SettingEnablePush, 0})
		setting(t, "conn PROTOCOL_ERROR §6.5.2", Setting{SettingEnablePush, 1})
		setting(t, "conn PROTOCOL_ERROR §6.5.2", Setting{SettingEnablePush, 2})
	})

	// RFC 9113 §6.5.2: "Values above the maximum flow-control window size of
	// 2^31-1 MUST be treated as a connection error of type FLOW_CONTROL_ERROR."
	t.Run("§6.5.2_INITIAL_WINDOW_SIZE", func(t *testing.T) {
		setting(t, "", Setting{SettingInitialWindowSize, 0}, Setting{SettingInitialWindowSize, MaxWindow})
		setting(t, "conn FLOW_CONTROL_ERROR §6.5.2", Setting{SettingInitialWindowSize, MaxWindow + 1})
		setting(t, "conn FLOW_CONTROL_ERROR §6.5.2", Setting{SettingInitialWindowSize, 1<<32 - 1}, Setting{SettingInitialWindowSize, 1})
	})

	// RFC 9113 §6.5.2: "Values outside this range MUST be treated as a
	// connection error of type PROTOCOL_ERROR."
	t.Run("§6.5.2_MAX_FRAME_SIZE", func(t *testing.T) {
		setting(t, "", Setting{SettingMaxFrameSize, MinMaxFrameSize}, Setting{SettingMaxFrameSize, MaxMaxFrameSize})
		for _, v := range []uint32{0, 1, MinMaxFrameSize - 1, MaxMaxFrameSize + 1, 1<<32 - 1} {
			setting(t, "conn PROTOCOL_ERROR §6.5.2", Setting{SettingMaxFrameSize, v})
		}
	})

	// RFC 9113 §6.5.2: "An endpoint that receives a SETTINGS frame with any
	// unknown or unsupported identifier MUST ignore that setting."
	t.Run("§6.5.2_unknown", func(t *testing.T) {
		for id := range 1 << 16 {
			if id < 1 || id > 9 || id == 7 {
				setting(t, "", Setting{SettingID(id), 1<<32 - 1})
			}
		}
	})

	// RFC 9113 §6.5.3: "The values in the SETTINGS frame MUST be processed in
	// the order they appear".
	t.Run("§6.5.3_order", func(t *testing.T) {
		p := NewPeerSettings()
		if _, err := p.Apply(settingsFrame(Setting{SettingMaxConcurrentStreams, 1}, Setting{SettingMaxConcurrentStreams, 2})); err != nil || p.MaxConcurrentStreams != 2 {
			t.Errorf("%+v, %v", p, err)
		}
	})

	// RFC 9113 §6.7: "Receipt of a PING frame with a length field value other
	// than 8 MUST be treated as a connection error of type FRAME_SIZE_ERROR."
	t.Run("§6.7_length", func(t *testing.T) {
		illegal(t, "conn FRAME_SIZE_ERROR §6.7", frameOf(FramePing, 0, 0, ""), frameOf(FramePing, FlagAck, 0, "1234567"), frameOf(FramePing, 0, 0, "123456789"))
	})

	// RFC 9113 §6.7: an answer has "the ACK flag set […], with an identical
	// frame payload."
	t.Run("§6.7_answer", func(t *testing.T) {
		ping := frameOf(FramePing, 0, 0, "\x00\xff345678")
		if f := frames(t, AppendPing(nil, ping.Ping(), true), 0)[0]; !f.Ack() || !bytes.Equal(f.Payload, ping.Payload) {
			t.Errorf("%+v", f)
		}
	})

	// RFC 9113 §6.9: "A receiver MUST treat the receipt of a WINDOW_UPDATE frame
	// with a flow-control window increment of 0 as a stream error of type
	// PROTOCOL_ERROR; errors on the connection flow-control window MUST be
	// treated as a connection error."
	t.Run("§6.9_increment_of_0", func(t *testing.T) {
		illegal(t, malformed+"§6.9", frameOf(FrameWindowUpdate, 0, 1, "\x00\x00\x00\x00"), frameOf(FrameWindowUpdate, 0, 1, "\x80\x00\x00\x00"))
		illegal(t, "conn PROTOCOL_ERROR §6.9", frameOf(FrameWindowUpdate, 0, 0, "\x00\x00\x00\x00"))
	})

	// RFC 9113 §6.9: "A WINDOW_UPDATE frame with a length other than 4 octets
	// MUST be treated as a connection error of type FRAME_SIZE_ERROR."
	t.Run("§6.9_length", func(t *testing.T) {
		illegal(t, "conn FRAME_SIZE_ERROR §6.9", frameOf(FrameWindowUpdate, 0, 1, ""), frameOf(FrameWindowUpdate, 0, 1, "123"), frameOf(FrameWindowUpdate, 0, 0, "12345"))
	})

	// RFC 9113 §6.9.1: "A sender MUST NOT allow a flow-control window to exceed
	// 2^31-1 octets. If a sender receives a WINDOW_UPDATE that causes a
	// flow-control window to exceed this maximum, it MUST terminate either the
	// stream or the connection, as appropriate."
	t.Run("§6.9.1_overflow", func(t *testing.T) {
		w := NewSendWindow(1)
		if got := verdict(w.Add(3, MaxWindow)); got != "stream FLOW_CONTROL_ERROR §6.9.1" {
			t.Error(got)
		}
		if got := verdict(w.Add(0, MaxWindow)); got != "conn FLOW_CONTROL_ERROR §6.9.1" {
			t.Error(got)
		}
	})

	// RFC 9113 §6.9.2: "A sender MUST track the negative flow-control window and
	// MUST NOT send new flow-controlled frames until it receives WINDOW_UPDATE
	// frames that cause the flow-control window to become positive."
	t.Run("§6.9.2_negative", func(t *testing.T) {
		w := NewSendWindow(100)
		w.Take(80)
		if err := w.Shift(-50); err != nil || w.Size() != -30 || w.Take(1) != 0 {
			t.Error(w.Size(), err)
		}
		if w.Add(1, 30); w.Take(1) != 0 {
			t.Error("sent on a window of 0")
		}
		if w.Add(1, 1); w.Take(2) != 1 {
			t.Error(w.Size())
		}
	})

	// RFC 9113 §6.9.2: "An endpoint MUST treat a change to
	// SETTINGS_INITIAL_WINDOW_SIZE that causes any flow-control window to exceed
	// the maximum size as a connection error of type FLOW_CONTROL_ERROR."
	t.Run("§6.9.2_overflow", func(t *testing.T) {
		w := NewSendWindow(65535)
		w.Add(1, MaxWindow-65535)
		if got := verdict(w.Shift(1)); got != "conn FLOW_CONTROL_ERROR §6.9.2" {
			t.Error(got)
		}
	})

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

// The other requirements that bind a client are the engine's: §3.3 and §3.4 (the
// preface and the first SETTINGS, of both sides), §4.3 and §6.2, §6.6, §6.10
// (CONTINUATION follows HEADERS, and nothing else does), §5.1 (which frame is
// allowed in what state), §5.1.1 (identifiers are odd, rise and are not used
// again; frames on idle and on the server's streams), §5.1.2 (the limit of
// streams), §5.2 and §6.9 (credit, and DATA beyond the window, padding
// included), §5.4 (GOAWAY and RST_STREAM with the right code, no RST_STREAM in
// answer to one), §5.5 and §6.5.3 (SETTINGS are acknowledged and take effect
// then), §6.4 (no RST_STREAM for idle streams), §6.6 and §8.4 (PUSH_PROMISE is a
// connection error), §6.7 (PING is answered), §6.8 (no new streams after GOAWAY;
// replay above the last), §8.1 (responses are complete; RST_STREAM(NO_ERROR) is
// no reason to drop one), §8.1.1 (content-length equals the DATA), §8.5 (frames
// on a tunnel), §9.1 and §9.2 (which connection serves which origin; TLS).
