package subject

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"gohttpx.dev/bench/server"
)

// serveBoth starts the servers of both versions in cleartext.
func serveBoth(t *testing.T) map[Proto]string {
	h1, h2 := listen(t), listen(t)
	go server.Serve(h1)
	go server.ServeHTTP2(h2)
	return map[Proto]string{HTTP1: h1.Addr().String(), HTTP2Cleartext: h2.Addr().String()}
}

// jobs are the forms in which something can be asked for.
var jobs = []struct {
	name  string
	o     Options
	takes string // who takes it over HTTP/1.1, and over HTTP/2
}{
	{"post", Options{Job: Post, Size: 1024, Upload: 1024}, "nethttp nethttp-timeout fasthttp resty engine pool httpx-prepared httpx | nethttp nethttp-timeout xnet engine pool httpx-prepared httpx"},
	{"down", Options{Job: Down, Size: 1 << 20, SmallFirst: true}, "nethttp nethttp-timeout fasthttp engine pool httpx | nethttp nethttp-timeout xnet engine pool httpx"},
	{"up", Options{Job: Up, Size: server.TokenLen, Upload: 1 << 20, SmallFirst: true}, "nethttp nethttp-timeout fasthttp engine pool httpx | nethttp nethttp-timeout xnet engine pool httpx"},
	{"gzip", Options{Kind: server.KindGzip, Size: 16 << 10}, "nethttp nethttp-timeout fasthttp resty httpx-prepared httpx | nethttp nethttp-timeout xnet httpx-prepared httpx"},
	{"br", Options{Kind: server.KindBrotli, Size: 16 << 10}, "fasthttp httpx-prepared httpx | httpx-prepared httpx"},
	{"zstd", Options{Kind: server.KindZstd, Size: 16 << 10}, "fasthttp httpx-prepared httpx | httpx-prepared httpx"},
	{"fields", Options{Kind: server.KindFields, Size: 1024}, "nethttp nethttp-timeout fasthttp resty engine pool httpx-prepared httpx | nethttp nethttp-timeout xnet engine pool httpx-prepared httpx"},
	{"fresh", Options{Size: 1024, Fresh: true}, "nethttp nethttp-timeout fasthttp resty httpx-prepared httpx | nethttp nethttp-timeout httpx-prepared httpx"},
	{"queue", Options{Size: 1024, Goroutines: 12}, "nethttp nethttp-timeout fasthttp resty pool httpx-prepared httpx | nethttp nethttp-timeout xnet pool httpx-prepared httpx"},
}

func TestJobs(t *testing.T) {
	for proto, addr := range serveBoth(t) {
		for _, j := range jobs {
			o := j.o
			o.Proto, o.Addr, o.Conns = proto, addr, 3
			h1, h2, _ := strings.Cut(j.takes, " | ")
			if proto == HTTP1 {
				h2 = h1
			}
			var takers []string
			for _, s := range Speaking(proto) {
				if s.Takes(o) {
					takers = append(takers, s.Name)
					t.Run(fmt.Sprintf("%s/%s/%s", proto, j.name, s.Name), func(t *testing.T) { exchange(t, s, o) })
				}
			}
			if got := strings.Join(takers, " "); got != h2 {
				t.Errorf("%s, %s is taken by\n%s, expected\n%s", proto, j.name, got, h2)
			}
		}
	}
}

// exchange lets every goroutine make a few.
func exchange(t *testing.T, s Subject, o Options) {
	c, err := s.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var all sync.WaitGroup
	for i := range max(o.Conns, o.Goroutines) {
		exchange, err := c.Worker(i)
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			for range 10 {
				if err := exchange(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// A gate lets nobody through before all have come, each on a connection of its own.
func TestAllAtOnce(t *testing.T) {
	addr := serveBoth(t)[HTTP1]
	o := Options{Addr: addr, Conns: 20, Size: 64, Kind: server.KindAll}
	for _, s := range Speaking(HTTP1) {
		if s.Takes(o) {
			t.Run(s.Name, func(t *testing.T) { exchange(t, s, o) })
		}
	}
}

func TestSlowReader(t *testing.T) {
	addr := serveBoth(t)[HTTP2Cleartext]
	o := Options{Proto: HTTP2Cleartext, Addr: addr, Conns: 4, Size: 64 << 10, SlowReader: true}
	takers := 0
	for _, s := range Speaking(HTTP2Cleartext) {
		if !s.Takes(o) {
			continue
		}
		takers++
		t.Run(s.Name, func(t *testing.T) {
			c, err := s.Open(o)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			slow, err := c.Worker(0)
			if err != nil {
				t.Fatal(err)
			}
			fast, err := c.Worker(1)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			for range 3 {
				if err := slow(); !errors.Is(err, ErrUncounted) {
					t.Fatal(err)
				}
				if err := fast(); err != nil {
					t.Fatal(err)
				}
			}
			if d := time.Since(start); d < 3*slowPause {
				t.Errorf("three pieces took %v, which is not slow", d)
			}
		})
	}
	if takers != 4 {
		t.Errorf("%d take part, expected nethttp twice, xnet and httpx", takers)
	}
}

// What is wrong in an answer with many fields, or to a transfer, is seen too.
func TestWrongTransfers(t *testing.T) {
	x := call{token: strings.Repeat("t", server.TokenLen), size: 20}
	for _, tt := range []struct {
		name, body string
		status     int
	}{
		{"another status", x.token + "1234", 201},
		{"another token", strings.Repeat("u", 20), 200},
		{"cut short", x.token + "123", 200},
		{"too long", x.token + "12345", 200},
		{"nothing", "", 200},
	} {
		if err := x.drain(tt.status, strings.NewReader(tt.body), make([]byte, pieceSize)); err == nil {
			t.Errorf("%s is taken for right", tt.name)
		}
	}
	if err := x.drain(200, strings.NewReader(x.token+"1234"), make([]byte, pieceSize)); err != nil {
		t.Error(err)
	}
	if err := x.drain(200, iotest.OneByteReader(strings.NewReader(x.token+"1234")), make([]byte, pieceSize)); err != nil {
		t.Error(err)
	}
	if err := x.drain(200, iotest.DataErrReader(strings.NewReader(x.token+"1234")), make([]byte, pieceSize)); err != nil {
		t.Error(err)
	}
	c := newCalls(Options{Kind: server.KindFields, Size: 16}, 0)
	if c.checkField(c.tokens[1]) == nil {
		t.Error("the field of another answer is taken for right")
	}
}

func TestCheckH2load(t *testing.T) {
	const right = "requests: 5 total\nstatus codes: 5 2xx, 0 3xx, 0 4xx, 0 5xx\ntraffic: 5.1KB (5222) total, 70B (70) headers (space savings 90%), 5.00KB (5120) data\n"
	if err := checkH2load([]byte(right), 5, 1024); err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{"", strings.Replace(right, "5 2xx", "4 2xx", 1), strings.Replace(right, "0 4xx", "1 4xx", 1), strings.Replace(right, "5120", "5119", 1)} {
		if checkH2load([]byte(wrong), 5, 1024) == nil {
			t.Errorf("%q is taken for right", wrong)
		}
	}
}
