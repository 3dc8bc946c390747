package scene

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"gohttpx.dev/bench/report"
	"gohttpx.dev/bench/server"
	"gohttpx.dev/bench/subject"
)

// The test binary is its own server, as the command is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == server.ChildArg {
		if err := server.Child(); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// Every scene runs, small: all subjects that it names get right answers. Those at
// 4096 goroutines differ from others in their number only.
func TestScenes(t *testing.T) {
	env := Env{Rounds: 1, Slice: time.Millisecond, Transfer: 1 << 20, IdleConns: 20, Queue: 300}
	for _, s := range All() {
		if s.Options.Conns == wide || s.Options.Conns == 256 {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			s.RTT /= 20
			r, err := s.Run(t.Context(), env)
			if errors.Is(err, ErrUnavailable) {
				t.Log(err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if r.Name != s.Name || r.Title() != s.Name+": "+s.What {
				t.Errorf("title %q", r.Title())
			}
			took := len(r.Results) + len(r.Idle)
			for _, x := range r.Results {
				if len(x.Slices) != 1 || x.Slices[0].Requests == 0 {
					t.Errorf("%s has %d slices", x.Subject.Name, len(x.Slices))
				}
			}
			if took < 2 {
				t.Errorf("%d subjects took part", took)
			}
			for _, names := range [][]string{s.Subjects, s.Few} {
				for _, name := range names {
					if _, err := subject.Named(name); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
}

func TestNames(t *testing.T) {
	var names []string
	short := 0
	for _, s := range All() {
		if s.Name == "" || s.What == "" || strings.ContainsAny(s.Name, "/ ,*") {
			t.Errorf("%q: %q", s.Name, s.What)
		}
		if slices.Contains(names, s.Name) {
			t.Errorf("%s is there twice", s.Name)
		}
		names = append(names, s.Name)
		if s.Short {
			short++
		}
		if _, err := Named(s.Name); err != nil {
			t.Error(err)
		}
	}
	if _, err := Named("nobody"); err == nil || short == 0 || short == len(names) {
		t.Errorf("%v; %d of %d are short", err, short, len(names))
	}
}

// Every aim is about a scene in which those that it names take part, in the short run
// too if the scene is of it.
func TestAimsAreMeasured(t *testing.T) {
	for _, o := range report.Judge(nil) {
		s, err := Named(o.Scene)
		if err != nil {
			t.Errorf("an aim: %v", err)
			continue
		}
		for _, short := range []bool{false, true} {
			if short && !s.Short {
				continue
			}
			some, absent, err := s.subjects(Env{Short: short})
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range some {
				absent = append(absent, one.Name)
			}
			for _, name := range append([]string{o.Aim.Subject}, o.Aim.Against...) {
				if !slices.Contains(absent, name) {
					t.Errorf("%s, short %t: %s takes no part, but is in the aim %s", o.Scene, short, name, o.Aim)
				}
			}
		}
	}
}

// What the system does not permit is said before it is tried.
func TestUnavailable(t *testing.T) {
	env := Env{Rounds: 1, Slice: time.Millisecond}
	named := func(name string) Scene {
		s, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	wrong := func(s Scene, env Env, want string) {
		t.Helper()
		if _, err := s.Run(t.Context(), env); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, expected %q in it", err, want)
		}
	}
	wrong(get("x", "x", openFiles(), server.Config{}, subject.HTTP1), env, "ulimit -n")
	only := env
	for _, name := range []string{"fasthttp", "h2load"} { // HTTP/1.1 only, and in no test of the Go server
		one, err := subject.Named(name)
		if err != nil {
			t.Fatal(err)
		}
		only.Only = append(only.Only, one)
	}
	wrong(named("slow-reader"), only, "none of the subjects")
	t.Setenv("PATH", t.TempDir())
	wrong(named("h2-nghttpd-1"), env, "nghttpd")
	wrong(named("h2-64"), only, "none of the subjects")
	r, err := named("h2-64").Run(t.Context(), env)
	if err != nil || len(r.Absent) != 1 || r.Absent[0] != "h2load" || len(r.Results) == 0 {
		t.Errorf("without h2load: %v, absent %q, %d results", err, r.Absent, len(r.Results))
	}
}

// An interrupted scene ends, with what it was interrupted by.
func TestInterrupted(t *testing.T) {
	for _, name := range []string{"h1-1", "idle"} {
		s, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		over := errors.New("enough")
		env := Env{Rounds: 1000, Slice: time.Millisecond, IdleConns: 5, Progress: func(_ string, round, _ int) {
			if round > 1 {
				t.Errorf("%s goes on with round %d", name, round)
			}
			cancel(over)
		}}
		if _, err := s.Run(ctx, env); !errors.Is(err, over) {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}

// Few open files are no reason to ask for less than one connection.
func TestSized(t *testing.T) {
	for _, tt := range []struct {
		name string
		env  Env
		want subject.Options
	}{
		{"idle", Env{IdleConns: 7}, subject.Options{Conns: 7}},
		{"idle", Env{IdleConns: 1 << 30}, subject.Options{Conns: max(openFiles()-spareFiles, 1)}},
		{"idle", Env{Short: true}, subject.Options{Conns: min(shortIdle, max(openFiles()-spareFiles, 1))}},
		{"queue", Env{Queue: 300}, subject.Options{Conns: 100, Goroutines: 300}},
		{"down-h1", Env{Transfer: 1 << 20}, subject.Options{Conns: 1, Size: 1 << 20}},
		{"up-h1", Env{Transfer: 1 << 20}, subject.Options{Conns: 1, Size: server.TokenLen, Upload: 1 << 20}},
		{"h1-64", Env{Transfer: 1 << 20, IdleConns: 7, Queue: 300}, subject.Options{Conns: 64, Size: 1024}},
	} {
		s, err := Named(tt.name)
		if err != nil {
			t.Fatal(err)
		}
		got := s.sized(tt.env).Options
		if got.Conns != tt.want.Conns || got.Goroutines != tt.want.Goroutines || tt.want.Size > 0 && got.Size != tt.want.Size || got.Upload != tt.want.Upload {
			t.Errorf("%s: %+v, expected %+v", tt.name, got, tt.want)
		}
	}
}
