package h2

import (
	"bytes"
	"strings"
	"testing"
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

// TestRFC9113 has one test for each requirement of RFC 9113 that binds a client
// and that the codec decides, up to §6; TestRFC9113Fields has those of §8 and
// after it. Those of the connection are listed at the end.
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
			{frameOf(FrameData, 0, 0, ""), "§6.1"},
			{frameOf(FrameHeaders, 0, 0, ""), "§6.2"},
			{frameOf(FramePriority, 0, 0, "12345"), "§6.3"},
			{frameOf(FrameRSTStream, 0, 0, "1234"), "§6.4"},
			{frameOf(FrameSettings, 0, 1, ""), "§6.5"},
			{frameOf(FramePushPromise, 0, 0, "\x00\x00\x00\x02"), "§6.6"},
			{frameOf(FramePing, 0, 1, "12345678"), "§6.7"},
			{frameOf(FrameGoAway, 0, 1, "12345678"), "§6.8"},
			{frameOf(FrameContinuation, 0, 0, ""), "§6.10"},
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
