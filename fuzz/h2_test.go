package fuzz_test

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"gohttpx.dev/h2"
	"gohttpx.dev/wire"
)

// frameSeeds are frames of every type, some of them wrong.
func frameSeeds() [][]byte {
	prio := h2.Priority{Depends: 3, Weight: 7}
	return [][]byte{
		h2.AppendData(nil, 1, []byte("data"), true, 0), h2.AppendData(nil, 1, []byte("data"), false, 9), h2.AppendData(nil, 0, nil, false, 1),
		h2.AppendHeaders(nil, 1, []byte("\x88"), h2.HeadersOptions{Pad: 3, Priority: &prio}), h2.AppendContinuation(nil, 1, []byte("abc"), 2),
		h2.AppendPriority(nil, 1, prio), h2.AppendRSTStream(nil, 1, h2.Cancel), h2.AppendSettings(nil, h2.Setting{ID: 4, Value: 1 << 31}),
		h2.AppendSettingsAck(nil), h2.AppendPushPromise(nil, 1, 2, []byte("\x82")), h2.AppendPing(nil, [8]byte{1}, true),
		h2.AppendGoAway(nil, 5, h2.EnhanceYourCalm, "debug"), h2.AppendWindowUpdate(nil, 0, 5), h2.AppendPriorityUpdate(nil, 5, "u=1"),
		h2.AppendRaw(nil, h2.FrameHeader{Length: 1 << 20, Type: 0xaa, Flags: 0xff, R: true, StreamID: 9}, []byte("x")),
	}
}

// checked gives the code of an error, its stream and whether it is that of a
// stream.
func checked(t *testing.T, err error) (code h2.ErrCode, id uint32, stream bool) {
	var c h2.ConnError
	var s h2.StreamError
	switch {
	case errors.As(err, &c) && c.Rule != "" && c.What != "":
		return c.Code, 0, false
	case errors.As(err, &s) && s.Rule != "" && s.What != "" && !s.Reset && s.ID != 0:
		return s.Code, s.ID, true
	}
	t.Fatalf("error %#v", err)
	return 0, 0, false
}

func FuzzFrame(f *testing.F) {
	for _, src := range frameSeeds() {
		f.Add(src, uint32(0))
		f.Add(append(src, "trailing"...), uint32(1<<20))
	}
	f.Fuzz(func(t *testing.T, src []byte, most uint32) {
		frame, n, err := h2.ParseFrame(src, most)
		// Byte by byte it is the same, and nothing is decided too early.
		for have := range min(len(src), 64) {
			early, k, err1 := h2.ParseFrame(src[:have], most)
			if err1 != nil && (err == nil || err.Error() != err1.Error() || have < h2.FrameHeaderLen) ||
				k != 0 && (k != n || !reflect.DeepEqual(early, frame)) || k == 0 && n > 0 && have >= n {
				t.Fatalf("%d bytes: %+v %d %v\nall: %+v %d %v", have, early, k, err1, frame, n, err)
			}
		}
		if err != nil {
			if code, _, stream := checked(t, err); n != 0 || stream || code != h2.FrameSizeError || frame.Length <= max(most, 1) {
				t.Fatalf("%d, %v", n, err)
			}
			return
		}
		if n == 0 {
			return
		}
		if n < h2.FrameHeaderLen || n > len(src) || int(frame.Length) != len(frame.Payload) || n != h2.FrameHeaderLen+len(frame.Payload) {
			t.Fatalf("%d of %d: %v", n, len(src), frame.FrameHeader)
		}
		if again := h2.AppendFrame(nil, frame); !bytes.Equal(again, src[:n]) {
			t.Fatalf("again: % x\nfirst: % x", again, src[:n])
		}
		legal := frame.Check()
		if legal != nil {
			checked(t, legal)
		}

		// Accessors never panic and stay within the payload; a legal frame is
		// accounted for to the last byte.
		data, fragment := frame.Data(), frame.Fragment()
		if len(data)+frame.Padding() != len(frame.Payload) || len(fragment) > len(data) {
			t.Fatalf("%d of data, %d of padding, %d of fragment in %d", len(data), frame.Padding(), len(fragment), len(frame.Payload))
		}
		count := 0
		for s := range frame.Settings() {
			s.Check()
			count++
		}
		if count != len(frame.Payload)/6 {
			t.Fatalf("%d settings in %d bytes", count, len(frame.Payload))
		}
		frame.Priority()
		frame.PushPromise()
		frame.Ping()
		frame.PriorityUpdate()
		if g := frame.GoAway(); len(g.Debug) > 256 || g.LastID > h2.MaxStreamID || g.Error() == "" {
			t.Fatalf("%+v", g)
		}
		if frame.Increment() > h2.MaxWindow || frame.Reset().Error() == "" {
			t.Fatal(frame.Increment())
		}

		// Settings never leave values that are out of range.
		peer := h2.NewPeerSettings()
		if frame.Type == h2.FrameSettings && legal == nil {
			before := peer
			delta, err := peer.Apply(frame)
			if err != nil && peer != before {
				t.Fatalf("%v, yet %+v", err, peer)
			}
			if peer.MaxFrameSize < h2.MinMaxFrameSize || peer.MaxFrameSize > h2.MaxMaxFrameSize || peer.InitialWindowSize > h2.MaxWindow ||
				delta != int64(peer.InitialWindowSize)-65535 {
				t.Fatalf("%+v, %d", peer, delta)
			}
		}
	})
}

// FuzzFrameDiff compares ParseFrame, Frame.Check and Setting.Check with the
// Framer of golang.org/x/net/http2. Where both accept, they read the same.
// Allowed disagreements about what is wrong:
//
//   - A frame too short for its fixed fields is io.ErrUnexpectedEOF there.
//   - Padding longer than a HEADERS frame is a stream error there, and padding
//     that reaches into its fixed fields is sometimes taken; RFC 9113 §6.2 makes
//     it a connection error, "the length of the frame payload or greater".
//   - A PRIORITY frame with a wrong length is a connection error there; RFC 9113
//     §6.3 makes it a stream error.
//   - The identifier that PUSH_PROMISE promises is not looked at there.
//   - Of SETTINGS only INITIAL_WINDOW_SIZE is looked at there.
//   - Where two rules are broken, the two may name different ones.
func FuzzFrameDiff(f *testing.F) {
	for _, src := range frameSeeds() {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		compareFrame(t, src)
		// Few inputs announce the length that they have.
		if len(src) > h2.FrameHeaderLen && len(src) < 1<<14 {
			h, _ := h2.ParseFrameHeader(src)
			compareFrame(t, h2.AppendFrame(nil, h2.Frame{FrameHeader: h, Payload: src[h2.FrameHeaderLen:]}))
		}
	})
}

func compareFrame(t *testing.T, src []byte) {
	frame, n, err := h2.ParseFrame(src, 0)
	fr := http2.NewFramer(io.Discard, bytes.NewReader(src))
	fr.AllowIllegalReads = true // the order of frames is not the codec's
	fr.SetMaxReadFrameSize(h2.MinMaxFrameSize)
	theirs, err2 := fr.ReadFrame()
	if err != nil {
		if !errors.Is(err2, http2.ErrFrameTooLarge) {
			t.Fatalf("%v, x/net %v", err, err2)
		}
		return
	}
	if n == 0 {
		if err2 != io.EOF && !errors.Is(err2, io.ErrUnexpectedEOF) {
			t.Fatalf("more is needed, x/net %v", err2)
		}
		return
	}
	err = frame.Check()
	if err == nil && frame.Type == h2.FrameSettings {
		for s := range frame.Settings() {
			if err == nil {
				err = s.Check()
			}
		}
	}
	if err != nil || err2 != nil {
		compareFault(t, frame, err, err2)
		return
	}
	h := theirs.Header()
	if h.Length != frame.Length || uint8(h.Type) != uint8(frame.Type) || uint8(h.Flags) != uint8(frame.Flags) || h.StreamID != frame.StreamID {
		t.Fatalf("%v, x/net %v", frame.FrameHeader, h)
	}
	same := true
	switch g := theirs.(type) {
	case *http2.DataFrame:
		same = bytes.Equal(g.Data(), frame.Data()) && g.StreamEnded() == frame.EndStream()
	case *http2.HeadersFrame:
		p, ok := frame.Priority()
		same = bytes.Equal(g.HeaderBlockFragment(), frame.Fragment()) && g.StreamEnded() == frame.EndStream() && g.HeadersEnded() == frame.EndHeaders() &&
			ok == g.HasPriority() && p == h2.Priority{Depends: g.Priority.StreamDep, Exclusive: g.Priority.Exclusive, Weight: g.Priority.Weight}
	case *http2.PriorityFrame:
		p, ok := frame.Priority()
		same = ok && p == h2.Priority{Depends: g.StreamDep, Exclusive: g.Exclusive, Weight: g.Weight}
	case *http2.RSTStreamFrame:
		same = uint32(g.ErrCode) == uint32(frame.Code())
	case *http2.SettingsFrame:
		i := 0
		for s := range frame.Settings() {
			got := g.Setting(i)
			same = same && uint16(got.ID) == uint16(s.ID) && got.Val == s.Value
			i++
		}
		same = same && i == g.NumSettings() && g.IsAck() == frame.Ack()
	case *http2.PushPromiseFrame:
		id, fragment := frame.PushPromise()
		same = g.PromiseID == id && bytes.Equal(g.HeaderBlockFragment(), fragment) && bytes.Equal(fragment, frame.Fragment()) && g.HeadersEnded() == frame.EndHeaders()
	case *http2.PingFrame:
		same = g.Data == frame.Ping() && g.IsAck() == frame.Ack()
	case *http2.GoAwayFrame:
		e := frame.GoAway()
		same = g.LastStreamID == e.LastID && uint32(g.ErrCode) == uint32(e.Code) && strings.HasPrefix(string(g.DebugData()), e.Debug)
	case *http2.WindowUpdateFrame:
		same = g.Increment == frame.Increment()
	case *http2.ContinuationFrame:
		same = bytes.Equal(g.HeaderBlockFragment(), frame.Fragment()) && g.HeadersEnded() == frame.EndHeaders()
	case *http2.PriorityUpdateFrame:
		id, v := frame.PriorityUpdate()
		same = g.PrioritizedStreamID == id && g.Priority == string(v)
	case *http2.UnknownFrame:
		same = bytes.Equal(g.Payload(), frame.Payload)
	}
	if !same {
		t.Fatalf("% x: x/net reads %v", src[:n], theirs)
	}
}

// compareFault compares what the two find wrong with a frame.
func compareFault(t *testing.T, frame h2.Frame, err, err2 error) {
	if err == nil {
		t.Fatalf("%v: x/net refuses: %v", frame.FrameHeader, err2)
	}
	code, id, stream := checked(t, err)
	padded := frame.Flags.Has(h2.FlagPadded)
	if err2 == nil {
		switch {
		case frame.Type == h2.FrameSettings:
		case frame.Type == h2.FramePushPromise && strings.Contains(err.Error(), "even identifier"):
		case frame.Type == h2.FrameHeaders && padded:
		default:
			t.Fatalf("%v, x/net takes it", err)
		}
		return
	}
	if errors.Is(err2, io.ErrUnexpectedEOF) {
		if code != h2.FrameSizeError && code != h2.ProtocolError {
			t.Fatalf("%v, x/net %v", err, err2)
		}
		return
	}
	var c http2.ConnectionError
	var s http2.StreamError
	switch {
	case errors.As(err2, &c):
		if frame.Type == h2.FramePriority && code == h2.FrameSizeError && c == http2.ConnectionError(http2.ErrCodeFrameSize) {
			return
		}
		sizes := code == h2.FrameSizeError || c == http2.ConnectionError(http2.ErrCodeFrameSize) // another rule is broken as well
		if stream || uint32(c) != uint32(code) && !sizes && frame.Type != h2.FrameSettings {
			t.Fatalf("%v, x/net %v", err, err2)
		}
	case errors.As(err2, &s):
		if frame.Type == h2.FrameHeaders && padded {
			return
		}
		if !stream || uint32(s.Code) != uint32(code) || s.StreamID != id {
			t.Fatalf("%v, x/net %v", err, err2)
		}
	default:
		t.Fatalf("%v, x/net %#v", err, err2)
	}
}

// FuzzFieldsIn decodes two blocks of one connection, the first as what kind says.
// The second must come out as hpack alone has it: whatever became of the first,
// the table is right.
func FuzzFieldsIn(f *testing.F) {
	for _, src := range []string{
		"\x88", "\x88\x40\x01a\x01b", "\x88\x00\x01A\x01b", "\x20\x3f\xe1\x1f\x88", "\x88\xbe", "\x40\x07:status\x03200", "\x88\x5c\x011\x5c\x012",
		"\x88\x40\x0aconnection\x05close", "\x88\x10\x82\x1f\xff\x01x", "\x88\x0f\x0d\x04abcd", "\x88\x40\x01a\x03 b ", "\x48\x03103\x90\x90\x90",
	} {
		f.Add([]byte(src), []byte("\x88\xbe"), uint8(0), uint8(0), uint16(0))
		f.Add([]byte(src), []byte(src), uint8(1), uint8(31), uint16(100))
	}
	f.Fuzz(func(t *testing.T, first, second []byte, kind, rules uint8, list uint16) {
		cfg := h2.DecoderConfig{Rules: h2.Rules(rules), ListBytes: int(list), Fields: 1 + int(list)/40, BlockFrames: 1 << 20}
		k := h2.BlockKind(kind % 3)
		whole, bytewise := h2.NewFieldDecoder(cfg), h2.NewFieldDecoder(cfg)
		var res, res1 wire.Response
		err := readBlock(whole, k, &res, len(first), first)
		err1 := readBlock(bytewise, k, &res1, 1, first)
		if errorText(err) != errorText(err1) || !reflect.DeepEqual(res, res1) {
			t.Fatalf("whole: %v %+v\nbyte by byte: %v %+v", err, res, err1, res1)
		}
		limit := cfg.ListBytes
		if limit == 0 {
			limit = h2.DefaultListBytes
		}
		got := res.Fields
		if k == h2.TrailerBlock {
			got = res.Trailers
		}
		if h2.FieldListSize(got) > uint64(limit) || len(got) > cfg.Fields {
			t.Fatalf("%d fields of %d bytes", len(got), h2.FieldListSize(got))
		}
		plain := hpack.NewDecoder(4096, nil)
		theirs, hpackErr := peel(plain, first)
		if err == nil {
			checkAccepted(t, k, h2.Rules(rules), &res, got)
			if hpackErr == nil && k != h2.DiscardBlock && rules == 0 {
				theirs = slices.DeleteFunc(theirs, func(f wire.Field) bool { return f.Name == ":status" })
				if !slices.Equal(theirs, got) {
					t.Fatalf("%v\nhpack %v", got, theirs)
				}
			}
		} else if _, _, stream := checked(t, err); !stream {
			if whole.Write([]byte("\x88")) == nil || whole.End() == nil {
				t.Fatal("goes on after a connection error")
			}
			return
		}
		if hpackErr != nil {
			// A literal that stays out of the table is not decoded where it is
			// not wanted: its Huffman code may be wrong.
			if err == nil && k != h2.DiscardBlock {
				t.Fatalf("decoded what hpack refuses: %v", hpackErr)
			}
			return
		}
		res.Reset()
		theirs, hpackErr = peel(plain, second)
		err = readBlock(whole, h2.ResponseBlock, &res, len(second), second)
		if err == nil {
			theirs = slices.DeleteFunc(theirs, func(f wire.Field) bool { return f.Name == ":status" })
			if hpackErr != nil || rules == 0 && !slices.Equal(theirs, res.Fields) {
				t.Fatalf("the second block: %v\nhpack %v, %v", res.Fields, theirs, hpackErr)
			}
		}
	})
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// readBlock decodes one block that comes in pieces of step bytes.
func readBlock(d *h2.FieldDecoder, kind h2.BlockKind, res *wire.Response, step int, src []byte) error {
	d.Begin(kind, 5, true, res)
	for len(src) > 0 {
		n := min(step, len(src))
		if err := d.Write(src[:n]); err != nil {
			return err
		}
		src = src[n:]
	}
	return d.End()
}

// peel decodes a block by hpack alone, and each table size update at its start
// by itself, since hpack takes no two in a row.
func peel(d *hpack.Decoder, src []byte) (f wire.Fields, err error) {
	d.SetEmitFunc(func(h hpack.HeaderField) { f = append(f, wire.Field(h)) })
	for len(src) > 0 && src[0]&0xe0 == 0x20 {
		n := 1
		for more := src[0]&0x1f == 0x1f; more && n < len(src); n++ {
			more = src[n]&0x80 != 0
		}
		if _, err := d.Write(src[:n]); err != nil {
			return f, err
		}
		if err := d.Close(); err != nil {
			return f, err
		}
		src = src[n:]
	}
	if _, err := d.Write(src); err != nil {
		return f, err
	}
	return f, d.Close()
}

// checkAccepted fails if what was accepted breaks a rule that no bit allows.
func checkAccepted(t *testing.T, kind h2.BlockKind, rules h2.Rules, res *wire.Response, fields wire.Fields) {
	if kind == h2.ResponseBlock && (res.Status < 200 || res.Status > 999 || res.Proto != wire.HTTP2 || res.ContentLength < -1) {
		t.Fatalf("%+v", res)
	}
	if kind == h2.DiscardBlock {
		return
	}
	for _, f := range fields {
		if f.Name == "" || strings.ContainsAny(f.Name, "\r\n\x00: \t") || strings.ContainsAny(f.Value, "\r\n\x00") || f.Value != strings.Trim(f.Value, " \t") {
			t.Fatalf("field %q: %q", f.Name, f.Value)
		}
		switch strings.ToLower(f.Name) {
		case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te":
			t.Fatalf("field %q", f.Name)
		}
		if rules == 0 && (!wire.IsToken(f.Name) || f.Name != strings.ToLower(f.Name) || !wire.IsFieldValue(f.Value)) {
			t.Fatalf("field %q: %q", f.Name, f.Value)
		}
	}
}

// FuzzFieldsOut: what is encoded decodes to the same, with the memo and without,
// whatever the table; and what we send we would take.
func FuzzFieldsOut(f *testing.F) {
	f.Add("GET", "example.test", "/a?b", "A", "b", "User-Agent", "x", uint8(3), uint32(4096), false)
	f.Add("POST", "a", "http://a/", "Content-Length", "5", "Cookie", "a=b; c=d", uint8(9), uint32(0), true)
	f.Add("CONNECT", "a", "/ws", ":protocol", "websocket", "te", "trailers, x", uint8(2), uint32(60), false)
	f.Add("CONNECT", "a", "a:443", "Connection", "close, b", "b", " x\t", uint8(4), uint32(1<<31), true)
	f.Add("OPTIONS", "[::1]:8", "*", "Transfer-Encoding", "chunked", "Host", "b", uint8(4), uint32(100), true)
	f.Add("GET", "a\r\nb: c", "/ \r\n", "a\r\nb", "c\r\nd: e", "\x00", "\x7f", uint8(0), uint32(5), false)
	f.Fuzz(func(t *testing.T, method, authority, target, name1, value1, name2, value2 string, times uint8, table uint32, secret bool) {
		req := wire.Request{Method: method, Scheme: "https", Authority: authority, Target: target, BodyLen: 5}
		if times&1 != 0 {
			req.Body = io.NopCloser(strings.NewReader("hello"))
		}
		if name1 != "" || value1 != "" {
			req.Fields.Add(name1, value1)
		}
		if name2 != "" || value2 != "" {
			req.Fields = append(req.Fields, wire.Field{Name: name2, Value: value2, Sensitive: secret})
		}
		before := wire.Fields{{Name: "was", Value: "there"}}
		fields, info, err := h2.AppendRequestFields(before, &req, h2.RequestOptions{SplitCookies: times&2 != 0})
		if err != nil {
			var e *wire.Error
			var q *h2.RequestError
			if !errors.As(err, &e) || !errors.Is(err, wire.ErrLocalProtocol) || e.Sent || !errors.As(err, &q) || len(fields) != 1 {
				t.Fatalf("%v, %#v", fields, err)
			}
			return
		}
		fields = fields[1:]
		checkSent(t, fields, info)

		with, without := h2.NewFieldEncoder(h2.EncoderConfig{}), h2.NewFieldEncoder(h2.EncoderConfig{NoMemo: true})
		peer := hpack.NewDecoder(4096, nil)
		peer.SetAllowedMaxDynamicTableSize(1<<32 - 1)
		for i := range 2 + int(times%8) {
			if i == 3 {
				with.SetPeerTableSize(table, table)
				without.SetPeerTableSize(table, table)
			}
			some := fields
			if i%3 == 2 {
				some = append(fields[1:len(fields):len(fields)], wire.Field{Name: "x-count", Value: strings.Repeat("i", i)})
			}
			a, b := with.Append([]byte("."), some), without.Append([]byte("."), some)
			if !bytes.Equal(a, b) || a[0] != '.' {
				t.Fatalf("with the memo % x\nwithout % x", a, b)
			}
			got, err := peel(peer, a[1:])
			if err != nil || !slices.Equal(got, some) {
				t.Fatalf("% x: %v\n%v\nwant %v", a, err, got, some)
			}
		}

		// As trailers they pass our own rules, but for what only requests have.
		some := slices.DeleteFunc(slices.Clone(fields), func(f wire.Field) bool { return f.Name[0] == ':' || f.Name == "te" })
		var res wire.Response
		d := h2.NewFieldDecoder(h2.DecoderConfig{})
		block := h2.NewFieldEncoder(h2.EncoderConfig{}).Append(nil, some)
		if err := readBlock(d, h2.TrailerBlock, &res, 3, block); err != nil && !strings.Contains(err.Error(), "limit") || err == nil && !slices.Equal(res.Trailers, some) {
			t.Fatalf("%v: %v", some, err)
		}
	})
}

// checkSent fails if the header section of a request breaks RFC 9113 §8.
func checkSent(t *testing.T, fields wire.Fields, info h2.RequestInfo) {
	pseudo := map[string]int{}
	regular := false
	for _, f := range fields {
		if f.Name[0] == ':' {
			pseudo[f.Name]++
			if regular || f.Value == "" {
				t.Fatalf("%v", fields)
			}
			continue
		}
		regular = true
		if f.Name == "host" || f.Name == "te" && f.Value != "trailers" || f.Value != strings.Trim(f.Value, " \t") {
			t.Fatalf("%v", f)
		}
	}
	want := map[string]int{":method": 1, ":scheme": 1, ":authority": 1, ":path": 1}
	if info.Extended {
		want[":protocol"] = 1
	} else if info.Connect {
		want = map[string]int{":method": 1, ":authority": 1}
	}
	if !reflect.DeepEqual(pseudo, want) || info.ListSize != h2.FieldListSize(fields) || info.EndStream != (info.Length == 0 && !info.Connect) {
		t.Fatalf("%v %+v", fields, info)
	}
}
