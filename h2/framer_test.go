package h2

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// readWriter is an io.ReadWriter of what is read and what was written.
type readWriter struct {
	io.Reader
	bytes.Buffer
}

func (s *readWriter) Read(p []byte) (int, error) { return s.Reader.Read(p) }

func TestFramer(t *testing.T) {
	big := make([]byte, 200_000)
	for i := range big {
		big[i] = byte(i * 31)
	}
	sent := []Frame{
		{FrameHeader{Type: FrameSettings}, nil},
		{FrameHeader{Type: 0xee, Flags: 0xff, R: true, StreamID: MaxStreamID}, []byte("what?")},
		{FrameHeader{Type: FrameData, StreamID: 1}, big},
		{FrameHeader{Type: FrameData, StreamID: 1}, big[:40_000]},
		{FrameHeader{Type: FramePing}, []byte("12345678")},
		{FrameHeader{Type: FrameData, StreamID: 1}, big[:70_000]},
	}
	var w readWriter
	fr := NewFramer(&w, 0)
	if err := fr.WriteRaw([]byte(Preface)); err != nil {
		t.Fatal(err)
	}
	for _, f := range sent {
		if err := fr.WriteFrame(f); err != nil {
			t.Fatal(err)
		}
	}
	if fr.WriteFrame(Frame{Payload: make([]byte, MaxMaxFrameSize+1)}) == nil {
		t.Error("more than a length can say was written")
	}
	src, ok := bytes.CutPrefix(w.Bytes(), []byte(Preface))
	if !ok {
		t.Fatal("no preface")
	}
	for name, r := range map[string]io.Reader{
		"whole":        bytes.NewReader(src),
		"byte by byte": iotest.OneByteReader(bytes.NewReader(src)),
		"halves":       iotest.HalfReader(bytes.NewReader(src)),
		"with EOF":     iotest.DataErrReader(bytes.NewReader(src)),
	} {
		fr := NewFramer(&readWriter{Reader: r}, MaxMaxFrameSize)
		for i, want := range sent {
			got, err := fr.ReadFrame()
			want.Length = uint32(len(want.Payload))
			if err != nil || got.FrameHeader != want.FrameHeader || !bytes.Equal(got.Payload, want.Payload) {
				t.Fatalf("%s: frame %d: %v, %v", name, i, got.FrameHeader, err)
			}
		}
		for range 2 {
			if f, err := fr.ReadFrame(); err != io.EOF {
				t.Errorf("%s: at the end: %v, %v", name, f.FrameHeader, err)
			}
		}
	}
}

func TestFramerErrors(t *testing.T) {
	broken := errors.New("broken")
	for _, tt := range []struct {
		name string
		r    io.Reader
		is   func(error) bool
	}{
		{"cut in the header", strings.NewReader("\x00\x00\x01"), func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }},
		{"cut in the payload", strings.NewReader("\x00\x00\x05\x00\x00\x00\x00\x00\x01abc"), func(err error) bool {
			return errors.Is(err, io.ErrUnexpectedEOF) && strings.HasPrefix(err.Error(), "h2: 12 bytes of a frame: ")
		}},
		{"broken", io.MultiReader(strings.NewReader("\x00"), iotest.ErrReader(broken)), func(err error) bool { return err == broken }},
		{"reader that gives nothing", readNothing{}, func(err error) bool { return err == io.ErrNoProgress }},
		{"too long", strings.NewReader("\x00\x40\x01\x00\x00\x00\x00\x00\x01abc"), func(err error) bool { return verdict(err) == "conn FRAME_SIZE_ERROR §4.2" }},
	} {
		fr := NewFramer(&readWriter{Reader: tt.r}, 0)
		for range 2 {
			if f, err := fr.ReadFrame(); !tt.is(err) {
				t.Errorf("%s: %v, %v", tt.name, f, err)
			}
		}
	}
	// What a header announces costs nothing before it comes.
	fr := NewFramer(&readWriter{Reader: strings.NewReader("\xff\xff\xff\x00\x00\x00\x00\x00\x01abc")}, MaxMaxFrameSize)
	if _, err := fr.ReadFrame(); !errors.Is(err, io.ErrUnexpectedEOF) || cap(fr.buf) > 2*framerBuffer {
		t.Errorf("%v, buffer of %d bytes", err, cap(fr.buf))
	}
}

type readNothing struct{}

func (readNothing) Read([]byte) (int, error) { return 0, nil }
