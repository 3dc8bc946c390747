package main

import (
	"context"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gohttpx.dev/internal/peer"
)

// An answer is in the slice of the time at which it came, whenever the collector
// comes to see it; what came in the time of grace is behind the end.
func TestSliceOfAnAnswer(t *testing.T) {
	const ms = time.Millisecond
	var s span
	s.from, s.width = 50*ms, 100*ms
	s.until.Store(int64(50*ms + 370*ms))
	sh := &shard{latency: newHist(histDigits)}
	c := &collector{r: &execution{shards: []*shard{sh}}, width: s.width}
	c.r.during.from, c.r.during.width = s.from, s.width
	c.r.during.until.Store(s.until.Load())
	for _, end := range []time.Duration{1, 100, 101, 360, 370, 371, 399, 420} {
		sh.record(&sample{due: s.from, sent: s.from, end: s.from + end*ms, status: 200, content: 10}, &c.r.during)
	}
	c.collect()
	c.reach(7)
	var got []int64
	for _, s := range c.slices {
		got = append(got, s.answered)
	}
	want := []int64{2, 1, 0, 2, 3, 0, 0, 0}
	if len(got) != len(want) {
		t.Fatalf("%v, expected %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%v, expected %v", got, want)
		}
	}
	if n := sh.counts; n.Answered != 8 || n.InTime != 5 || n.Content != 80 || n.InTimeContent != 50 {
		t.Errorf("%+v", n)
	}
}

// The answers over time are spread as they came: nothing in the slice in which
// there was none, and the first and the last like those between.
func TestSlicesOfARun(t *testing.T) {
	s := newSite(t, (&lateServer{delay: 20 * time.Millisecond}).ServeHTTP, nil)
	for range 3 {
		r := load(t, t.Context(), s.URL, "-rate", "100", "-d", "1s", "-c", "30", "-quiet").want(t, exitOK)
		fits := len(r.Slices) >= 10
		for i, s := range r.Slices {
			if i < 10 && (s.Answered < 5 || s.Answered > 15) || i >= 10 && s.Answered > 5 {
				fits = false
			}
		}
		if fits {
			return
		}
		t.Logf("%+v", r.Slices)
	}
	t.Error("three times the slices of 100 ms of a run at 100/s had not about 10 answers each")
}

// The rates are of what came before the end: answers in the time of grace make
// neither the requests nor the bytes per second more.
func TestRatesWithoutGrace(t *testing.T) {
	second := make(chan struct{})
	const conns = 4
	slow := func() (http.HandlerFunc, *atomic.Int64) {
		n := new(atomic.Int64)
		return func(w http.ResponseWriter, r *http.Request) {
			if n.Add(1) > conns {
				select {
				case <-second:
				case <-r.Context().Done():
				}
			}
			w.Write(make([]byte, 1000))
		}, n
	}
	t.Run("end of the run", func(t *testing.T) {
		h, _ := slow()
		s := newSite(t, h, nil)
		time.AfterFunc(700*time.Millisecond, func() { close(second) })
		r := load(t, t.Context(), s.URL, "-c", "4", "-d", "500ms", "-grace", "1m").want(t, exitOK)
		if r.Answered != 2*conns || r.InTime != conns || r.Throughput != 2*conns || r.ContentRate != 2000*conns || r.Content != 2000*conns {
			t.Errorf("%+v", r.result)
		}
		if !strings.Contains(r.out, "8.00 kB/s") {
			t.Errorf("the report has the content of the answers that came later\n%s", r.out)
		}
	})
	t.Run("Ctrl-C", func(t *testing.T) {
		second = make(chan struct{})
		h, n := slow()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
			if n.Load() == 2*conns-1 {
				time.AfterFunc(100*time.Millisecond, cancel)
				time.AfterFunc(300*time.Millisecond, func() { close(second) })
			}
			h(w, r)
		}, nil)
		r := load(t, ctx, s.URL, "-c", "4", "-d", "1h", "-grace", "1m").want(t, exitInterrupted)
		if r.Answered != 2*conns || r.InTime != conns || math.Abs(r.Throughput*r.Elapsed-conns) > 1e-6 {
			t.Errorf("%+v", r.result)
		}
	})
}

// A Ctrl-C when sending has ended ends the time of grace.
func TestInterruptOfGrace(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := newSite(t, func(_ http.ResponseWriter, r *http.Request) {
		time.AfterFunc(300*time.Millisecond, cancel)
		<-r.Context().Done()
	}, nil)
	r := load(t, ctx, s.URL, "-c", "1", "-d", "10ms", "-grace", "10h", "-read-timeout", "-1s").want(t, exitInterrupted)
	if r.Failures[kindUnfinished].Count != 1 || !r.Interrupted || r.Elapsed != 0.01 {
		t.Errorf("%+v", r.result)
	}
}

// All bytes of a run are counted, however short it is.
func TestBytesOfAShortRun(t *testing.T) {
	url, _ := rawServer(t, func(int64) (string, bool) { return okAnswer, false })
	for range 20 {
		r := load(t, t.Context(), url, "-c", "1", "-n", "3", "-quiet").want(t, exitOK)
		if r.BytesIn != int64(3*len(okAnswer)) || r.BytesOut == 0 {
			t.Fatalf("%d bytes received, %d sent, expected %d of the first", r.BytesIn, r.BytesOut, 3*len(okAnswer))
		}
	}
}

// A request that has waited for a connection as long as -connect-timeout is in the
// latency, as other timeouts are.
func TestConnectTimeoutIsLatency(t *testing.T) {
	var n atomic.Int64
	s := peer.Listen(t, func(nc net.Conn) {
		if n.Add(1) == 1 {
			// The server is there at first: a preface with SETTINGS, and the end.
			nc.Write([]byte("\x00\x00\x00\x04\x00\x00\x00\x00\x00"))
			nc.Read(make([]byte, 512))
			return
		}
		io.Copy(io.Discard, nc) // HTTP/2 that never begins
	})
	r := load(t, t.Context(), "http://"+s.Addr, "-h2c", "-c", "1", "-n", "2", "-connect-timeout", "200ms", "-quiet").want(t, exitFailed)
	if r.Failures["connect-timeout"].Count < 1 || r.Latency.Count != r.Failures["connect-timeout"].Count || r.Latency.Max < 200 {
		t.Errorf("%+v\n%+v", r.Failures, r.Latency)
	}
}

// A run without any answer has no latency, and its maximum is none either.
func TestNoLatency(t *testing.T) {
	url, _ := rawServer(t, func(int64) (string, bool) { return "SSH-2.0-x\r\n", false })
	r := load(t, t.Context(), url, "-c", "1", "-n", "3", "-quiet").want(t, exitFailed)
	if r.Latency.Count != 0 || r.Latency.Max != 0 || strings.Contains(r.out, "0.06 µs") {
		t.Errorf("%+v\n%s", r.Latency, r.out)
	}
}

// A status that no RFC knows is counted as what it is.
func TestStatusBeyond599(t *testing.T) {
	url, _ := rawServer(t, func(int64) (string, bool) { return "HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n", false })
	r := load(t, t.Context(), url, "-c", "1", "-n", "3", "-quiet", "-check-status", "9xx").want(t, exitOK)
	if r.Statuses[999] != 3 || len(r.Statuses) != 1 {
		t.Errorf("%v", r.Statuses)
	}
}

// An open loop lasts as long as it was told to, or as its requests take at that
// rate: what is due and answered before that makes no higher rate of it.
func TestLengthOfOpenLoop(t *testing.T) {
	s := newSite(t, nil, nil)
	for name, args := range map[string][]string{
		"by duration":                {"-d", "500ms"},
		"by count":                   {"-n", "5"},
		"by count and duration":      {"-n", "5", "-d", "1h"},
		"by count behind a warm-up":  {"-n", "5", "-warmup", "100ms"},
		"by duration behind warm-up": {"-d", "500ms", "-warmup", "100ms"},
	} {
		t.Run(name, func(t *testing.T) {
			r := load(t, t.Context(), append(args, s.URL, "-rate", "10", "-c", "2", "-quiet")...).want(t, exitOK)
			if r.Answered != 5 || r.Elapsed < 0.5 || r.Throughput > 10 {
				t.Errorf("%d answered in %v s, %v/s, at a rate of 10/s", r.Answered, r.Elapsed, r.Throughput)
			}
		})
	}
}

// What nobody could send at the end is said, even where the rate counts as held.
func TestUnsentIsSaid(t *testing.T) {
	r := &result{Rate: 1000, Offered: 10000, Unsent: 90, latency: newHist(histDigits), width: minWidth}
	page, err := r.asHTML()
	if text := string(r.text()); err != nil || !strings.Contains(text, "Unsent                     90") || !strings.Contains(string(page), unsentNote) {
		t.Errorf("%v\n%s", err, text)
	}
}
