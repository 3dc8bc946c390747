//go:build !race

package h2_test

import (
	"context"
	"io"
	"runtime"
	"testing"

	"gohttpx.dev/h2"
	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/wire"
)

// sinkPeer gives as large a window as there is, throws away what comes, and answers
// when a stream ends.
func sinkPeer(nc *memconn.Conn) {
	out := h2.AppendSettings(nil, h2.Setting{ID: h2.SettingInitialWindowSize, Value: h2.MaxWindow})
	out = h2.AppendSettingsAck(out)
	nc.Write(h2.AppendWindowUpdate(out, 0, h2.MaxWindow-1<<16))
	buf := make([]byte, 64<<10)
	have, skip := 0, len(h2.Preface)
	for {
		n, err := nc.Read(buf[have:])
		if err != nil {
			return
		}
		have += n
		if have < skip {
			continue
		}
		p := buf[skip:have]
		skip = 0
		for {
			f, n, _ := h2.ParseFrame(p, 0)
			if n == 0 {
				break
			}
			p = p[n:]
			if f.Type == h2.FrameData && f.EndStream() {
				nc.Write(h2.AppendHeaders(nil, f.StreamID, []byte{0x88}, h2.HeadersOptions{EndStream: true}))
			}
		}
		have = copy(buf, p)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// An upload must not make garbage of its size, although the writer catches up with
// it again and again and gives its buffer back each time.
func TestUploadMemory(t *testing.T) {
	const size = 32 << 20
	a, b := memconn.PipeSize(1 << 20)
	defer b.Close()
	go sinkPeer(b)
	c, err := h2.NewConn(context.Background(), a, h2.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	send := func(n int64) {
		req := get("/")
		req.Method = "POST"
		req.Body, req.BodyLen = io.NopCloser(io.LimitReader(zeros{}, n)), n
		var res wire.Response
		if err := c.RoundTrip(context.Background(), req, &res); err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	send(4 << 20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	send(size)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > size/8 {
		t.Errorf("an upload of %d bytes allocates %d", size, n)
	} else {
		t.Logf("an upload of %d bytes allocates %d", size, n)
	}
}
