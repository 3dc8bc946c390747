package scene

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"gohttpx.dev/bench/server"
	"gohttpx.dev/bench/subject"
)

func scened(t *testing.T, name string) Scene {
	t.Helper()
	s, err := Named(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A scene without what it is about would be a GET like any other, and pass.
func TestShapes(t *testing.T) {
	for name, is := range map[string]func(Scene) bool{
		"connect":     func(s Scene) bool { return s.Options.Fresh && !s.Server.TLS },
		"connect-tls": func(s Scene) bool { return s.Options.Fresh && s.Server.TLS },
		"idle":        func(s Scene) bool { return s.Idle && s.Options.Kind == server.KindAll && s.Options.Conns == 10_000 },
		"queue":       func(s Scene) bool { return s.Options.Goroutines == 10_000 && s.Options.Conns == 100 },
		"far-down": func(s Scene) bool {
			return s.Once && s.RTT == 100*time.Millisecond && s.Options.Size == 100<<20 && s.Options.Job == subject.Down
		},
		"far-up": func(s Scene) bool {
			return s.Once && s.RTT == 100*time.Millisecond && s.Options.Upload == 100<<20 && s.Options.Job == subject.Up
		},
		"slow-reader": func(s Scene) bool { return s.Beside && s.Options.SlowReader && s.Options.Conns == 64 },
		"post-h1":     func(s Scene) bool { return s.Options.Job == subject.Post && s.Options.Upload == 1024 },
		"tls-64":      func(s Scene) bool { return s.Server.TLS && s.Options.Conns == 64 },
		"h2c-64":      func(s Scene) bool { return !s.Server.TLS && s.Options.Proto == subject.HTTP2Cleartext },
	} {
		if s := scened(t, name); !is(s) {
			t.Errorf("%s is %+v", name, s)
		}
	}
}

// A long wire is long, and a slice on it is one transfer on a new connection.
func TestFar(t *testing.T) {
	s := scened(t, "far-down")
	s.RTT = 60 * time.Millisecond
	r, err := s.Run(t.Context(), Env{Rounds: 1, Slice: 200 * time.Millisecond, Transfer: 1 << 10})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range r.Results {
		if got := x.Slices[0]; got.Requests != 1 || got.Wall < s.RTT {
			t.Errorf("%s: %d requests in %v, expected 1 in a round trip", x.Subject.Name, got.Requests, got.Wall)
		}
	}
}

// Each takes part alone and beside a slow reader.
func TestBeside(t *testing.T) {
	s := scened(t, "slow-reader")
	r, err := s.Run(t.Context(), Env{Rounds: 1, Slice: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, x := range r.Results {
		names = append(names, x.Subject.Name)
	}
	if got := strings.Join(names, " "); got != "nethttp nethttp+slow xnet xnet+slow httpx httpx+slow" {
		t.Errorf("%s take part", got)
	}
	both := beside([]subject.Subject{{Name: "x"}}, s.Options)
	if a, b := both[0].Options, both[1].Options; a.SlowReader || a.Conns != 63 || !b.SlowReader || b.Conns != 64 {
		t.Errorf("alone %+v, beside %+v", a, b)
	}
}

// The short run has fewer subjects; all of them are open at once.
func TestFew(t *testing.T) {
	s := scened(t, "h1-64")
	some, _, err := s.subjects(Env{Short: true})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, one := range some {
		names = append(names, one.Name)
	}
	if !slices.Equal(names, s.Few) {
		t.Errorf("%q take part in the short run, expected %q", names, s.Few)
	}
	s.Options.Conns = openFiles() / 2
	if err := s.available(3); !errors.Is(err, ErrUnavailable) {
		t.Errorf("3 × %d connections: %v", s.Options.Conns, err)
	}
}
