package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/tls"
)

const (
	// hangAfter is when an operation hangs. The longest timeout of any is a
	// minute.
	hangAfter = 3 * time.Minute
	// Every so often all workers are at rest, so that connections idle, expire
	// and are closed by the server.
	lullEvery, lullFor = 15 * time.Second, 2500 * time.Millisecond
	// maxComplaints is how many broken promises are spelled out.
	maxComplaints = 20
)

// load is a run: the client, what it is to do, and what came of it.
type load struct {
	// immutable after newLoad
	config config
	site   *site
	client *httpx.Client
	out    io.Writer

	requests atomic.Int64
	counts   map[class]map[outcome]*atomic.Int64 // the maps are immutable
	spent    map[class]*atomic.Int64             // ns; the map is immutable
	slots    atomic.Int64                        // of clients that were closed, and kept some
	running  []atomic.Pointer[task]              // by worker

	mu         sync.Mutex
	complaints int // guarded by mu, as is out
}

// task is what a worker does.
type task struct {
	since time.Time
	what  string
}

func newLoad(c config, s *site, out io.Writer) (*load, error) {
	l := &load{config: c, site: s, out: out, counts: map[class]map[outcome]*atomic.Int64{}, spent: map[class]*atomic.Int64{}, running: make([]atomic.Pointer[task], c.concurrency)}
	for _, class := range classes {
		l.spent[class] = new(atomic.Int64)
		l.counts[class] = map[outcome]*atomic.Int64{}
		for _, o := range outcomes {
			l.counts[class][o] = new(atomic.Int64)
		}
	}
	var err error
	l.client, err = l.newClient(48)
	return l, err
}

func (l *load) newClient(connections int) (*httpx.Client, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(l.site.CA) {
		return nil, errors.New("the servers' certificate is not PEM")
	}
	return httpx.New(
		httpx.WithTrustEnv(false),
		httpx.WithTLS(tls.Options{RootCAs: roots}),
		// Long, so that a busy machine does not look like a fault.
		httpx.WithTimeout(time.Minute),
		httpx.WithLimits(httpx.Limits{MaxConnections: connections, MaxKeepaliveConnections: connections / 2, KeepaliveExpiry: time.Second}),
	)
}

// run keeps the workers busy until the context ends, and returns when all that
// they have begun is over.
func (l *load) run(ctx context.Context) {
	began := time.Now()
	limit := newPacer(l.config.rate)
	var wg sync.WaitGroup
	for w := range l.config.concurrency {
		// Ends after the operation in which the context ends; waited for below.
		wg.Go(func() {
			for n := uint64(0); ctx.Err() == nil; n++ {
				if rest := time.Since(began) % lullEvery; rest > lullEvery-lullFor {
					pause(ctx, lullEvery-rest)
				}
				if !limit.wait(ctx) {
					return
				}
				l.step(w, n)
			}
		})
	}
	wg.Wait()
}

// step is what worker w does in its n-th round, the same for the same seed.
func (l *load) step(w int, n uint64) {
	rnd := rand.New(rand.NewPCG(l.config.seed, uint64(w)<<40|n))
	id := fmt.Sprintf("%d.%d.%d", w, n, rnd.Uint32())
	defer l.running[w].Store(nil)
	begin := func(what string) { l.running[w].Store(&task{time.Now(), id + " " + what}) }
	switch rnd.IntN(400) {
	case 0:
		begin("a client's life")
		l.life(rnd, id)
	case 1, 2, 3, 4:
		begin("fan-out")
		l.fanOut(rnd, id)
	case 5:
		l.client.CloseIdle()
	case 6:
		_ = l.client.Stats()
		_ = l.client.Conns()
	case 7, 8:
		begin("idle")
		pause(context.Background(), time.Duration(rnd.IntN(300))*time.Millisecond)
	default:
		o := draw(rnd, id, l.client, l.site, false)
		begin(o.String())
		l.one(o)
	}
}

func (l *load) one(o *operation) {
	l.requests.Add(1)
	began := time.Now()
	result, err := o.run(context.Background())
	l.spent[o.class].Add(int64(time.Since(began)))
	l.note(o, result, err)
}

// note counts an outcome and complains about a broken promise.
func (l *load) note(o *operation, result outcome, err error) {
	l.counts[o.class][result].Add(1)
	if result == bad || result == unexpected {
		l.complain("%s: %v\n  %v", result, err, o)
	}
}

func (l *load) complain(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.complaints++; l.complaints <= maxComplaints {
		fmt.Fprintf(l.out, format+"\n", args...)
	}
}

// life is a client of its own, which is closed, or shut down, in the midst of
// its requests.
func (l *load) life(rnd *rand.Rand, id string) {
	client, err := l.newClient(4)
	if err != nil {
		l.complain("a new client: %v", err)
		return
	}
	var wg sync.WaitGroup
	for i := range 8 {
		o := draw(rand.New(rand.NewPCG(rnd.Uint64(), 0)), fmt.Sprint(id, ".", i), client, l.site, true)
		wg.Go(func() { l.one(o) })
	}
	pause(context.Background(), time.Duration(rnd.IntN(100))*time.Millisecond)
	if rnd.IntN(2) == 0 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rnd.IntN(1000))*time.Millisecond)
		client.Shutdown(ctx)
		cancel()
	}
	client.Close()
	wg.Wait()
	if s := settled(client, func(s httpx.Stats) bool { return s.Open == 0 && s.Dialing == 0 }); s.Open != 0 || s.Streams != 0 || s.Waiting != 0 || s.Dialing != 0 {
		l.slots.Add(1)
		l.complain("a closed client still has %+v (life %s)", s.Counts, id)
	}
}

// fanOut sends some requests with All or Each, and perhaps leaves them.
func (l *load) fanOut(rnd *rand.Rand, id string) {
	var ops []*operation
	var reqs []*httpx.Request
	for i := range 6 {
		o := draw(rand.New(rand.NewPCG(rnd.Uint64(), 1)), fmt.Sprint(id, ".", i), l.client, l.site, false)
		o.mode, o.deadline, o.after = buffered, false, 0
		o.stage = ""
		r, err := l.client.NewRequest(o.method, o.route.URL+"/", o.opts...)
		if err != nil {
			l.complain("UNEXPECTED ERROR: %v", err)
			continue
		}
		ops, reqs = append(ops, o), append(reqs, r)
	}
	seen := make([]bool, len(ops))
	settle := func(res httpx.Result) {
		o := ops[res.Index]
		seen[res.Index] = true
		l.requests.Add(1)
		err := res.Err
		if err == nil {
			err = o.check(res.Response, res.Response.Bytes())
		}
		if err == nil {
			l.note(o, answered, nil)
		} else {
			l.note(o, o.outcomeOf(err), err)
		}
	}
	switch rnd.IntN(3) {
	case 0:
		for _, o := range ops { // those that are not begun, or are cancelled
			o.canceled.Store(true)
		}
		for _, res := range l.client.All(context.Background(), reqs, httpx.Concurrency(3), httpx.FailFast()) {
			settle(res)
		}
	case 1:
		for res := range l.client.Each(context.Background(), slices.Values(reqs), httpx.Concurrency(3)) {
			settle(res)
			if rnd.IntN(6) == 0 {
				break
			}
		}
	default:
		for _, res := range l.client.All(context.Background(), reqs) {
			settle(res)
		}
		if slices.Contains(seen, false) {
			l.complain("WRONG ANSWER: All has left a request out: %v", seen)
			l.counts[steady][bad].Add(1)
		}
	}
	for _, o := range ops {
		o.body.release()
	}
}

// final sends one plain request along every route that promises to work: no slot
// was lost on the way.
func (l *load) final() {
	for _, r := range l.site.Routes {
		if r.Class != steady && r.Class != slow {
			continue
		}
		o := &operation{rnd: rand.New(rand.NewPCG(0, 0)), id: "final", route: r, class: r.Class, client: l.client, method: "GET", size: 5000, mode: buffered, cancel: func() {}}
		o.options()
		l.one(o)
	}
}

// hung returns what a worker has been at for too long.
func (l *load) hung() string {
	for i := range l.running {
		if t := l.running[i].Load(); t != nil && time.Since(t.since) > hangAfter {
			return t.what
		}
	}
	return ""
}

// settled waits until the pool is as wanted, ten seconds at most.
func settled(c *httpx.Client, want func(httpx.Stats) bool) httpx.Stats {
	for end := time.Now().Add(10 * time.Second); ; pause(context.Background(), time.Millisecond) {
		if s := c.Stats(); want(s) || time.Now().After(end) {
			return s
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// pacer lets so many go per second; none is no bound.
type pacer struct {
	tick *time.Ticker
}

func newPacer(perSecond int) pacer {
	if perSecond <= 0 {
		return pacer{}
	}
	return pacer{time.NewTicker(time.Second / time.Duration(perSecond))}
}

func (p pacer) wait(ctx context.Context) bool {
	if p.tick == nil {
		return true
	}
	select {
	case <-p.tick.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func stacks() string {
	buf := make([]byte, 16<<20)
	return string(buf[:runtime.Stack(buf, true)])
}
