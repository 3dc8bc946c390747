package main

import (
	"context"
	"fmt"
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
	patiently(t, func(time.Duration) string {
		r := load(t, t.Context(), s.URL, "-rate", "100", "-d", "1s", "-c", "30", "-quiet")
		if wrong := r.unlike(exitOK); wrong != "" {
			return wrong
		}
		fits := len(r.Slices) >= 10
		for i, s := range r.Slices {
			if i < 10 && (s.Answered < 5 || s.Answered > 15) || i >= 10 && s.Answered > 5 {
				fits = false
			}
		}
		if fits {
			return ""
		}
		return fmt.Sprintf("the slices of 100 ms of a run at 100/s have not about 10 answers each: %+v", r.Slices)
	})
}

// The rates are of what came before the end: answers in the time of grace make
// neither the requests nor the bytes per second more.
func TestRatesWithoutGrace(t *testing.T) {
	const conns = 4
	// The second answer of each connection comes when second is closed; arrived gets
	// the number of each request.
	slow := func(second <-chan struct{}, arrived func(n int64)) http.HandlerFunc {
		n := new(atomic.Int64)
		return func(w http.ResponseWriter, r *http.Request) {
			i := n.Add(1)
			arrived(i)
			if i > conns {
				select {
				case <-second:
				case <-r.Context().Done():
				}
			}
			w.Write(make([]byte, 1000))
		}
	}
	t.Run("end of the run", func(t *testing.T) {
		patiently(t, func(factor time.Duration) string {
			d, second := factor*500*time.Millisecond, make(chan struct{})
			s := newSite(t, slow(second, func(n int64) {
				if n == 1 { // the clock of the run is older
					time.AfterFunc(d+200*time.Millisecond, func() { close(second) })
				}
			}), nil)
			r := load(t, t.Context(), s.URL, "-c", "4", "-d", d.String(), "-grace", "1m")
			if wrong := r.unlike(exitOK); wrong != "" {
				return wrong
			}
			perSecond := conns / d.Seconds()
			if r.Answered != 2*conns || r.InTime != conns || r.Throughput != perSecond || r.ContentRate != 1000*perSecond || r.Content != 2000*conns {
				return fmt.Sprintf("%+v", r.result)
			}
			if want := bytesText(1000*perSecond) + "/s"; !strings.Contains(r.out, want) {
				return fmt.Sprintf("no %s: the report has the content of the answers that came later\n%s", want, r.out)
			}
			return ""
		})
	})
	t.Run("Ctrl-C", func(t *testing.T) {
		patiently(t, func(factor time.Duration) string {
			second := make(chan struct{})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			s := newSite(t, slow(second, func(n int64) {
				if n == 2*conns {
					time.AfterFunc(factor*100*time.Millisecond, cancel)
					time.AfterFunc(factor*300*time.Millisecond, func() { close(second) })
				}
			}), nil)
			r := load(t, ctx, s.URL, "-c", "4", "-d", "1h", "-grace", "1m")
			if wrong := r.unlike(exitInterrupted); wrong != "" {
				return wrong
			}
			if r.Answered != 2*conns || r.InTime != conns || math.Abs(r.Throughput*r.Elapsed-conns) > 1e-6 {
				return fmt.Sprintf("%+v", r.result)
			}
			return ""
		})
	})
}

// A Ctrl-C when sending has ended ends the time of grace.
func TestInterruptOfGrace(t *testing.T) {
	patiently(t, func(factor time.Duration) string {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		d, grace := factor*50*time.Millisecond, factor*2*time.Second
		s := newSite(t, func(_ http.ResponseWriter, r *http.Request) {
			time.AfterFunc(d+factor*300*time.Millisecond, cancel)
			<-r.Context().Done()
		}, nil)
		began := time.Now()
		r := load(t, ctx, s.URL, "-c", "1", "-d", d.String(), "-grace", grace.String(), "-read-timeout", "-1s")
		took := time.Since(began)
		if wrong := r.unlike(exitInterrupted); wrong != "" {
			return wrong
		}
		if r.Failures[kindUnfinished].Count != 1 || !r.Interrupted || r.Elapsed != d.Seconds() || took >= grace {
			return fmt.Sprintf("after %v: %+v", took, r.result)
		}
		return ""
	})
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
	patiently(t, func(factor time.Duration) string {
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
		timeout := factor * 200 * time.Millisecond
		r := load(t, t.Context(), "http://"+s.Addr, "-h2c", "-c", "1", "-n", "2", "-connect-timeout", timeout.String(), "-quiet")
		if wrong := r.unlike(exitFailed); wrong != "" {
			return wrong
		}
		if r.Failures["connect-timeout"].Count < 1 || r.Latency.Count != r.Failures["connect-timeout"].Count || r.Latency.Max < ms(timeout) {
			return fmt.Sprintf("%+v\n%+v", r.Failures, r.Latency)
		}
		return ""
	})
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
			patiently(t, func(time.Duration) string {
				r := load(t, t.Context(), append(args, s.URL, "-rate", "10", "-c", "2", "-quiet")...)
				if wrong := r.unlike(exitOK); wrong != "" {
					return wrong
				}
				if r.Answered != 5 || r.Elapsed < 0.5 || r.Throughput > 10 {
					return fmt.Sprintf("%d answered in %v s, %v/s, at a rate of 10/s", r.Answered, r.Elapsed, r.Throughput)
				}
				return ""
			})
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
