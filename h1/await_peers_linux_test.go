package h1_test

import (
	"bufio"
	"context"
	stdtls "crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"gohttpx.dev/h1"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/tls"
	"gohttpx.dev/wire"
)

// The wait that begins with the write changes nothing but the time: peers at
// random, each met twice, once by exchanges with such waits and once by exchanges
// with a hook, which have none. What comes of both must be the same.

// step is one exchange: what the peer does before it, how it is asked for, and
// what the peer answers.
type step struct {
	before string // once the exchange before it is over: see peerRun.do
	req    string
	pause  time.Duration // before the answer
	answer []string      // pieces, with a pause between them
	bytes  bool          // the answer goes out byte by byte
	after  string        // once the answer is out
	silent bool          // the read timeout is what ends it
}

// plan is what one peer does.
type plan struct {
	seed    uint64
	version uint16 // of TLS; 0: none
	cut     bool   // bytes of the socket go out one by one, below TLS
	steps   []step
}

// planOf makes a plan out of a seed.
func planOf(seed uint64) plan {
	rng := rand.New(rand.NewPCG(seed, 1))
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	p := plan{seed: seed, version: []uint16{0, 0, stdtls.VersionTLS10, stdtls.VersionTLS12, stdtls.VersionTLS13}[rng.IntN(5)]}
	p.cut = rng.IntN(4) == 0
	for i := range 2 + rng.IntN(3) {
		s := step{req: pick("GET", "GET", "GET", "HEAD", "POST", "upload", "stream", "long", "expect")}
		if i > 0 && rng.IntN(4) == 0 {
			s.before = pick("half-close", "close", "reset", "408", "408 and close", "junk", "part", "alert")
		}
		if rng.IntN(12) == 0 {
			s.pause = 130 * time.Millisecond
		}
		var a strings.Builder
		for range rng.IntN(8) / 5 {
			a.WriteString(pick("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n"))
		}
		content := strings.Repeat("x", rng.IntN(2)*rng.IntN(9000))
		if s.req == "HEAD" {
			content = ""
		}
		status := pick("200 OK", "404 Not Found", "503 Service Unavailable")
		switch rng.IntN(14) {
		case 0, 1, 2, 3:
			fmt.Fprintf(&a, "HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s", status, len(content), content)
		case 4, 5:
			a.WriteString("HTTP/1.1 204 No Content\r\n\r\n")
		case 6, 7, 8:
			fmt.Fprintf(&a, "HTTP/1.1 %s\r\nTransfer-Encoding: chunked\r\n\r\n", status)
			if s.req != "HEAD" {
				if content != "" {
					fmt.Fprintf(&a, "%x\r\n%s\r\n", len(content), content)
				}
				a.WriteString("0\r\nX-Trailer: y\r\n\r\n")
			}
		case 9:
			fmt.Fprintf(&a, "HTTP/1.1 %s\r\nConnection: close\r\n\r\n%s", status, content)
			s.after = pick("half-close", "close", "reset", "alert")
		case 10:
			fmt.Fprintf(&a, "HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s", status, len(content)+1, content)
			s.after = pick("half-close", "close", "reset", "alert")
		case 11:
			a.WriteString("HTTP/1.1 200 OK\r\nContent-Le")
			s.after = pick("half-close", "close", "reset", "alert")
		case 12:
			a.WriteString(pick("\x00\x01junk\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n"))
		case 13: // no answer at all
			if s.after = pick("half-close", "close", "reset", "alert", ""); s.after == "" {
				s.silent = true
			}
		}
		if s.after == "" && !s.silent && rng.IntN(6) == 0 {
			s.after = pick("half-close", "close", "reset", "alert")
		}
		s.answer = []string{a.String()}
		if s.bytes = rng.IntN(5) == 0 && len(content) < 200; !s.bytes && rng.IntN(8) == 0 && a.Len() > 0 {
			at := rng.IntN(a.Len())
			s.answer = []string{a.String()[:at], a.String()[at:]}
		}
		p.steps = append(p.steps, s)
		if s.before == "408" || s.before == "junk" || s.before == "part" {
			break // whether a read finds the answer behind it is a matter of time
		}
	}
	return p
}

// request is the request of a step.
func (s *step) request(traced bool) *wire.Request {
	r := get("/")
	switch s.req {
	case "HEAD":
		r.Method = "HEAD"
	case "POST":
		b := new(memBody)
		b.Reset([]byte("body"))
		r = post(b, 4)
	case "upload":
		r = post(io.NopCloser(strings.NewReader(strings.Repeat("u", 60_000))), 60_000)
	case "stream":
		r = post(io.NopCloser(io.LimitReader(strings.NewReader("stream"), 6)), -1)
	case "long":
		for range 3 {
			r.Fields = append(r.Fields, wire.Field{Name: "X-Long", Value: strings.Repeat("x", 1000)})
		}
	case "expect":
		r = post(bodyOf("body"), 4)
		r.Fields = append(r.Fields, wire.Field{Name: "Expect", Value: "100-continue"})
		r.Timeouts.Continue = 20 * time.Millisecond
	}
	r.Timeouts.Read = wire.Never
	if s.silent {
		r.Timeouts.Read = 250 * time.Millisecond
	}
	if traced {
		r.Trace = new(wire.Trace)
	}
	return r
}

// uploads reports whether a goroutine sends the request's body.
func (s *step) uploads() bool { return s.req == "upload" || s.req == "stream" || s.req == "expect" }

// cutter sends byte by byte.
type cutter struct{ net.Conn }

func (c cutter) Write(p []byte) (n int, err error) {
	for i := range p {
		if k, err := c.Conn.Write(p[i : i+1]); err != nil {
			return n + k, err
		}
	}
	return len(p), nil
}

// peerRun is one peer at work. Its client and it take turns between exchanges.
type peerRun struct {
	plan
	raw  *net.TCPConn // below nc
	nc   net.Conn
	br   *bufio.Reader
	turn chan struct{} // the client is about to make the next exchange
	done chan string   // the peer has done what it does: the last act
	over bool
}

// do does one act, and tells the client of it. After some there is no other.
func (p *peerRun) do(act string) {
	if p.over {
		act = ""
	}
	defer func() {
		p.flushed()
		p.done <- act
	}()
	p.flushed() // no act may take anything from what was sent before
	switch act {
	case "half-close":
		p.raw.CloseWrite()
	case "close":
		p.raw.Close()
	case "reset":
		p.raw.SetLinger(0)
		p.raw.Close()
	case "alert": // close_notify and no more, over TLS
		if tc, ok := p.nc.(*stdtls.Conn); ok {
			tc.CloseWrite()
		} else {
			p.raw.CloseWrite()
		}
	case "408", "408 and close":
		io.WriteString(p.nc, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
		if act != "408" {
			p.flushed()
			p.raw.Close()
		}
	case "junk":
		io.WriteString(p.nc, "junk\r\n\r\n")
	case "part":
		io.WriteString(p.nc, "HTTP/1.1 2")
	case "":
		return
	}
	p.over = act == "close" || act == "408 and close" || act == "reset"
}

// serve is the peer.
func (p *peerRun) serve() {
	for i := range p.steps {
		s := &p.steps[i]
		if _, ok := <-p.turn; !ok {
			return
		}
		p.do(s.before)
		if !p.over {
			if req, err := http.ReadRequest(p.br); err == nil {
				io.Copy(io.Discard, req.Body)
			}
			p.answer(s)
		}
		p.do(s.after)
	}
	<-p.turn
}

// flushed waits until all that was sent is with the client, or the client gone.
func (p *peerRun) flushed() {
	raw, err := p.raw.SyscallConn()
	for n := int32(1); err == nil && n > 0; {
		err = raw.Control(func(fd uintptr) {
			syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCOUTQ, uintptr(unsafe.Pointer(&n)))
		})
		yield()
	}
}

func (p *peerRun) answer(s *step) {
	<-time.After(s.pause)
	for i, piece := range s.answer {
		if i > 0 {
			<-time.After(130 * time.Millisecond)
		}
		if !s.bytes {
			io.WriteString(p.nc, piece)
			continue
		}
		for i := range piece {
			io.WriteString(p.nc, piece[i:i+1])
		}
	}
}

// arrived waits until the end that the peer has made of the connection is here;
// bytes are, when the peer says so.
func arrived(nc *net.TCPConn, act string) error {
	const closed, closeWait = 7, 8 // of the kernel's tcp_states.h
	raw, err := nc.SyscallConn()
	for end := time.Now().Add(30 * time.Second); err == nil && time.Now().Before(end); yield() {
		var state int
		raw.Control(func(fd uintptr) {
			state, err = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_INFO)
			state &= 0xff // of four bytes the first
		})
		switch act {
		case "half-close", "close", "408 and close":
			if state == closeWait || state == closed {
				return nil
			}
		case "reset":
			if state == closed {
				return nil
			}
		default:
			return nil
		}
	}
	return fmt.Errorf("%q did not arrive: %v", act, err)
}

// said is what a *wire.Error says that code may look at.
func said(err error) string {
	var e *wire.Error
	switch {
	case err == nil || err == io.EOF:
		return "none"
	case !errors.As(err, &e):
		return fmt.Sprintf("%T", err)
	}
	return fmt.Sprintf("%v %v remote=%v sent=%v", e.Phase, e.Kind, e.Remote, e.Sent)
}

// meet runs the client's half of a plan, and returns what came of it.
func (p plan) meet(t *testing.T, addr string, roots *tls.Client, runs *sync.Map, traced bool) (out []string) {
	fail := func(err error) []string {
		return append(out, fmt.Sprintf("%v: no such run (traced %v): %v", p.seed, traced, err))
	}
	run := &peerRun{plan: p, turn: make(chan struct{}), done: make(chan string)}
	ln, err := net.Dial("tcp", addr)
	if err != nil {
		return fail(err)
	}
	tcp := ln.(*net.TCPConn)
	runs.Store(tcp.LocalAddr().String(), run)
	io.WriteString(tcp, "!") // the run is there to be found
	nc, cfg := net.Conn(tcp), h1.Config{}
	if p.version != 0 {
		tc, err := roots.Handshake(context.Background(), nc, "localhost")
		if err != nil {
			return fail(err)
		}
		cfg.RawConn, cfg.Probe, cfg.Quiet = nc, tc.Probe, tc.Quiet
		nc = tc
	}
	c := h1.NewConn(nc, cfg)
	defer c.Close()
	defer close(run.turn)
	for i := range p.steps {
		run.turn <- struct{}{}
		if err := arrived(tcp, <-run.done); err != nil {
			return fail(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		var res wire.Response
		err := c.RoundTrip(ctx, p.steps[i].request(traced), &res)
		what := said(err)
		if err == nil {
			content, err := io.ReadAll(res.Body)
			what = fmt.Sprintf("%d, %d bytes, %v", res.Status, len(content), said(err))
		}
		cancel()
		var last string
		if c.State().Phase == wire.ConnOpen {
			last = <-run.done
		} else {
			go func() { <-run.done }() // ends with the peer, whose answer nobody reads
		}
		out = append(out, what)
		if c.State().Phase != wire.ConnOpen {
			return out
		}
		if err := arrived(tcp, last); err != nil {
			return fail(err)
		}
	}
	return out
}

func TestAwaitChangesNothing(t *testing.T) {
	cert, pool := peer.Cert(t, "localhost")
	clients := map[uint16]*tls.Client{}
	for _, v := range []uint16{stdtls.VersionTLS10, stdtls.VersionTLS12, stdtls.VersionTLS13} {
		c, err := tls.NewClient(tls.Options{RootCAs: pool, MinVersion: v, MaxVersion: v})
		if err != nil {
			t.Fatal(err)
		}
		clients[v] = c
	}
	var runs sync.Map
	s := peer.Listen(t, func(nc net.Conn) {
		nc.Read(make([]byte, 1))
		found, _ := runs.LoadAndDelete(nc.RemoteAddr().String())
		p := found.(*peerRun)
		p.raw, p.nc = nc.(*net.TCPConn), nc
		if p.cut {
			p.nc = cutter{nc}
		}
		if p.version != 0 {
			tc := stdtls.Server(p.nc, &stdtls.Config{Certificates: []stdtls.Certificate{cert}, MinVersion: stdtls.VersionTLS10})
			if err := tc.Handshake(); err != nil {
				t.Errorf("server: %v", err)
			}
			p.nc = tc
		}
		p.br = bufio.NewReader(p.nc)
		p.serve()
	})
	first := rand.Uint64() >> 16
	t.Logf("seeds from %d on", first)
	seeds := make(chan uint64)
	var wg sync.WaitGroup
	for range 48 {
		wg.Go(func() {
			for seed := range seeds {
				p := planOf(seed)
				with := p.meet(t, s.Addr, clients[p.version], &runs, false)
				without := p.meet(t, s.Addr, clients[p.version], &runs, true)
				if n := min(len(with), len(without)); n > 0 && (p.steps[n-1].uploads() || p.steps[n-1].after == "alert") {
					// Whether the connection goes on is a matter of time: an upload may
					// outlast its answer, and the alert come with it.
					with, without = with[:n], without[:n]
				}
				if a, b := strings.Join(with, "; "), strings.Join(without, "; "); a != b {
					t.Errorf("seed %d: %.3000q:\n   with waits: %s\nwithout waits: %s", seed, fmt.Sprintf("%+v", p), a, b)
				}
			}
		})
	}
	for i := range uint64(150) {
		seeds <- first + i
	}
	close(seeds)
	wg.Wait()
}
