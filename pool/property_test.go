package pool_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/pool"
	"gohttpx.dev/wire"
)

var (
	seedFlag  = flag.Uint64("pool.seed", 0, "run only the schedule of this seed, and print it")
	countFlag = flag.Int("pool.schedules", 10000, "how many random schedules to run")
)

var errRefused = errors.New("refused")

// TestRandomSchedules plays random events against a pool, one at a time, and
// after each looks whether every rule holds: never above a limit, oldest first,
// no wake-up lost, nothing forgotten. At the end everyone who waits must be
// served, and nothing may be left: no connection, dial, waiter or timer, and no
// goroutine, which the bubble itself insists on.
func TestRandomSchedules(t *testing.T) {
	if *seedFlag != 0 {
		runSchedule(t, *seedFlag, t.Logf)
		return
	}
	const shards = 4
	for s := range shards {
		t.Run(fmt.Sprint(s), func(t *testing.T) {
			t.Parallel()
			for i := range *countFlag / shards {
				seed := uint64(i*shards + s + 1)
				runSchedule(t, seed, nil)
				if t.Failed() {
					t.Fatalf("run again: go test ./pool -run TestRandomSchedules -pool.seed %d", seed)
				}
			}
		})
	}
}

func runSchedule(t *testing.T, seed uint64, logf func(string, ...any)) {
	synctest.Test(t, func(t *testing.T) {
		s := newSchedule(seed, logf)
		defer func() {
			if s.err != "" {
				t.Errorf("seed %d: %s\nsteps:\n  %s", seed, s.err, strings.Join(s.log, "\n  "))
			}
		}()
		s.run()
	})
}

// schedule is one game.
type schedule struct {
	r    *rand.Rand
	p    *pool.Pool
	f    *fakeNet
	cfg  pool.Config
	keys []pool.Key
	h2   map[pool.Key]int // slots of a connection
	log  []string
	logf func(string, ...any)
	err  string

	live    []*player // not granted yet, oldest first
	holding []*player // granted: the body is open
	mu      sync.Mutex
	gates   []*gate
}

// player is a request with what we know of it.
type player struct {
	*call
	id       int
	key      pool.Key
	canceled bool
}

// gate is a dial that waits for our word.
type gate struct {
	k    pool.Key
	ctx  context.Context
	word chan error
}

func newSchedule(seed uint64, logf func(string, ...any)) *schedule {
	s := &schedule{r: rand.New(rand.NewPCG(seed, 1)), f: &fakeNet{}, h2: map[pool.Key]int{}, logf: logf}
	r := s.r
	for i := range 1 + r.IntN(4) {
		k := key(string(rune('a' + i)))
		s.keys = append(s.keys, k)
		s.h2[k] = 1
		if r.IntN(4) == 0 {
			s.h2[k] = 2 + r.IntN(3)
		}
	}
	s.cfg = pool.Config{
		Dial:                    s.f.dial,
		MaxConnections:          1 + r.IntN(4),
		MaxConnectionsPerHost:   r.IntN(3),
		MaxKeepaliveConnections: 1 + r.IntN(3),
		MaxKeepalivePerHost:     r.IntN(3),
		KeepNone:                r.IntN(10) == 0,
		KeepaliveExpiry:         time.Duration(r.IntN(3)-1) * 100 * time.Millisecond,
		MaxConnectionAge:        time.Duration(r.IntN(2)) * 300 * time.Millisecond,
	}
	if r.IntN(2) == 0 {
		s.cfg.Probes = func(pool.Key) bool { return true }
	}
	s.f.limit = func(k pool.Key) int { return s.h2[k] }
	s.f.before = s.dial
	s.p = pool.New(s.cfg)
	s.note("MaxConnections %d PerHost %d MaxKeepaliveConnections %d/%d none %v KeepaliveExpiry %v MaxConnectionAge %v probes %v slots %v", s.cfg.MaxConnections,
		s.cfg.MaxConnectionsPerHost, s.cfg.MaxKeepaliveConnections, s.cfg.MaxKeepalivePerHost, s.cfg.KeepNone, s.cfg.KeepaliveExpiry, s.cfg.MaxConnectionAge, s.cfg.Probes != nil, s.h2)
	return s
}

func (s *schedule) note(format string, args ...any) {
	if s.logf != nil {
		s.logf(format, args...)
	}
	s.log = append(s.log, fmt.Sprintf(format, args...))
}

func (s *schedule) fail(format string, args ...any) {
	if s.err == "" {
		s.err = fmt.Sprintf(format, args...)
	}
}

func (s *schedule) dial(ctx context.Context, k pool.Key, _ int) error {
	g := &gate{k, ctx, make(chan error, 1)}
	s.mu.Lock()
	s.gates = append(s.gates, g)
	s.mu.Unlock()
	select {
	case err := <-g.word:
		return err
	case <-ctx.Done():
		s.mu.Lock()
		s.gates = slices.DeleteFunc(s.gates, func(x *gate) bool { return x == g })
		s.mu.Unlock()
		return ctx.Err()
	}
}

func (s *schedule) gate(i int) (g *gate, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n = len(s.gates); n > 0 {
		g = s.gates[i%n]
		s.gates = slices.Delete(s.gates, i%n, i%n+1)
	}
	return g, n
}

func (s *schedule) dialsFor(k pool.Key) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.gates {
		if g.k == k {
			n++
		}
	}
	return n
}

func (s *schedule) run() {
	defer func() {
		for _, pl := range append(s.live, s.holding...) {
			pl.stop()
		}
		s.p.Close()
	}()
	synctest.Wait()
	players := 0
	for range 12 + s.r.IntN(16) {
		s.step(&players)
		if s.settle(); s.err != "" {
			return
		}
	}
	s.finish()
}

// step makes one thing happen.
func (s *schedule) step(players *int) {
	r := s.r
	switch n := r.IntN(100); {
	case n < 38:
		*players++
		k := s.keys[r.IntN(len(s.keys))]
		t := wire.Timeouts{Pool: wire.Never, Connect: wire.Never}
		if r.IntN(4) == 0 {
			t.Pool = time.Duration(1+r.IntN(200)) * time.Millisecond
		}
		if r.IntN(4) == 0 {
			t.Connect = time.Duration(1+r.IntN(200)) * time.Millisecond
		}
		s.note("%d asks for %s (pool %v, connect %v)", *players, k.Addr, t.Pool, t.Connect)
		s.live = append(s.live, &player{call: start(s.p, k, t), id: *players, key: k})
	case n < 46 && len(s.live) > 0:
		pl := s.live[r.IntN(len(s.live))]
		s.note("%d is cancelled", pl.id)
		pl.canceled = true
		pl.stop()
	case n < 66 && len(s.holding) > 0:
		i := r.IntN(len(s.holding))
		pl := s.holding[i]
		s.note("%d ends", pl.id)
		s.holding = slices.Delete(s.holding, i, i+1)
		pl.end()
	case n < 84:
		if g, _ := s.gate(r.IntN(8)); g != nil {
			var err error
			if r.IntN(3) == 0 {
				err = errRefused
			}
			s.note("a dial to %s ends: %v", g.k.Addr, err)
			g.word <- err
		}
	case n < 93:
		if c := s.someConn(); c != nil {
			switch k := r.IntN(5); {
			case k == 0:
				s.note("server closes connection %d", c.id)
				c.end()
			case k == 1:
				s.note("connection %d dies unseen", c.id)
				c.mu.Lock()
				c.sick = true
				c.mu.Unlock()
			case k == 2:
				s.note("connection %d will disconnect", c.id)
				c.mu.Lock()
				c.serve = func(context.Context, *wire.Request) error {
					return &wire.Error{Phase: wire.PhaseHead, Kind: wire.KindDisconnected, Remote: true, Sent: true, Err: errRefused}
				}
				c.mu.Unlock()
			case k == 3:
				s.note("connection %d drains", c.id)
				c.Drain()
			case s.h2[c.key] > 1:
				n := r.IntN(5)
				s.note("connection %d permits %d", c.id, n)
				c.setLimit(n)
			}
		}
	case n < 96:
		d := time.Duration(r.IntN(250)) * time.Millisecond
		s.note("%v pass", d)
		time.Sleep(d) // the bubble's clock
	case n < 97:
		s.note("CloseIdle")
		s.p.CloseIdle()
	}
}

func (s *schedule) someConn() *fakeConn {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	var cs []*fakeConn
	for _, c := range s.f.conns {
		if c.State().Phase != wire.ConnClosed {
			cs = append(cs, c)
		}
	}
	if len(cs) == 0 {
		return nil
	}
	return cs[s.r.IntN(len(cs))]
}

// settle waits until nothing runs and looks at every rule.
func (s *schedule) settle() {
	synctest.Wait()
	if err := s.p.Check(); err != nil {
		s.fail("books: %v", err)
		return
	}

	// Who was granted or failed by the last event?
	var waiting, granted []*player
	for _, pl := range s.live {
		switch {
		case !pl.over():
			waiting = append(waiting, pl)
		case pl.err == nil:
			granted = append(granted, pl)
			s.note("  %d got connection %d", pl.id, connOf(s.f, &pl.res).id)
		default:
			s.note("  %d failed: %v", pl.id, pl.err)
			s.judge(pl)
		}
	}
	s.live = waiting
	s.holding = append(s.holding, granted...)

	open, dials, _ := s.f.now()
	st := s.p.Stats()
	switch {
	case s.f.most > s.cfg.MaxConnections:
		s.fail("%d connections and dials, MaxConnections %d", s.f.most, s.cfg.MaxConnections)
	case st.Idle > s.cfg.MaxKeepaliveConnections:
		s.fail("%d idle, MaxKeepaliveConnections %d", st.Idle, s.cfg.MaxKeepaliveConnections)
	case st.Idle > 0 && s.cfg.KeepNone:
		s.fail("%d idle in spite of KeepNone", st.Idle)
	case st.Waiting != len(waiting) || st.Open != open || st.Dialing != dials:
		s.fail("Stats: waiting %d open %d dialing %d, in truth %d %d %d", st.Waiting, st.Open, st.Dialing, len(waiting), open, dials)
	}
	for _, o := range st.Origins {
		if s.cfg.MaxConnectionsPerHost > 0 && o.Open+o.Dialing > s.cfg.MaxConnectionsPerHost {
			s.fail("%s: %d open, %d dialing", o.Key.Addr, o.Open, o.Dialing)
		}
		if s.cfg.MaxKeepalivePerHost > 0 && o.Idle > s.cfg.MaxKeepalivePerHost {
			s.fail("%s: %d idle", o.Key.Addr, o.Idle)
		}
	}

	// Oldest first within an origin.
	for _, g := range granted {
		for _, w := range waiting {
			if w.key == g.key && w.id < g.id {
				s.fail("%d was served before %d", g.id, w.id)
			}
		}
	}
	s.wakeups(waiting)
	s.global(waiting, granted)
}

// wakeups fails if somebody waits for what is there.
func (s *schedule) wakeups(waiting []*player) {
	draining, free, idle := false, map[pool.Key]int{}, 0
	mute := map[pool.Key]bool{}
	for _, c := range s.p.Conns() {
		free[c.Key] += c.State.Free()
		draining = draining || c.State.Phase == wire.ConnDraining
		if c.State.Phase == wire.ConnOpen {
			if c.State.InFlight == 0 {
				idle++
			}
			mute[c.Key] = mute[c.Key] || c.State.Limit == 0 && c.State.InFlight == 0
		}
	}
	open, dials, _ := s.f.now()
	for _, w := range waiting {
		host := 0
		for _, o := range s.p.Stats().Origins {
			if o.Key == w.key {
				host = o.Open + o.Dialing
			}
		}
		hostRoom := s.cfg.MaxConnectionsPerHost == 0 || host < s.cfg.MaxConnectionsPerHost
		switch {
		case free[w.key] > 0:
			s.fail("%d waits while %s has %d free slots", w.id, w.key.Addr, free[w.key])
		case s.dialsFor(w.key) > 0 || mute[w.key] || !hostRoom:
		case open+dials < s.cfg.MaxConnections:
			s.fail("%d waits, nobody dials, and there is room", w.id)
		case idle > 0:
			s.fail("%d waits, nobody dials, and %d connections are idle", w.id, idle)
		}
	}
}

// global fails if a used connection went to somebody while an older request for
// another origin, for whom nothing was on its way, waits on.
func (s *schedule) global(waiting, granted []*player) {
	for _, c := range s.p.Conns() {
		if c.State.Phase == wire.ConnDraining {
			return // on its way
		}
	}
	for _, g := range granted {
		c := connOf(s.f, &g.res)
		if c.served < 2 || c.State().Limit > 1 {
			continue
		}
		for _, w := range waiting {
			host, mute := 0, false
			for _, c := range s.p.Conns() {
				if c.Key == w.key {
					host++
					mute = mute || c.State.Limit == 0 && c.State.InFlight == 0
				}
			}
			full := s.cfg.MaxConnectionsPerHost > 0 && host >= s.cfg.MaxConnectionsPerHost
			if w.id < g.id && w.key != g.key && s.dialsFor(w.key) == 0 && !full && !mute {
				s.fail("%d got a used connection while %d, older, waits for another origin", g.id, w.id)
			}
		}
	}
}

// judge fails if a request ended in an error that nothing justifies.
func (s *schedule) judge(pl *player) {
	var e *wire.Error
	t := pl.req.Timeouts
	switch {
	case !errors.As(pl.err, &e):
		s.fail("%d: no *wire.Error: %v", pl.id, pl.err)
	case pl.canceled && errors.Is(pl.err, context.Canceled):
	case errors.Is(pl.err, wire.ErrPoolTimeout) && t.Pool > 0:
	case errors.Is(pl.err, wire.ErrConnectTimeout) && t.Connect > 0:
	case errors.Is(pl.err, errRefused) && (e.Kind == wire.KindNetwork || e.Kind == wire.KindDisconnected):
	default:
		s.fail("%d ended in %v, which nothing explains", pl.id, pl.err)
	}
}

// finish lets everything succeed: whoever waits must be served, in a number of
// rounds that shrinks the queue, and then nothing may be left.
func (s *schedule) finish() {
	s.note("from here everything succeeds")
	s.f.mu.Lock()
	for k := range s.h2 {
		s.h2[k] = max(1, s.h2[k])
	}
	conns := slices.Clone(s.f.conns)
	s.f.mu.Unlock()
	for _, c := range conns {
		if c.State().Limit == 0 {
			c.setLimit(1)
		}
		c.mu.Lock()
		c.serve, c.sick = nil, false
		c.mu.Unlock()
	}
	for range 200 {
		s.settle()
		if s.err != "" || len(s.live)+len(s.holding) == 0 {
			break
		}
		for g, n := s.gate(0); n > 0; g, n = s.gate(0) {
			g.word <- nil
		}
		synctest.Wait()
		for _, pl := range s.holding {
			pl.end()
			synctest.Wait()
		}
		s.holding = nil
	}
	if s.err == "" && len(s.live)+len(s.holding) > 0 {
		s.fail("%d requests starve", len(s.live))
	}
	if s.err != "" {
		return
	}
	if s.r.IntN(2) == 0 {
		s.p.Close()
	} else {
		ctx, stop := context.WithTimeout(context.Background(), time.Minute)
		for g, n := s.gate(0); n > 0; g, n = s.gate(0) {
			g.word <- nil
		}
		if err := s.p.Shutdown(ctx); err != nil {
			s.fail("Shutdown: %v", err)
		}
		stop()
	}
	synctest.Wait()
	st := s.p.Stats()
	open, dials, _ := s.f.now()
	if open+dials+st.Open+st.Dialing+st.Waiting != 0 || s.p.Armed() {
		s.fail("left over: %d connections, %d dials, timer %v; Stats %+v", open, dials, s.p.Armed(), st.Counts)
	}
	if err := s.p.Check(); err != nil {
		s.fail("books at the end: %v", err)
	}
}
