package main

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"gohttpx.dev/wire"
)

// dialsAtOnce bounds the dials before the start, so that a server's queue of
// connections is not the first thing to be tested.
const dialsAtOnce = 32

// execution is one run.
type execution struct {
	o      *options
	plan   *plan
	pace   *pacer // nil: closed loop
	shards []*shard
	links  []*link

	base    time.Time // what all times count from
	during  span
	until   time.Duration // when sending ends, if nothing ends it before
	stopped atomic.Bool   // no more requests
	cut     atomic.Bool   // those under way are broken off
	left    atomic.Int64  // closed loop with -n: requests to go
	turn    atomic.Uint64 // of the plan's requests
}

func (r *execution) now() time.Duration { return time.Since(r.base) }

// index is the request of the plan to be sent next: they take turns.
func (r *execution) index() int {
	if n := uint64(len(r.plan.requests)); n > 1 {
		return int((r.turn.Add(1) - 1) % n)
	}
	return 0
}

// next waits until a request is to be sent, and returns since when it is due;
// false when there are no more. now is what the worker's clock says.
func (r *execution) next(now time.Duration, w *waiter) (due time.Duration, ok bool) {
	switch {
	case r.pace != nil:
		return r.pace.take(w)
	case r.stopped.Load() || now >= r.until:
		return 0, false
	case r.o.count > 0 && now >= r.during.from && r.left.Add(-1) < 0:
		return 0, false
	}
	return now, true
}

// execute makes the connections and runs the load. An error means that nothing
// was sent.
func execute(ctx context.Context, o *options, p *plan, d *dialer, con console) (*result, error) {
	cutCtx, cutOff := context.WithCancel(context.Background())
	defer cutOff()
	r := &execution{o: o, plan: p, until: math.MaxInt64}
	r.left.Store(o.count)
	if o.duration > 0 {
		r.until = o.warmup + o.duration
	}
	r.during.from, r.during.width = o.warmup, widthFor(o.duration)
	r.during.until.Store(int64(r.until))
	for range min(o.conns*o.streams, 2*runtime.GOMAXPROCS(0)) {
		s := &shard{latency: newHist(histDigits)}
		if o.rate > 0 {
			s.wait = newHist(histDigits)
		}
		r.shards = append(r.shards, s)
	}
	for range o.conns {
		r.links = append(r.links, &link{dialer: d, ctx: cutCtx})
	}
	defer r.closeLinks()
	endDials := context.AfterFunc(ctx, cutOff) // Ctrl-C while connecting
	proto, err := r.connect()
	if err != nil {
		return nil, err
	}
	endDials()
	if err := ctx.Err(); err != nil {
		return nil, err
	}

	r.base = time.Now()
	if o.rate > 0 {
		if r.pace, err = newPacer(r.now, o.rate, r.during.from, r.until, o.count); err != nil {
			return nil, err
		}
		go r.pace.run() // ends with stop, which waits for it
	}
	col := newCollector(r, con)
	go col.run()           // ends with finish, which waits for it
	in, out := r.traffic() // of making the connections
	var workers sync.WaitGroup
	for i := range o.conns * o.streams {
		w := newWorker(r, r.links[i/o.streams], r.shards[i%len(r.shards)])
		workers.Go(w.loop) // ends when next says so, or with the connections
	}
	ended := make(chan struct{})
	go func() { workers.Wait(); close(ended) }()
	res := r.await(ctx, ended, cutOff, in, out)
	col.finish()
	res.proto = proto
	return r.result(res, col), nil
}

// outcome is what await has seen.
type outcome struct {
	proto       wire.Proto
	stopped     time.Duration // when sending ended
	interrupted bool
	unsent      int64
	in, out     int64 // bytes between the beginning of counting and the end of sending
}

// await lets the run take its course, stops it, and waits for what is under way.
// in and out are the bytes up to its start.
func (r *execution) await(ctx context.Context, ended <-chan struct{}, cutOff func(), in, out int64) (res outcome) {
	var counting <-chan time.Time
	if r.during.from > 0 {
		t := time.NewTimer(r.during.from - r.now())
		defer t.Stop()
		counting = t.C
	}
	end := time.NewTimer(min(r.until-r.now(), math.MaxInt64/2))
	defer end.Stop()
	idle := ended
	for going := true; going; {
		select {
		case <-counting:
			in, out = r.traffic()
			continue
		case <-end.C:
		case <-idle:
			if r.pace == nil || r.now() >= r.pace.length() {
				break
			}
			end.Reset(r.pace.length() - r.now())
			idle = nil
			continue
		case <-ctx.Done():
			res.interrupted = true
		}
		going = false
	}
	res.stopped = min(r.now(), r.until)
	r.during.until.Store(int64(res.stopped))
	r.stopped.Store(true)
	res.in, res.out = r.traffic()
	res.in, res.out = res.in-in, res.out-out
	if r.pace != nil {
		res.unsent = r.pace.stop(res.stopped)
	}
	grace := time.NewTimer(r.o.grace)
	defer grace.Stop()
	again := ctx.Done() // a Ctrl-C that has not ended the sending ends the grace
	if res.interrupted {
		again = nil
	}
	select {
	case <-ended:
		return res
	case <-grace.C:
	case <-again:
		res.interrupted = true
	}
	r.cut.Store(true)
	cutOff()
	r.closeLinks()
	<-ended
	return res
}

// connect makes the connections before the clock starts. The first one shows
// whether there is a server, and what it speaks.
func (r *execution) connect() (wire.Proto, error) {
	first, err := r.links[0].dial()
	if err != nil {
		return 0, fmt.Errorf("no connection: %w", err)
	}
	proto := first.State().Proto
	if proto != wire.HTTP2 && r.o.streams > 1 {
		return 0, fmt.Errorf("the server chose HTTP/1.1, and -streams %d is for HTTP/2", r.o.streams)
	}
	if r.o.fresh {
		r.links[0].drop()
		return proto, nil
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, dialsAtOnce)
	for _, l := range r.links[1:] {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if _, err := l.dial(); err != nil && l.ctx.Err() == nil {
				// Its worker will try again; what has failed is counted.
				s := r.shards[0]
				s.mu.Lock()
				defer s.mu.Unlock()
				s.counts.Failed++
				s.counts.fail(kindOf(err), failure{Count: 1, Example: exampleOf(err)})
			}
		})
	}
	wg.Wait()
	return proto, nil
}

func (r *execution) closeLinks() {
	for _, l := range r.links {
		l.drop()
	}
}

// traffic is how many bytes have passed the sockets so far.
func (r *execution) traffic() (in, out int64) {
	for _, l := range r.links {
		in += l.bytes.in.Load()
		out += l.bytes.out.Load()
	}
	return in, out
}
