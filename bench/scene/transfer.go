package scene

import (
	"time"

	"gohttpx.dev/bench/report"
	"gohttpx.dev/bench/server"
	"gohttpx.dev/bench/subject"
)

const transferSize = 100 << 20 // bytes

// transfers are large bodies on one connection, read and written piece by piece.
func transfers() (all []Scene) {
	for _, v := range versions {
		for _, x := range []struct {
			name, what string
			o          subject.Options
		}{
			{"down", "100 MiB down", subject.Options{Job: subject.Down, Size: transferSize, Conns: 1, SmallFirst: true}},
			{"up", "100 MiB up", subject.Options{Job: subject.Up, Size: server.TokenLen, Upload: transferSize, Conns: 1, SmallFirst: true}},
		} {
			s := v.scene(x.name, x.what, x.o)
			s.Short, s.Few, s.Measure = true, []string{"nethttp", "xnet", "fasthttp", "httpx"}, report.Rate
			all = append(all, s)
		}
	}
	return all
}

// far are the same over a long wire, by HTTP/2, a new connection each time: how
// fast a window opens.
func far() []Scene {
	down := subject.Options{Proto: subject.HTTP2, Job: subject.Down, Size: transferSize, Conns: 1, SmallFirst: true}
	up := subject.Options{Proto: subject.HTTP2, Job: subject.Up, Size: server.TokenLen, Upload: transferSize, Conns: 1, SmallFirst: true}
	s := Scene{
		Name: "far-down", What: "100 MiB down over HTTP/2, round trip 100 ms, new connection", Short: true,
		Server: server.Config{HTTP2: true, TLS: true}, Options: down,
		Subjects: []string{"nethttp", "httpx"}, Once: true, RTT: 100 * time.Millisecond, Measure: report.Rate,
	}
	// With a window of its own size the server bounds all clients alike.
	u := s
	u.Name, u.What, u.Short = "far-up", "100 MiB up over HTTP/2, round trip 100 ms, new connection, server's window 32 MiB", false
	u.Options, u.Server.Window = up, 32<<20
	return []Scene{s, u}
}
