package scene

import (
	"gohttpx.dev/bench/measure"
	"gohttpx.dev/bench/report"
	"gohttpx.dev/bench/server"
	"gohttpx.dev/bench/subject"
)

// slows are fast readers beside one that reads slowly, on one connection.
func slows() []Scene {
	return []Scene{{
		Name: "slow-reader", What: "63 goroutines GET 64 KiB over HTTP/2, alone and beside one slow reader",
		Server:   server.Config{HTTP2: true, TLS: true},
		Options:  subject.Options{Proto: subject.HTTP2, Conns: 64, Size: 64 << 10, SlowReader: true},
		Subjects: []string{"nethttp", "xnet", "httpx"}, Measure: report.Rate, Beside: true,
	}}
}

// Slowed marks the name of a subject with a slow reader beside.
const Slowed = "+slow"

// beside is each subject alone and with the slow reader.
func beside(subjects []subject.Subject, o subject.Options) (all []measure.Entry) {
	for _, s := range subjects {
		alone := o
		alone.SlowReader, alone.Conns = false, o.Conns-1
		slowed := s
		slowed.Name += Slowed
		all = append(all, measure.Entry{Subject: s, Options: alone}, measure.Entry{Subject: slowed, Options: o})
	}
	return all
}
