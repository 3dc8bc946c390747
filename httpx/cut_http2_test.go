package httpx_test

import (
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"

	"gohttpx.dev/h2"
	"gohttpx.dev/httpx"
)

// cutFrames are frames of one meaning, in their order.
type cutFrames struct {
	role  cutRole
	bytes []byte
	data  string // of DATA
}

// cutRole is what frames are for a response.
type cutRole int

const (
	cutAside  cutRole = iota // nothing: SETTINGS, GOAWAY, PING
	cutEarly                 // an interim response
	cutHead                  // the final head
	cutData                  // content
	cutLast                  // ends the stream
	cutUndone                // says that the request was not looked at
)

// h2Exchange records one; frames makes those for a stream.
func h2Exchange(name string, frames func(id uint32) []cutFrames) *cutExchange {
	x := &cutExchange{
		name: name, h2: true, want: cutText, url: "http://server.test/",
		options: []httpx.ClientOption{httpx.WithHTTP2(true), httpx.WithHTTP1(false)},
	}
	preface := cutFrames{cutAside, append(h2.AppendSettings(nil, h2.Setting{ID: h2.SettingMaxConcurrentStreams, Value: 100}), h2.AppendSettingsAck(nil)...), ""}
	first := append([]cutFrames{preface}, frames(1)...)
	for _, f := range first {
		x.all = append(x.all, f.bytes...)
	}
	x.state = func(n int) cutState {
		s := cutNothing
		for _, f := range first {
			whole := n >= len(f.bytes)
			switch {
			case f.role == cutUndone && whole, f.role == cutLast && whole:
				return cutWhole
			case f.role == cutHead && whole:
				s = cutInBody
			case f.role == cutEarly && whole, (f.role == cutEarly || f.role == cutHead) && n > h2.FrameHeaderLen:
				// With the first byte after the frame's header the head has begun.
				s = cutInHead
			}
			if n -= len(f.bytes); n < 0 {
				break
			}
		}
		return s
	}
	x.content = func(n int) string {
		var s strings.Builder
		for _, f := range first {
			// Content comes frame by frame.
			if n -= len(f.bytes); n < 0 {
				break
			}
			s.WriteString(f.data)
		}
		return s.String()
	}
	x.serve = func(x *cutExchange, nc net.Conn) {
		serveCutHTTP2(nc, x.all, func(id uint32) (b []byte) {
			for _, f := range frames(id) {
				b = append(b, f.bytes...)
			}
			return b
		})
	}
	return x
}

// serveCutHTTP2 answers the first request with the recorded bytes and the others
// with what again makes for their streams.
func serveCutHTTP2(nc net.Conn, first []byte, again func(id uint32) []byte) {
	defer nc.Close()
	if _, err := io.ReadFull(nc, make([]byte, len(h2.Preface))); err != nil {
		return
	}
	var buf []byte
	p := make([]byte, 4<<10)
	for {
		f, n, err := h2.ParseFrame(buf, h2.MaxMaxFrameSize)
		if err != nil {
			return
		}
		if n == 0 {
			k, err := nc.Read(p)
			if err != nil {
				return
			}
			buf = append(buf, p[:k]...)
			continue
		}
		if f.Type == h2.FrameHeaders {
			b := first
			if f.StreamID > 1 {
				b = again(f.StreamID)
			}
			if _, err := nc.Write(b); err != nil {
				return
			}
		}
		buf = buf[n:]
	}
}

// cutBlock encodes fields, name, value, name, value, without use of the table.
func cutBlock(fields ...string) []byte {
	var b strings.Builder
	e := hpack.NewEncoder(&b)
	for i := 0; i < len(fields); i += 2 {
		e.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1], Sensitive: true})
	}
	return []byte(b.String())
}

// cutHeaders is a field block in a HEADERS frame and two of CONTINUATION.
func cutHeaders(id uint32, end bool, fields ...string) []byte {
	block := cutBlock(fields...)
	k := len(block) / 3
	var flags h2.Flags
	if end {
		flags = h2.FlagEndStream
	}
	var b []byte
	frame := func(t h2.FrameType, flags h2.Flags, part []byte) {
		b = h2.AppendRaw(b, h2.FrameHeader{Length: uint32(len(part)), Type: t, Flags: flags, StreamID: id}, part)
	}
	frame(h2.FrameHeaders, flags, block[:k])
	frame(h2.FrameContinuation, 0, block[k:2*k])
	frame(h2.FrameContinuation, h2.FlagEndHeaders, block[2*k:])
	return b
}

func cutH2() []*cutExchange {
	data := func(id uint32, s string, end bool) cutFrames {
		role := cutData
		if end {
			role = cutLast
		}
		return cutFrames{role, h2.AppendData(nil, id, []byte(s), end, 0), s}
	}
	goAway := func(last uint32, role cutRole) cutFrames {
		return cutFrames{role, h2.AppendGoAway(nil, last, h2.NoError, "for now"), ""}
	}
	continuation := h2Exchange("CONTINUATION", func(id uint32) []cutFrames {
		return []cutFrames{
			{cutHead, cutHeaders(id, false, ":status", "200", "x", "y"), ""},
			data(id, cutText[:10], false),
			data(id, cutText[10:], true),
		}
	})
	trailers := h2Exchange("interim and trailers", func(id uint32) []cutFrames {
		return []cutFrames{
			{cutEarly, cutHeaders(id, false, ":status", "103", "link", "</a>"), ""},
			{cutHead, cutHeaders(id, false, ":status", "200", "content-length", strconv.Itoa(len(cutText))), ""},
			data(id, cutText[:10], false),
			data(id, cutText[10:], false),
			{cutLast, cutHeaders(id, true, "t", "v"), ""},
		}
	})
	trailers.trailer = "v"
	away := h2Exchange("GOAWAY in the middle", func(id uint32) []cutFrames {
		return []cutFrames{
			{cutHead, cutHeaders(id, false, ":status", "200"), ""},
			data(id, cutText[:10], false),
			goAway(id, cutAside),
			data(id, cutText[10:], true),
		}
	})
	away.closes = true
	before := h2Exchange("GOAWAY before the head", func(id uint32) []cutFrames {
		return []cutFrames{
			goAway(id, cutAside),
			{cutHead, cutHeaders(id, false, ":status", "200"), ""},
			data(id, cutText, true),
		}
	})
	before.closes = true
	gz := cutGzip(cutText)
	coded := h2Exchange("gzip", func(id uint32) []cutFrames {
		return []cutFrames{
			{cutHead, cutHeaders(id, false, ":status", "200", "content-encoding", "gzip"), ""},
			data(id, gz[:10], false),
			data(id, gz[10:], true),
		}
	})
	coded.coded = true
	return []*cutExchange{continuation, trailers, away, before, coded}
}

func TestCutHTTP2AtEveryByte(t *testing.T) {
	for _, x := range cutH2() {
		t.Run(x.name, func(t *testing.T) {
			cutEverywhere(t, x, cutBuffered, cutStreamed, cutDripped)
		})
	}
}

// A server that says it has not looked at the request: once that has come whole the
// request is made on another connection, and before it is not.
func TestCutGoAwayUnprocessed(t *testing.T) {
	answer := func(id uint32) []cutFrames {
		return []cutFrames{
			{cutHead, cutHeaders(id, false, ":status", "200"), ""},
			{cutLast, h2.AppendData(nil, id, []byte(cutText), true, 0), cutText},
		}
	}
	for _, tt := range []struct {
		name string
		b    []byte
	}{
		{"GOAWAY", h2.AppendGoAway(nil, 0, h2.NoError, "")},
		{"REFUSED_STREAM", h2.AppendRSTStream(nil, 1, h2.RefusedStream)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := h2Exchange(tt.name, func(id uint32) []cutFrames { return []cutFrames{{cutUndone, tt.b, ""}} })
			x.replayed, x.closes = true, tt.name == "GOAWAY"
			whole := h2Exchange("", answer)
			served := 0
			x.serve = func(x *cutExchange, nc net.Conn) {
				if served++; served > 1 {
					whole.serve(whole, nc)
					return
				}
				serveCutHTTP2(nc, x.all, func(id uint32) (b []byte) {
					for _, f := range answer(id) {
						b = append(b, f.bytes...)
					}
					return b
				})
			}
			x.began = func() { served = 0 }
			manners := allCuts
			if tt.name == "REFUSED_STREAM" {
				// The connection is as good as before, and may be taken again: a
				// stall would hold the repetition too.
				manners = allCuts[:2]
			}
			for _, f := range manners {
				cutEach(t, x, f, cutBuffered, cutStreamed)
			}
		})
	}
}
