package httpx_test

import (
	"context"
	"encoding/binary"
	"net"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"gohttpx.dev/h2"
	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
)

// answerAll answers every request on an HTTP/2 connection with the same head, block
// and from the second on next, and 1 KiB. It allocates nothing once it runs.
func answerAll(nc net.Conn, block, next []byte) {
	build := func(block []byte) []byte {
		b := h2.AppendHeaders(nil, 1, block, h2.HeadersOptions{})
		return h2.AppendData(b, 1, make([]byte, 1024), true, 0)
	}
	answer := build(block)
	second := build(next)
	in := make([]byte, 64<<10)
	have, skip := 0, len(h2.Preface)
	if _, err := nc.Write(h2.AppendSettings(nil)); err != nil {
		return
	}
	ack := h2.AppendSettingsAck(nil)
	for {
		n, err := nc.Read(in[have:])
		if err != nil {
			return
		}
		have += n
		if have < skip {
			continue
		}
		rest := in[skip:have]
		skip = 0
		for {
			f, n, err := h2.ParseFrame(rest, h2.MinMaxFrameSize)
			if err != nil || n == 0 {
				break
			}
			rest = rest[n:]
			out := ack
			switch {
			case f.Type == h2.FrameHeaders:
				out = answer
				for at := out; len(at) > 0; { // the stream of each frame
					binary.BigEndian.PutUint32(at[5:], f.StreamID)
					at = at[h2.FrameHeaderLen+int(at[0])<<16+int(at[1])<<8+int(at[2]):]
				}
			case f.Type != h2.FrameSettings || f.Ack():
				continue
			}
			if _, err := nc.Write(out); err != nil {
				return
			}
			if f.Type == h2.FrameHeaders {
				answer = second
			}
		}
		have = copy(in, rest)
	}
}

// The budgets of a buffered GET of 1 KiB over HTTP/2, as over HTTP/1.1: a request,
// a response, its fields and its content, and what of the head is no entry of the
// HPACK table, which takes a string for each value.
func TestAllocationBudgetHTTP2(t *testing.T) {
	indexing := []byte("\x88" + // :status: 200
		"\x76\x04test" + "\x5f\x0atext/plain" + "\x5c\x041024") // server, content-type, content-length, to be entries 64, 63, 62
	indexed := []byte("\x88\xc0\xbf\xbe")
	literal := []byte("\x88" + "\x0f\x27\x04test" + "\x0f\x10\x0atext/plain" + "\x0f\x0d\x041024")
	cancellable, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, tt := range []struct {
		name        string
		first, rest []byte
		ctx         context.Context
		prepared    bool
		most        float64
		bytes       uint64
	}{
		{"entries of the table", indexing, indexed, context.Background(), false, 4, 3 << 10},
		{"entries of the table, cancellable", indexing, indexed, cancellable, false, 4, 3 << 10},
		{"entries of the table, prepared", indexing, indexed, context.Background(), true, 3, 2304},
		{"three literals", literal, literal, context.Background(), false, 7, 3 << 10},
		{"three literals, prepared", literal, literal, context.Background(), true, 6, 2304},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := peer.Listen(t, func(nc net.Conn) { answerAll(nc, tt.first, tt.rest) })
			c := newClient(t, httpx.WithHTTP1(false))
			url := "http://" + s.Addr + "/"
			request, err := c.NewRequest("GET", url)
			if err != nil {
				t.Fatal(err)
			}
			get := func() {
				var resp *httpx.Response
				if tt.prepared {
					resp, err = c.Send(tt.ctx, request)
				} else {
					resp, err = c.Get(tt.ctx, url)
				}
				if err != nil || len(resp.Bytes()) != 1024 || resp.Proto != "HTTP/2" || resp.Header.Get("Server") != "test" {
					t.Fatal(resp, err)
				}
			}
			for range 10 { // the blocks of the table and of the pools
				get()
			}
			n := testing.AllocsPerRun(500, get)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range 500 {
				get()
			}
			runtime.ReadMemStats(&after)
			bytes := (after.TotalAlloc - before.TotalAlloc) / 500
			t.Logf("%v allocations of %d bytes", n, bytes)
			if (n > tt.most || bytes > tt.bytes) && !raceEnabled {
				t.Errorf("%v allocations of %d bytes, at most %v of %d are allowed", n, bytes, tt.most, tt.bytes)
			}
		})
	}
}

// Where all that was announced has come and the end has not, Buffer waits for it
// without another buffer. The server ends the stream when it is given back the
// window that the last of the content has taken.
func TestBufferLateEnd(t *testing.T) {
	const size = 256 << 10 // a quarter of the window
	s := peer.Listen(t, func(nc net.Conn) {
		p := peer.H2Over(t, nc)
		p.WantPreface("a connection starts with the preface")
		p.SendSettings()
		for p.Next("the request").Type != h2.FrameHeaders {
		}
		p.SendHeaders(1, false, ":status", "200", "content-length", strconv.Itoa(size))
		p.SendData(1, strings.Repeat("x", size), false)
		for p.Next("the window is given back").StreamID != 1 {
		}
		p.SendData(1, "", true)
		for {
			if _, err := p.TryNext(); err != nil {
				return
			}
		}
	})
	c := newClient(t, httpx.WithHTTP1(false))
	resp, err := c.Get(context.Background(), "http://"+s.Addr+"/")
	if err != nil || len(resp.Bytes()) != size {
		t.Fatal(resp, err)
	}
	if n := cap(resp.Bytes()); n != size {
		t.Errorf("%d bytes of content are in a buffer of %d", size, n)
	}
}
