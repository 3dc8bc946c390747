package h1_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"gohttpx.dev/h1"
	"gohttpx.dev/internal/leak"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/wire"
)

// floodBound is what a hostile connection may take: a head of h1.DefaultHeadBytes,
// too, less its last byte.
const floodBound = 128 << 10

// flooded is one kind of flood over HTTP/1.1.
type flooded struct {
	name         string
	once, repeat string
	piece        int
	takes        int64
	upload       bool
	idle         bool // the exchange ends well
	// most is how many bytes come of a flood that is no breach; 0 means that
	// the peer is refused.
	most int64
}

func floods() []flooded {
	const ok = "HTTP/1.1 200 OK\r\n"
	const chunked = ok + "Transfer-Encoding: chunked\r\n\r\n"
	large := "X: " + strings.Repeat("y", 8000) + "\r\n"
	return []flooded{
		{name: "endless fields, small", once: ok, repeat: "A: b\r\n"},
		{name: "endless fields, large", once: ok, repeat: large},
		{name: "one endless field", once: ok + "A: ", repeat: strings.Repeat("b", 1000)},
		{name: "endless reason phrase", once: "HTTP/1.1 200 ", repeat: strings.Repeat("b", 1000)},
		{name: "endless folded lines", once: ok + "A: b\r\n", repeat: " b\r\n"},
		{name: "endless empty lines", repeat: "\r\n"},
		{name: "endless interim responses", repeat: "HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n"},
		{name: "endless large interim responses", repeat: "HTTP/1.1 103 Early Hints\r\n" + large + "\r\n"},
		{name: "endless chunk extension", once: chunked + "1", repeat: ";a=b"},
		{name: "extensions of endless chunks", once: chunked, repeat: "1;a=" + strings.Repeat("b", 4000) + "\r\nx\r\n"},
		{name: "endless chunks of a byte", once: chunked, repeat: "1\r\nx\r\n", most: 64 << 10},
		{name: "endless zeros of a chunk size", once: chunked, repeat: "0"},
		{name: "endless trailers, small", once: chunked + "0\r\n", repeat: "A: b\r\n"},
		{name: "endless trailers, large", once: chunked + "0\r\n", repeat: large},
		{name: "a head byte by byte", once: ok + "A: ", repeat: "b", piece: 1, most: 2000},
		{name: "a huge Content-Length", once: ok + "Content-Length: 9223372036854775807\r\n\r\nx", most: 1 << 20},
		{name: "a huge chunk", once: chunked + "7fffffffffffffff\r\nx", most: 1 << 20},
		{name: "content without end", once: ok + "\r\n", repeat: strings.Repeat("x", 1000), most: 1 << 20},
		{name: "a peer that never reads an upload", takes: 500, upload: true, most: 1},
		{name: "idle after a large head", once: ok + "Content-Length: 0\r\n" + strings.Repeat(large, 7) + "\r\n", most: 1 << 20, idle: true},
	}
}

type letters struct{}

func (letters) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// run has n connections meet the flood and measures them: until they are refused
// or, if most is not 0, until so many bytes of it have come.
func (k flooded) run(t *testing.T, cfg h1.Config, n int, most int64, piece int) (open, peak, back, said int64, errs []error) {
	t.Helper()
	m := leak.NewMeter()
	defer m.Stop()
	repeat := []byte(k.repeat)
	if len(repeat) > 0 {
		repeat = bytes.Repeat(repeat, 1+4096/len(repeat))
	}
	once := []byte(k.once)
	fs, cs := make([]*peer.Flood, n), make([]*h1.Conn, n)
	errs = make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		f := &peer.Flood{Once: once, Repeat: repeat, After: 1, Most: most, Takes: k.takes, Piece: piece}
		c := h1.NewConn(f, cfg)
		fs[i], cs[i] = f, c
		c.Reserve()
		req := &wire.Request{Method: "GET", Authority: "example.test", Target: "/", Timeouts: wire.Timeouts{Read: wire.Never, Write: wire.Never}}
		if k.upload {
			req.Method, req.Body, req.BodyLen = "POST", io.NopCloser(letters{}), -1
		}
		// Ends with the flood, or with Close; waited for below.
		wg.Go(func() {
			var res wire.Response
			if errs[i] = c.RoundTrip(context.Background(), req, &res); errs[i] == nil {
				_, errs[i] = io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
		})
	}
	limit := time.After(2 * time.Minute)
	for _, f := range fs {
		if k.idle {
			break
		}
		select {
		case <-f.Still():
		case <-limit:
			t.Fatal("a flood goes on and on")
		}
	}
	if most == 0 || k.idle {
		wg.Wait() // which none of them has us close
	}
	open = m.Grown() / int64(n)
	lost := false
	for i, f := range fs {
		if most > 0 && f.Closed() && !lost {
			lost = true
			t.Errorf("connection %d did not last: %v", i, errs[i])
		}
		said = max(said, f.Said())
		cs[i].Close()
	}
	wg.Wait()
	for _, f := range fs {
		<-f.Gone()
	}
	peak = m.Peak() / int64(n)
	clear(fs)
	clear(cs)
	back = m.Back(2<<20) / int64(n)
	return
}

// A thousand hostile connections at once, of each kind. The first figure is with
// all of them open, each one step before it is refused; the second is the most
// that was seen while all of them run into what refuses them. Goroutines and
// their stacks count.
func TestThreatsMemory(t *testing.T) {
	n := 1000
	if raceOn || testing.Short() {
		n = 50
	}
	// What the runtime keeps of goroutines that have ended is not ours.
	var warm sync.WaitGroup
	gate := make(chan struct{})
	for range 3 * n {
		warm.Go(func() { <-gate })
	}
	close(gate)
	warm.Wait()
	for _, k := range floods() {
		t.Run(k.name, func(t *testing.T) { k.measure(t, h1.Config{}, n) })
	}
}

func (k flooded) measure(t *testing.T, cfg h1.Config, n int) {
	held := k.most
	if held == 0 {
		// How far does one get?
		const step = 64
		_, _, _, said, errs := k.run(t, cfg, 1, 0, step)
		if !errors.Is(errs[0], wire.ErrRemoteProtocol) {
			t.Fatalf("after %d bytes: got %v", said, errs[0])
		}
		t.Logf("refused after %d bytes: %v", said, errs[0])
		held = max(1, said-2*step)
	}
	leak.Try(t, func() (fault string) {
		open, peak, back, _, _ := k.run(t, cfg, n, held, k.piece)
		if k.most == 0 {
			_, p, b, _, _ := k.run(t, cfg, n, 0, 0)
			peak, back = max(peak, p), max(back, b)
		}
		t.Logf("%d connections, bytes of each: %d open after %d bytes, %d at the peak, %d after Close", n, open, held, peak, back)
		if raceOn {
			return "" // the detector's memory is not ours
		}
		if k.idle {
			peak -= 2 * h1.DefaultHeadBytes // on the way
		}
		switch {
		case open > floodBound || peak > floodBound:
			return fmt.Sprintf("more than %d bytes for each connection", floodBound)
		case back*int64(n) > 2<<20:
			return fmt.Sprintf("%d bytes of each connection are left", back)
		}
		return ""
	})
}
