package httpx

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"gohttpx.dev/wire"
)

// Result is one outcome of All or Each: a buffered response or an error.
type Result struct {
	// Request is the one that was given.
	Request *Request
	// Index is its place among those given, from 0.
	Index    int
	Response *Response
	Err      error
}

// FanOption configures All and Each.
type FanOption func(*fan)

type fan struct {
	concurrency int
	failFast    bool
}

// defaultConcurrency is how many requests of All and Each run at once.
const defaultConcurrency = 10

// Concurrency is how many requests of All or Each run at the same time. The
// default is 10; n < 1 is taken for it. The pool's limits hold besides.
func Concurrency(n int) FanOption {
	return func(f *fan) {
		if n > 0 {
			f.concurrency = n
		}
	}
}

// FailFast makes the first error cancel the requests that run and start no more.
// A bad status is no error; see Response.Err.
func FailFast() FanOption { return func(f *fan) { f.failFast = true } }

func newFan(opts []FanOption) fan {
	f := fan{concurrency: defaultConcurrency}
	for _, o := range opts {
		if o != nil {
			o(&f)
		}
	}
	return f
}

// errFailFast is why FailFast cancels what still runs.
var errFailFast = errors.New("another request of the group failed first")

// All sends the requests, several at a time, and returns their results in the
// same order. It returns when all have ended. A request that was not sent,
// because ctx ended or FailFast stopped the rest, has an error that says so. The
// same *Request may be in reqs more than once. A panic in a hook, middleware or
// body cancels the rest and comes out of All when they have ended.
func (c *Client) All(ctx context.Context, reqs []*Request, opts ...FanOption) []Result {
	f := newFan(opts)
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	results := make([]Result, len(reqs))
	var g errgroup.Group
	var panicked atomic.Pointer[any]
	g.SetLimit(f.concurrency)
	for i, r := range reqs {
		g.Go(func() error {
			defer func() {
				if p := recover(); p != nil {
					panicked.CompareAndSwap(nil, &p)
					cancel(errFailFast)
				}
			}()
			results[i] = c.one(ctx, i, r)
			if f.failFast && results[i].Err != nil {
				cancel(errFailFast)
			}
			return nil
		})
	}
	_ = g.Wait() // none returns an error: each result has its own
	if p := panicked.Load(); p != nil {
		panic(*p)
	}
	return results
}

// one is one request of a group.
func (c *Client) one(ctx context.Context, i int, r *Request) Result {
	if ctx.Err() != nil {
		r.abandon()
		return Result{Request: r, Index: i, Err: &Error{Op: "request", Request: r, Err: wire.Canceled(ctx, wire.PhasePool, false)}}
	}
	resp, err := c.Send(ctx, r)
	return Result{Request: r, Index: i, Response: resp, Err: err}
}

// abandon releases the body of a request that is not to be sent.
func (r *Request) abandon() {
	if r != nil {
		r.content.drop()
	}
}

// Each sends the requests of reqs, several at a time, and yields each result when
// it is there. A request is taken from reqs only when it can be started, and no
// more are started than results are taken, so that reqs may be endless. To leave
// the loop cancels what runs and waits for its end. With FailFast the first error
// is the last result. A nil reqs has no requests.
//
// reqs runs on a goroutine of its own. If it blocks, that goroutine stays until
// it yields or returns; a panic in it comes out of the loop, and so does one in a
// hook, middleware or body of a request.
func (c *Client) Each(ctx context.Context, reqs iter.Seq[*Request], opts ...FanOption) iter.Seq[Result] {
	f := newFan(opts)
	if ctx == nil {
		ctx = context.Background()
	}
	return func(yield func(Result) bool) {
		if reqs == nil {
			return
		}
		e := each{client: c, fan: f, results: make(chan Result), panics: make(chan any, 1), gone: make(chan struct{})}
		e.run(ctx, reqs, yield)
	}
}

// each is one loop over Client.Each.
type each struct {
	client  *Client
	fan     fan
	results chan Result
	panics  chan any      // what the first request to panic did so with
	gone    chan struct{} // closed: nobody takes results any more

	mu      sync.Mutex
	stopped bool           // guarded by mu: no request may be started
	running sync.WaitGroup // the requests; added to under mu and before stopped
}

func (e *each) run(parent context.Context, reqs iter.Seq[*Request], yield func(Result) bool) {
	ctx, cancel := context.WithCancel(parent)
	defer func() {
		cancel()
		e.running.Wait()
		select {
		case p := <-e.panics:
			panic(p)
		default:
		}
	}()
	defer close(e.gone)
	defer e.stop()
	exhausted := make(chan any, 1) // reqs has ended, and so have its requests; what it panicked with
	go func() {                    // ends with reqs
		defer func() { exhausted <- recover() }()
		e.start(ctx, reqs)
		e.running.Wait()
	}()
	done := parent.Done()
	var drained chan struct{}
	for {
		select {
		case res := <-e.results:
			if !yield(res) || e.fan.failFast && res.Err != nil {
				return
			}
		case p := <-e.panics:
			panic(p)
		case p := <-exhausted:
			if p != nil {
				panic(p)
			}
			return
		case <-done: // reqs may block for ever; what runs is about to end
			done, drained = nil, make(chan struct{})
			e.stop()
			go func() { e.running.Wait(); close(drained) }()
		case <-drained:
			return
		}
	}
}

// start starts a request whenever fewer than the limit run.
func (e *each) start(ctx context.Context, reqs iter.Seq[*Request]) {
	slots := make(chan struct{}, e.fan.concurrency)
	i := 0
	for r := range reqs {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			r.abandon()
			return
		}
		if !e.add() {
			r.abandon()
			return
		}
		index := i
		i++
		go func() { // ends with its request, which ctx bounds, and when its result is taken
			defer e.running.Done()
			defer func() {
				if p := recover(); p != nil {
					select {
					case e.panics <- p:
					default: // one is enough
					}
				}
				<-slots
			}()
			res := e.client.one(ctx, index, r)
			select {
			case e.results <- res:
			case <-e.gone:
			}
		}()
	}
}

func (e *each) add() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped {
		return false
	}
	e.running.Add(1)
	return true
}

func (e *each) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopped = true
}
