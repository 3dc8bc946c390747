package main

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// lateServer answers after a fixed time and notes how long it really took, so that
// a machine under load is not taken for a fault of the generator.
type lateServer struct {
	delay time.Duration
	mu    sync.Mutex
	took  []time.Duration
}

func (s *lateServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	after(r.Context(), s.delay)
	w.Write([]byte("ok"))
	s.mu.Lock()
	s.took = append(s.took, time.Since(began))
	s.mu.Unlock()
}

// percentile is the p-th of the times that the server took, in milliseconds.
func (s *lateServer) percentile(p float64) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	sorted := slices.Sorted(slices.Values(s.took))
	return ms(sorted[min(int(math.Ceil(p/100*float64(len(sorted)))), len(sorted))-1])
}

// Against a server of known latency both loops report just that: at a rate that is
// held easily there is nothing to wait for.
func TestKnownLatency(t *testing.T) {
	for name, args := range map[string][]string{
		"B53 open loop":                {"-rate", "80", "-c", "32", "-http1"},
		"B53 open loop over HTTP/2":    {"-rate", "80", "-c", "2", "-streams", "16", "-h2c"},
		"closed loop":                  {"-c", "8", "-http1"},
		"closed loop over HTTP/2":      {"-c", "2", "-streams", "4", "-h2c"},
		"closed loop, behind warm-up":  {"-c", "8", "-warmup", "300ms", "-http1"},
		"open loop with few to choose": {"-rate", "20", "-c", "10", "-http1"},
	} {
		t.Run(name, func(t *testing.T) {
			patiently(t, func(factor time.Duration) string {
				late := &lateServer{delay: 100 * time.Millisecond}
				s := newSite(t, late.ServeHTTP, cleartextHTTP2(250))
				w := watchMachine()
				r := load(t, t.Context(), append(args, s.URL, "-d", (factor*1500*time.Millisecond).String(), "-quiet")...)
				usual, worst := w.end()
				if r.code == exitOK && near(r.Latency.P50, late.percentile(50), usual) && near(r.Latency.P99, late.percentile(99), worst) {
					return ""
				}
				return "not within 10 % of what the server measured:\n" + strings.TrimSpace(r.out)
			})
		})
	}
}

// near reports whether got is within ten percent of want, on a machine that wakes
// goroutines late ms late. A request has three wake-ups on our side: to send it, to
// see that there is an answer, and to hand it on.
func near(got, want, late float64) bool { return math.Abs(got-want) <= want/10+3*late }

// machine is a witness of how late the machine wakes goroutines of this process: a
// few dozen programs on two cores make that some ten milliseconds now and then.
type machine struct {
	stop, done chan struct{}
	late       []time.Duration
}

func watchMachine() *machine {
	m := &machine{stop: make(chan struct{}), done: make(chan struct{})}
	go m.run() // ends with end
	return m
}

func (m *machine) run() {
	defer close(m.done)
	const nap = 3 * time.Millisecond
	for t := time.NewTimer(0); ; {
		began := time.Now()
		t.Reset(nap)
		select {
		case <-t.C:
			m.late = append(m.late, max(time.Since(began)-nap, 0))
		case <-m.stop:
			return
		}
	}
}

// end returns how late three quarters of the wake-ups were at most, and the worst,
// in milliseconds.
func (m *machine) end() (usual, worst float64) {
	close(m.stop)
	<-m.done
	slices.Sort(m.late)
	n := len(m.late)
	return ms(m.late[n*3/4]), ms(m.late[n-1])
}

// stallServer answers at once, but what comes within the stall after the first
// request of its second hundred waits for its end.
type stallServer struct {
	length time.Duration
	mu     sync.Mutex
	n      int
	until  time.Time
}

func (s *stallServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.n++
	if s.n == 101 {
		s.until = time.Now().Add(s.length)
	}
	wait := time.Until(s.until)
	s.mu.Unlock()
	if wait > 0 {
		after(r.Context(), wait)
	}
	w.Write([]byte("ok"))
}

// A server that stalls for a second: with an open loop all requests that were due
// meanwhile have waited, with a closed one only those that each connection had
// sent.
func TestStall(t *testing.T) {
	const conns, stall, perSecond = 4, time.Second, 200.0
	for name, how := range map[string][]string{"HTTP/1.1": {"-c", "4", "-http1"}, "HTTP/2": {"-c", "1", "-streams", "4", "-h2c"}} {
		t.Run("B53 open loop, "+name, func(t *testing.T) {
			s := newSite(t, (&stallServer{length: stall}).ServeHTTP, cleartextHTTP2(250))
			r := load(t, t.Context(), append(how, s.URL, "-rate", "200", "-n", "700", "-quiet")...).want(t, exitOK)
			// 200 were due in the stall, and have waited from 1 s down to nothing.
			if r.Latency.P999 < 950 || r.Latency.Max < 950 {
				t.Errorf("p99.9 %v ms, max %v ms do not show a stall of 1 s", r.Latency.P999, r.Latency.Max)
			}
			if r.Latency.P90 < 200 {
				t.Errorf("p90 is %v ms: 200 of 700 requests have waited, half of them half a second", r.Latency.P90)
			}
			if r.Slices == nil || !slices.ContainsFunc(r.Slices, func(s jsonSlice) bool { return s.Max >= 950 }) {
				t.Error("no slice shows it")
			}
		})
		t.Run("closed loop, "+name, func(t *testing.T) {
			s := newSite(t, (&stallServer{length: stall}).ServeHTTP, cleartextHTTP2(250))
			r := load(t, t.Context(), append(how, s.URL, "-n", "5000", "-quiet")...).want(t, exitOK)
			if r.Latency.Max < 950 {
				t.Errorf("max %v ms does not show a stall of 1 s", r.Latency.Max)
			}
			// 4 of 5000 is less than a thousandth.
			if r.Latency.P999 > 900 {
				t.Errorf("p99.9 is %v ms, though just %d requests met the stall", r.Latency.P999, conns)
			}
		})
	}
}

// Two connections to a server that takes 50 ms carry 40 requests a second. Asked
// for 400, the queue grows by the second, and the report says what has become of
// the rate.
func TestRateNotHeld(t *testing.T) {
	late := &lateServer{delay: 50 * time.Millisecond}
	s := newSite(t, late.ServeHTTP, nil)
	t.Run("B53 rate not held", func(t *testing.T) {
		r := load(t, t.Context(), s.URL, "-c", "2", "-rate", "400", "-d", "2s", "-quiet").want(t, exitNotHeld)
		if !r.NotHeld || r.Offered != 800 || r.Unsent < 700 || r.Answered+r.Unsent != r.Offered {
			t.Errorf("not held %v, %d offered, %d unsent, %d answered", r.NotHeld, r.Offered, r.Unsent, r.Answered)
		}
		// Two of them may have been under way at the end.
		if most := float64(r.Answered) / 2; r.Throughput < most-1 || r.Throughput > min(most, 40) {
			t.Errorf("throughput %v of %d answers in 2 s, where 40 is possible", r.Throughput, r.Answered)
		}
		if r.Latency.P99 < 1000 {
			t.Errorf("p99 is %v ms: the last request sent was due more than a second before", r.Latency.P99)
		}
		if !strings.Contains(r.out, "rate not held: achieved ") || !strings.Contains(r.out, " of 400/s; ") {
			t.Errorf("the report does not say so\n%s", r.out)
		}
	})
	t.Run("a rate that is held", func(t *testing.T) {
		patiently(t, func(factor time.Duration) string {
			r := load(t, t.Context(), s.URL, "-c", "8", "-rate", "20", "-d", (factor * time.Second).String(), "-quiet")
			if wrong := r.unlike(exitOK); wrong != "" {
				return wrong
			}
			offered := int64(20 * factor)
			if r.NotHeld || r.Offered != offered || r.Answered+r.Unsent != offered || r.Unsent > 3 || strings.Contains(r.out, "not held") {
				return fmt.Sprintf("%+v\n%s", r.result, r.out)
			}
			return ""
		})
	})
}

// Ctrl-C ends the run, and what there was is reported.
func TestInterrupt(t *testing.T) {
	for name, args := range map[string][]string{"closed": nil, "open": {"-rate", "500"}, "warming up": {"-warmup", "1h"}} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var once sync.Once
			n := 0
			var mu sync.Mutex
			s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
				w.Write([]byte("ok"))
				mu.Lock()
				defer mu.Unlock()
				if n++; n == 100 {
					once.Do(cancel)
				}
			}, nil)
			r := load(t, ctx, append(args, s.URL, "-d", "1h")...).want(t, exitInterrupted)
			if !r.Interrupted || !strings.Contains(r.out, "interrupted") || r.Answered+r.Warm < 100 || r.Failed != 0 {
				t.Errorf("%+v\n%s", r.result, r.out)
			}
		})
	}
}

// On a terminal the progress overwrites itself, and is gone at the end.
func TestProgressOnTerminal(t *testing.T) {
	s := newSite(t, (&lateServer{delay: 10 * time.Millisecond}).ServeHTTP, nil)
	var out, err strings.Builder
	if code := run(t.Context(), []string{s.URL, "-d", "2500ms", "-check-len", "3"}, console{out: &out, err: &err, live: true}); code != exitFailed {
		t.Fatalf("exit code %d\n%s", code, err.String())
	}
	if text := err.String(); !strings.HasPrefix(text, "\r\x1b[K") || !strings.HasSuffix(text, "\r\x1b[K") || strings.Contains(text, "\n") || !strings.Contains(text, "failed ") {
		t.Errorf("progress is %q", text)
	}
}
