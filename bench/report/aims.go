package report

import (
	"fmt"
	"io"
	"slices"

	"gohttpx.dev/bench/measure"
	"gohttpx.dev/bench/subject"
)

// aim is a ratio of client CPU per request that the project wants to keep.
type aim struct {
	subject, against string
	conns            []int
	tls              bool
	atMost           float64
	proto            subject.Proto
	server           string
}

var aims = []aim{
	{"httpx", "nethttp", []int{64, 256}, false, 0.45, subject.HTTP1, "go"},
	{"httpx", "nethttp-timeout", []int{64, 256}, false, 0.45, subject.HTTP1, "go"},
	{"httpx", "fasthttp", []int{64}, false, 1.05, subject.HTTP1, "go"},
	{"engine", "floor", []int{64, 256}, false, 1.2, subject.HTTP1, "go"},

	{"httpx", "nethttp", []int{1}, true, 0.75, subject.HTTP2, "nghttpd"},
	{"httpx", "nethttp", []int{1}, true, 0.75, subject.HTTP2, "h2o"},
	{"httpx", "nethttp", []int{1}, true, 0.75, subject.HTTP2, "nginx"},
	{"httpx", "nethttp", []int{64, 256}, true, 0.25, subject.HTTP2, "nghttpd"},
	{"httpx", "nethttp", []int{64, 256}, true, 0.25, subject.HTTP2, "h2o"},
	{"httpx", "nethttp", []int{64, 256}, true, 0.55, subject.HTTP2, "nginx"},
	{"httpx", "nethttp", []int{1}, false, 0.75, subject.HTTP2Cleartext, "nghttpd"},
	{"httpx", "nethttp", []int{1}, false, 0.75, subject.HTTP2Cleartext, "h2o"},
	{"httpx", "nethttp", []int{1}, false, 0.75, subject.HTTP2Cleartext, "nginx"},
	{"httpx", "nethttp", []int{64, 256}, false, 0.25, subject.HTTP2Cleartext, "nghttpd"},
	{"httpx", "nethttp", []int{64, 256}, false, 0.25, subject.HTTP2Cleartext, "h2o"},
	{"httpx", "nethttp", []int{64, 256}, false, 0.55, subject.HTTP2Cleartext, "nginx"},
}

// Aims prints which aims bear on the scenario and whether they hold. It says
// "open" where the interval does not decide.
func Aims(w io.Writer, s Scenario) error {
	for _, a := range aims {
		ours, other := s.find(a.subject), s.find(a.against)
		if ours == nil || other == nil || a.tls != s.TLS || a.proto != s.proto() || a.server != s.server() || s.Size != 1024 || !slices.Contains(a.conns, s.Conns) {
			continue
		}
		v := measure.Compare(ours.Slices, other.Slices)
		_, err := fmt.Fprintf(w, "aim: %s ≤ %.2f × %s: %s, %s\n", a.subject, a.atMost, a.against, cell(v), outcome(v, a.atMost))
		if err != nil {
			return err
		}
	}
	return nil
}

func outcome(v measure.Verdict, atMost float64) string {
	switch {
	case v.Rounds < measure.MinRounds:
		return "too few rounds to say"
	case v.High <= atMost:
		return "holds"
	case v.Low > atMost:
		return "missed"
	case v.Median <= atMost:
		return "open (median within, interval not)"
	}
	return "open (median beyond, interval not)"
}
