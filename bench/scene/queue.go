package scene

import (
	"time"

	"gohttpx.dev/bench/report"
	"gohttpx.dev/bench/subject"
)

// queues are many goroutines that share few connections: the longest waits say
// whether turns are kept.
func queues() []Scene {
	return []Scene{{
		Name: "queue", What: "GET 1 KiB, HTTP/1.1, 10,000 goroutines on 100 connections",
		Options: subject.Options{Proto: subject.HTTP1, Conns: 100, Goroutines: 10_000, Size: 1024, Timeout: patience},
		Slice:   2 * time.Second, Measure: report.LongWait,
	}}
}
