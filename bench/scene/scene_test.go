package scene

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

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
			r, err := s.Run(env)
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

// What the system does not permit is said before it is tried.
func TestUnavailable(t *testing.T) {
	s := get("x", "x", openFiles(), server.Config{}, subject.HTTP1)
	if _, err := s.Run(Env{Rounds: 1, Slice: time.Millisecond}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("the error is %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	s, err := Named("h2-nghttpd-1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Run(Env{Rounds: 1, Slice: time.Millisecond}); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "nghttpd") {
		t.Errorf("the error is %v", err)
	}
}
