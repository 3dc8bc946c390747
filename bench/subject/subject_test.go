package subject

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"gohttpx.dev/bench/server"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// Every subject gets right answers from a right server, with several
// goroutines and changing tokens.
func TestSubjects(t *testing.T) {
	l := listen(t)
	go server.Serve(l)
	for _, s := range Speaking(HTTP1) {
		for _, cancellable := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/cancellable=%t", s.Name, cancellable), func(t *testing.T) {
				o := Options{Addr: l.Addr().String(), Conns: 4, Size: 1024}
				if cancellable {
					o.Context = func() context.Context { return t.Context() }
				}
				c, err := s.Open(o)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				var all sync.WaitGroup
				for i := range o.Conns {
					exchange, err := c.Worker(i)
					if err != nil {
						t.Fatal(err)
					}
					all.Go(func() {
						for range 100 {
							if err := exchange(); err != nil {
								t.Error(err)
								return
							}
						}
					})
				}
				all.Wait()
			})
		}
	}
}

// A subject that does not see a wrong answer would make its numbers worthless.
// The server answers its first request rightly, since some subjects learn from
// it, and every later one wrongly, the retries of the rivals too.
func TestSubjectsSeeWrongAnswers(t *testing.T) {
	const size = 64
	whole := func(token string) string { return token + strings.Repeat("x", size-len(token)) }
	answer := func(status, body string) string {
		return fmt.Sprintf("HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
	}
	for _, tt := range []struct {
		name string
		make func(token, last string) string
	}{
		{"another status", func(token, _ string) string { return answer("500 OK", whole(token)) }},
		{"the answer to the last request", func(_, last string) string { return answer("200 OK", whole(last)) }},
		{"cut short", func(token, _ string) string {
			return strings.TrimSuffix(answer("200 OK", whole(token)), "x")
		}},
	} {
		for _, s := range Speaking(HTTP1) {
			t.Run(tt.name+"/"+s.Name, func(t *testing.T) {
				l := listen(t)
				go lie(l, func(token string) string { return answer("200 OK", whole(token)) }, tt.make)
				refuses(t, s, Options{Addr: l.Addr().String(), Conns: 1, Size: size})
			})
		}
	}
}

// lie answers the very first request rightly and all others wrongly, and ends
// a connection after a wrong answer.
func lie(l net.Listener, right func(token string) string, wrong func(token, last string) string) {
	last := ""
	for {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		buf := make([]byte, 4096)
		for lied := false; !lied; {
			n, err := nc.Read(buf) // a request so small comes whole
			if err != nil {
				break
			}
			_, target, _ := strings.Cut(string(buf[:n]), " /")
			_, target, _ = strings.Cut(target, "/")
			token, _, _ := strings.Cut(target, " ")
			if lied = last != ""; lied {
				io.WriteString(nc, wrong(token, last))
			} else {
				io.WriteString(nc, right(token))
				last = token
			}
		}
		nc.Close()
	}
}
