package scene

import (
	"gohttpx.dev/bench/server"
	"gohttpx.dev/bench/subject"
)

// bodies are the scenes about what is in a request or response, at 64 goroutines:
// JSON that is sent, content codings, many fields.
func bodies() (all []Scene) {
	for _, v := range versions {
		for _, x := range []struct {
			name, what string
			o          subject.Options
		}{
			{"post", "POST 1 KiB of JSON, answered with 1 KiB", subject.Options{Job: subject.Post, Size: 1024, Upload: 1024}},
			{"fields", "GET 1 KiB with 100 response fields", subject.Options{Size: 1024, Kind: server.KindFields}},
		} {
			all = append(all, v.scene(x.name, x.what+", 64 goroutines", x.o))
		}
	}
	for _, x := range []struct{ name, kind string }{
		{"gzip", server.KindGzip}, {"br", server.KindBrotli}, {"zstd", server.KindZstd},
	} {
		s := versions[0].scene(x.name, "GET 16 KiB of JSON in "+x.name+", which is decoded, 64 goroutines", subject.Options{Size: 16 << 10, Kind: x.kind})
		s.Name = x.name
		all = append(all, s)
	}
	return all
}

// version is a way to speak to the Go server.
type version struct {
	name, what string
	proto      subject.Proto
	cfg        server.Config
}

var versions = []version{
	{"h1", "HTTP/1.1", subject.HTTP1, server.Config{}},
	{"h2", "HTTP/2", subject.HTTP2, server.Config{HTTP2: true, TLS: true}},
}

// scene is one at 64 goroutines, if o has no other number.
func (v version) scene(name, what string, o subject.Options) Scene {
	o.Proto = v.proto
	if o.Conns == 0 {
		o.Conns = 64
	}
	return Scene{Name: name + "-" + v.name, What: what + ", " + v.what, Server: v.cfg, Options: o}
}
