package scene

import (
	"fmt"
	"time"

	"gohttpx.dev/bench/server"
	"gohttpx.dev/bench/subject"
)

// wide is the number of goroutines at which only some take part, for all keep their
// connections.
const wide = 4096

// patience is the timeout where thousands of handshakes are made at once.
const patience = 2 * time.Minute

// gets are the GETs of 1 KiB.
func gets() (all []Scene) {
	http1 := []string{"floor", "nethttp", "fasthttp", "engine", "httpx-prepared", "httpx"}
	for _, c := range []int{1, 64, 256, wide} {
		for _, kind := range []struct {
			name, what string
			tls, short bool
		}{{"h1", "HTTP/1.1", false, c != wide}, {"tls", "HTTP/1.1 over TLS", true, c == 64}} {
			s := get(fmt.Sprintf("%s-%d", kind.name, c), kind.what, c, server.Config{TLS: kind.tls}, subject.HTTP1)
			s.Short, s.Few = kind.short, http1
			if c == wide {
				s.Subjects = []string{"nethttp", "fasthttp", "pool", "httpx"}
				s.Options.Timeout = patience
			}
			all = append(all, s)
		}
	}
	http2 := []string{"floor", "nethttp", "xnet", "h2load", "engine", "pool", "httpx-prepared", "httpx"}
	few := []string{"nethttp", "h2load", "engine", "httpx-prepared", "httpx"}
	for _, proto := range []subject.Proto{subject.HTTP2, subject.HTTP2Cleartext} {
		cfg := server.Config{HTTP2: true, TLS: proto == subject.HTTP2}
		what := "HTTP/2"
		if !cfg.TLS {
			what += " in cleartext"
		}
		for _, cfg.Name = range []string{"nghttpd", "h2o", "nginx"} {
			for _, c := range []int{1, 64, 256} {
				s := get(fmt.Sprintf("%s-%s-%d", proto, cfg.Name, c), what+" from "+cfg.Name, c, cfg, proto)
				s.Subjects, s.Few = http2, few
				s.Short = cfg.TLS && (c == 64 || c == 1 && cfg.Name == "nghttpd")
				all = append(all, s)
			}
		}
		cfg.Name = server.Go
		for _, c := range []int{64, wide} {
			s := get(fmt.Sprintf("%s-%d", proto, c), what, c, cfg, proto)
			s.Subjects, s.Few = http2, few
			s.Short = cfg.TLS && c == 64 // for who has no other server
			all = append(all, s)
		}
	}
	return all
}

func get(name, what string, c int, cfg server.Config, proto subject.Proto) Scene {
	goroutines := "goroutines"
	if c == 1 {
		goroutines = "goroutine"
	}
	return Scene{
		Name: name, What: fmt.Sprintf("GET 1 KiB, %s, %d %s", what, c, goroutines),
		Server: cfg, Options: subject.Options{Proto: proto, Conns: c, Size: 1024},
	}
}
