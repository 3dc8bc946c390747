package scene

import (
	"gohttpx.dev/bench/server"
	"gohttpx.dev/bench/subject"
)

// connections are requests that each make a connection, which the server closes
// when it has answered.
func connections() []Scene {
	o := subject.Options{Proto: subject.HTTP1, Conns: 8, Size: 1024, Fresh: true}
	return []Scene{
		{Name: "connect", What: "GET 1 KiB on a new connection each, 8 goroutines, HTTP/1.1", Options: o},
		{Name: "connect-tls", What: "GET 1 KiB on a new connection each, 8 goroutines, HTTP/1.1 over TLS", Options: o, Server: server.Config{TLS: true}},
	}
}
