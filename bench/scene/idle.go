package scene

import (
	"context"

	"gohttpx.dev/bench/measure"
	"gohttpx.dev/bench/server"
	"gohttpx.dev/bench/subject"
)

const (
	idleConns  = 10_000
	shortIdle  = 500 // of the short run
	idleRounds = 3
)

// idles are connections that wait, each after one small answer.
func idles() []Scene {
	o := subject.Options{Proto: subject.HTTP1, Conns: idleConns, Size: 64, Kind: server.KindAll, Timeout: patience}
	who := []string{"nethttp", "fasthttp", "engine", "pool", "httpx"}
	few := []string{"nethttp", "fasthttp", "httpx"}
	return []Scene{
		{Name: "idle", What: "idle connections, HTTP/1.1", Short: true, Options: o, Subjects: who, Few: few, Idle: true},
		{Name: "idle-tls", What: "idle connections, HTTP/1.1 over TLS", Short: true, Options: o, Subjects: who, Few: few, Idle: true, Server: server.Config{TLS: true}},
	}
}

// idle measures one subject after the other.
func (s Scene) idle(ctx context.Context, env Env, subjects []subject.Subject, o subject.Options) (all []*measure.Idle, err error) {
	for i, one := range subjects {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		r, err := measure.MeasureIdle(measure.Entry{Subject: one, Options: o}, idleRounds)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
		env.progress(s.Name, i+1, len(subjects))
	}
	return all, nil
}
