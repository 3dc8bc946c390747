package main

import (
	"crypto/tls"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"gohttpx.dev/internal/faults"
)

// A class says what lies between the client and a server, and so what may go
// wrong for a request that asks for nothing bad itself.
type class string

const (
	// steady servers are reached directly and close nothing: nothing may fail.
	steady class = "steady"
	// slow is steady behind delays, low rates, drips and odd splits: nothing may
	// fail.
	slow class = "slow"
	// hasty servers close idle connections after an instant, often as the next
	// request is on its way: what may be repeated must not fail.
	hasty class = "hasty"
	// broken is cuts, resets, half-closes, stalls and black holes at any byte:
	// any error of the network or the protocol, but no wrong answer.
	broken class = "broken"
	// corrupt is bytes changed within TLS, where it must be detected: as broken.
	corrupt class = "corrupt"
	// scrambled is bytes changed in cleartext, which nobody can tell from an
	// answer: the answers are not looked at, all else must hold.
	scrambled class = "scrambled"
)

var classes = []class{steady, slow, hasty, broken, corrupt, scrambled}

// protocols of the servers: HTTP/1.1 and HTTP/2, each in cleartext and over TLS.
var protocols = []string{"h1", "h1s", "h2c", "h2"}

// route is a way to a server.
type route struct {
	Class    class
	Protocol string
	URL      string
}

func (r route) String() string { return string(r.Class) + " " + r.Protocol }

// site is all that the servers' process has opened; it goes to the client's
// process as JSON.
type site struct {
	Routes []route
	// CAs are PEM. Proxies are URLs, the last of each kind behind broken.
	CA           []byte
	HTTPProxies  []string
	SOCKSProxies []string
}

// servers are the servers, the injectors and the proxies of the process.
type servers struct {
	origin *origin
	site   site

	cert   tls.Certificate
	all    []*http.Server
	faults []*faults.Injector
	relays []*relay
}

// startServers opens everything on loopback. Faults are drawn from seed.
func startServers(seed uint64) (s *servers, err error) {
	s = &servers{origin: &origin{done: map[string]int{}}}
	if s.cert, s.site.CA, err = newCert(); err != nil {
		return nil, err
	}
	for i, protocol := range protocols {
		// A server of HTTP/2 counts from the first moment on, one of HTTP/1.1
		// from its first answer.
		instant := 40 * time.Millisecond
		if strings.HasPrefix(protocol, "h2") {
			instant = 250 * time.Millisecond
		}
		addrs := map[class]string{}
		for c, o := range map[class]serverOptions{
			steady: {idle: time.Hour},
			hasty:  {idle: instant},
			// Nobody tells a server that what it waits for was swallowed.
			broken: {idle: 2 * time.Second, read: 5 * time.Second, write: 5 * time.Second},
		} {
			if addrs[c], err = s.listen(protocol, o); err != nil {
				return nil, err
			}
		}
		for j, c := range classes {
			to := addrs[c]
			switch c {
			case slow:
				to = addrs[steady]
			case corrupt, scrambled:
				to = addrs[broken]
			}
			secure := protocol == "h1s" || protocol == "h2"
			if c == corrupt && !secure || c == scrambled && secure {
				continue
			}
			if plan := planOf(c); plan != nil {
				if to, err = s.inject(to, plan, seed, uint64(16*i+j)); err != nil {
					return nil, err
				}
			}
			scheme := "http://"
			if secure {
				scheme = "https://"
			}
			s.site.Routes = append(s.site.Routes, route{c, protocol, scheme + to})
		}
	}
	for kind, serve := range map[string]func(net.Conn){"http": serveConnect, "socks5": serveSOCKS} {
		r, err := newRelay(serve)
		if err != nil {
			return nil, err
		}
		s.relays = append(s.relays, r)
		bad, err := s.inject(r.addr(), planOf(broken), seed, uint64(1000+len(kind)))
		if err != nil {
			return nil, err
		}
		urls := []string{kind + "://" + r.addr(), kind + "://" + bad}
		if kind == "http" {
			s.site.HTTPProxies = urls
		} else {
			s.site.SOCKSProxies = urls
		}
	}
	return s, nil
}

type serverOptions struct{ idle, read, write time.Duration }

// listen starts a server and returns its address.
func (s *servers) listen(protocol string, o serverOptions) (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	srv := s.origin.server(o.idle)
	srv.ReadTimeout, srv.WriteTimeout = o.read, o.write
	srv.Protocols = new(http.Protocols)
	switch protocol {
	case "h1", "h1s":
		srv.Protocols.SetHTTP1(true)
	case "h2c":
		srv.Protocols.SetUnencryptedHTTP2(true)
	case "h2":
		srv.Protocols.SetHTTP2(true)
	}
	s.all = append(s.all, srv)
	if protocol == "h1s" || protocol == "h2" {
		srv.TLSConfig = &tls.Config{Certificates: []tls.Certificate{s.cert}}
		go srv.ServeTLS(ln, "", "") // ends with close
	} else {
		go srv.Serve(ln) // ends with close
	}
	return ln.Addr().String(), nil
}

// inject puts plans in front of an address.
func (s *servers) inject(to string, plan func(*rand.Rand) faults.Plan, seed, stream uint64) (string, error) {
	in := faults.New(func(n int) faults.Plan {
		return plan(rand.New(rand.NewPCG(seed+uint64(n)<<16, stream)))
	})
	s.faults = append(s.faults, in)
	return in.Proxy(to)
}

// close ends everything.
func (s *servers) close() {
	for _, srv := range s.all {
		srv.Close()
	}
	for _, in := range s.faults {
		in.Close()
	}
	for _, r := range s.relays {
		r.close()
	}
}

// planOf draws plans for connections of the class; nil is no injector.
func planOf(c class) func(*rand.Rand) faults.Plan {
	switch c {
	case slow:
		return func(rnd *rand.Rand) faults.Plan {
			return faults.Plan{Seed: rnd.Uint64(), Up: manner(rnd), Down: manner(rnd)}
		}
	case broken:
		return func(rnd *rand.Rand) faults.Plan {
			p := faults.Plan{Seed: rnd.Uint64()}
			if rnd.IntN(3) == 0 {
				p.Up, p.Down = manner(rnd), manner(rnd)
			}
			strike(rnd, &p, fault(rnd))
			return p
		}
	case corrupt, scrambled:
		return func(rnd *rand.Rand) faults.Plan {
			p := faults.Plan{Seed: rnd.Uint64()}
			strike(rnd, &p, faults.Fault{At: offset(rnd), Do: faults.Corrupt, Mask: 1 << rnd.IntN(8)})
			return p
		}
	}
	return nil
}

// strike gives the fault to one of the ways, or leaves the connection alone.
func strike(rnd *rand.Rand, p *faults.Plan, f faults.Fault) {
	switch rnd.IntN(3) {
	case 0:
		p.Up.Faults = append(p.Up.Faults, f)
	case 1:
		p.Down.Faults = append(p.Down.Faults, f)
	}
}

func manner(rnd *rand.Rand) (w faults.Way) {
	switch rnd.IntN(6) {
	case 0:
		w.Delay = time.Duration(rnd.IntN(20)) * time.Millisecond
	case 1:
		w.Delay, w.Jitter = time.Millisecond, time.Duration(1+rnd.IntN(10))*time.Millisecond
	case 2:
		w.Drip = true
	case 3:
		w.Rate = 1 << (18 + rnd.IntN(4)) // 256 KiB/s to 2 MiB/s
	case 4:
		w.Split = 1 << (1 + rnd.IntN(10))
	}
	return w
}

func fault(rnd *rand.Rand) faults.Fault {
	f := faults.Fault{At: offset(rnd), Eager: rnd.IntN(2) == 0}
	f.Do = []faults.Action{faults.Cut, faults.Reset, faults.HalfClose, faults.BlackHole, faults.Stall}[rnd.IntN(5)]
	if f.Do == faults.Stall {
		release := make(chan struct{})
		f.Release = release
		time.AfterFunc(time.Duration(1+rnd.IntN(3000))*time.Millisecond, func() { close(release) })
	}
	return f
}

// offset is anywhere, mostly early, where heads and handshakes are.
func offset(rnd *rand.Rand) int64 { return rnd.Int64N(1 << (6 + rnd.IntN(15))) }

func quietLog() *log.Logger { return log.New(io.Discard, "", 0) }

// relay is a proxy: it accepts connections and hands each to serve.
type relay struct {
	ln net.Listener
	wg sync.WaitGroup // the accept loop and all connections

	mu    sync.Mutex
	over  bool                  // guarded by mu
	conns map[net.Conn]struct{} // guarded by mu
}

func newRelay(serve func(net.Conn)) (*relay, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{ln: ln, conns: map[net.Conn]struct{}{}}
	// Ends when close closes the listener, and waits for it.
	r.wg.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			if !r.add(nc) {
				nc.Close()
				return
			}
			// Ends with the connection, which close closes.
			r.wg.Go(func() {
				serve(nc)
				nc.Close()
				r.mu.Lock()
				delete(r.conns, nc)
				r.mu.Unlock()
			})
		}
	})
	return r, nil
}

func (r *relay) add(nc net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns[nc] = struct{}{}
	return !r.over
}

func (r *relay) addr() string { return r.ln.Addr().String() }

func (r *relay) close() {
	r.ln.Close()
	r.mu.Lock()
	r.over = true
	for nc := range r.conns {
		nc.Close()
	}
	r.mu.Unlock()
	r.wg.Wait()
}
