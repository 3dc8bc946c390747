package scene

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"gohttpx.dev/bench/measure"
	"gohttpx.dev/bench/report"
	"gohttpx.dev/bench/server"
	"gohttpx.dev/bench/subject"
)

// Scene is one scenario.
type Scene struct {
	// Name is a word; What says for people what is measured.
	Name, What string
	// Short marks the scenes of the short run.
	Short bool
	// Server is who answers; Size and Tokens are filled in.
	Server server.Config
	// Options are those of all subjects, without the address.
	Options subject.Options
	// Subjects take part, and Few of them in the short run; nil means all that
	// take the options.
	Subjects, Few []string
	// Slice is at least how long a slice is; 0 leaves it to Env.
	Slice time.Duration
	// Once makes a slice one request on a new connection.
	Once bool
	// RTT is the round trip that is emulated, 0 for none.
	RTT time.Duration
	// Measure is the number, beside CPU time, that the scene is about.
	Measure report.Measure
	// Idle asks for the bytes of idle connections instead.
	Idle bool
	// Beside lets each subject take part twice: alone, and with a slow reader
	// beside.
	Beside bool
}

// Env is what all scenes of a run have in common.
type Env struct {
	Rounds int
	Slice  time.Duration
	// Short takes fewer subjects, and fewer idle connections.
	Short bool
	// Only, if not nil, are the subjects that may take part.
	Only []subject.Subject
	// Size of transfers in bytes, IdleConns and Queue are of the scenes about
	// them; 0 means 100 MiB, 10,000 and 10,000.
	Transfer, IdleConns, Queue int
	// Progress, if set, is called after each round.
	Progress func(name string, round, rounds int)
}

// ErrUnavailable is a scene that cannot be run on this machine.
var ErrUnavailable = errors.New("not available here")

// All lists the scenes.
func All() (all []Scene) {
	for _, kind := range [][]Scene{gets(), bodies(), transfers(), connections(), idles(), queues(), slows(), far()} {
		all = append(all, kind...)
	}
	return all
}

// Named returns the scene of that name.
func Named(name string) (Scene, error) {
	for _, s := range All() {
		if s.Name == name {
			return s, nil
		}
	}
	return Scene{}, fmt.Errorf("no scenario is called %q", name)
}

// Run measures the scene. When ctx ends it stops after the slice that runs.
func (s Scene) Run(ctx context.Context, env Env) (report.Scenario, error) {
	s = s.sized(env)
	out := report.Scenario{
		Name: s.Name, What: s.What, Measure: s.Measure,
		Conns: s.Options.Conns, Size: s.Options.Size, TLS: s.Server.TLS, Proto: s.Options.Proto, Server: s.Server.Name,
	}
	if s.Options.Job == subject.Down || s.Options.Job == subject.Up {
		out.Content = max(s.Options.Size, s.Options.Upload)
	}
	subjects, absent, err := s.subjects(env)
	if err != nil {
		return out, err
	}
	out.Absent = absent
	if len(subjects) == 0 {
		return out, fmt.Errorf("%w: none of the subjects can take part", ErrUnavailable)
	}
	if err := s.available(len(subjects)); err != nil {
		return out, err
	}
	s.Server.Delay = s.RTT / 2
	s.Server.Size, s.Server.Tokens = s.Options.Size, subject.Tokens(max(s.Options.Conns, s.Options.Goroutines))
	p, err := server.Spawn(s.Server)
	if err != nil {
		return out, err
	}
	defer p.Stop()
	o := s.Options
	o.Addr = p.Addr
	if s.Server.TLS {
		o.Addr, o.Roots = p.TLSAddr, p.Roots
	}
	if s.Idle {
		out.Conns = o.Conns
		out.Idle, err = s.idle(ctx, env, subjects, o)
		return out, withEnd(err, p)
	}
	entries := measure.Entries(subjects, o)
	if s.Beside {
		entries = beside(subjects, o)
	}
	out.Results, err = measure.Plan{
		Entries: entries, Rounds: env.Rounds, Slice: max(env.Slice, min(s.Slice, 10*env.Slice)), Once: s.Once,
		Progress: func(round int) { env.progress(s.Name, round, env.Rounds) },
	}.Run(ctx)
	return out, withEnd(err, p)
}

// withEnd adds to err that the server has ended, if that is so.
func withEnd(err error, p *server.Process) error {
	if err == nil {
		return nil
	}
	return errors.Join(err, p.Ended(200*time.Millisecond))
}

func (e Env) progress(name string, round, rounds int) {
	if e.Progress != nil {
		e.Progress(name, round, rounds)
	}
}

// sized puts in the sizes that env has.
func (s Scene) sized(env Env) Scene {
	set := func(to *int, from int) {
		if *to > 0 && from > 0 {
			*to = from
		}
	}
	switch {
	case s.Options.Job == subject.Down:
		set(&s.Options.Size, env.Transfer)
	case s.Options.Job == subject.Up:
		set(&s.Options.Upload, env.Transfer)
	case s.Idle:
		n := env.IdleConns
		if n == 0 && env.Short {
			n = shortIdle
		}
		set(&s.Options.Conns, n)
		s.Options.Conns = min(s.Options.Conns, max(openFiles()-spareFiles, 1))
	case s.Options.Goroutines > 0:
		set(&s.Options.Goroutines, env.Queue)
	}
	return s
}

// subjects are those that take part: an unknown name is an error, one that is not
// installed is left out and named.
func (s Scene) subjects(env Env) (some []subject.Subject, absent []string, err error) {
	names := s.Subjects
	if env.Short && s.Few != nil {
		names = s.Few
	}
	all := subject.Speaking(s.Options.Proto)
	if names != nil {
		all = nil
		for _, name := range names {
			one, err := subject.Named(name)
			if err != nil {
				return nil, nil, err
			}
			all = append(all, one)
		}
	}
	for _, one := range all {
		if !one.Takes(s.Options) || !env.wants(one) {
			continue
		}
		if _, err := exec.LookPath(one.Name); one.External && err != nil {
			absent = append(absent, one.Name)
			continue
		}
		some = append(some, one)
	}
	return some, absent, nil
}

func (e Env) wants(s subject.Subject) bool {
	for _, one := range e.Only {
		if one.Name == s.Name {
			return true
		}
	}
	return e.Only == nil
}

// spareFiles is how many open files a process needs beside its connections.
const spareFiles = 200

// available reports what is missing. All subjects stay open throughout.
func (s Scene) available(subjects int) error {
	if name := s.Server.Name; name != "" && name != server.Go {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("%w: %w (make interop-deps)", ErrUnavailable, err)
		}
	}
	conns := s.Options.Conns
	if s.Options.Proto != subject.HTTP1 {
		conns = 1 + conns/100 // streams share
	}
	if !s.Idle {
		conns *= subjects
	}
	if most := max(openFiles()-spareFiles, 0); conns > most {
		return fmt.Errorf("%w: it takes %d connections, and ulimit -n leaves room for %d", ErrUnavailable, conns, most)
	}
	return nil
}
