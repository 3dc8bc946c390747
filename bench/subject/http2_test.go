package subject

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// http2Server answers over HTTP/2 in cleartext, and takes few streams, so that
// subjects with one connection for all need a second one.
func http2Server(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 3}
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func rightBody(r *http.Request, size int) string {
	token := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	return token + strings.Repeat("x", size-len(token))
}

func TestHTTP2Subjects(t *testing.T) {
	const size = 1024
	addr := http2Server(t, func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(rightBody(r, size))) })
	for _, s := range Speaking(HTTP2Cleartext) {
		t.Run(s.Name, func(t *testing.T) {
			o := Options{Proto: HTTP2Cleartext, Addr: addr, Conns: 5, Size: size}
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

// As over HTTP/1.1: who does not see a wrong answer has worthless numbers.
func TestHTTP2SubjectsSeeWrongAnswers(t *testing.T) {
	const size = 64
	for name, lie := range map[string]func(w http.ResponseWriter, r *http.Request){
		"another status": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(500)
			w.Write([]byte(rightBody(r, size)))
		},
		"another answer": func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(strings.Repeat("y", size))) },
		"cut short":      func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(rightBody(r, size-1))) },
		"too long":       func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(rightBody(r, size+1))) },
		"reset":          func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		for _, s := range Speaking(HTTP2Cleartext) {
			t.Run(name+"/"+s.Name, func(t *testing.T) {
				var asked atomic.Int32
				addr := http2Server(t, func(w http.ResponseWriter, r *http.Request) {
					if asked.Add(1) == 1 { // some subjects try a connection
						w.Write([]byte(rightBody(r, size)))
						return
					}
					lie(w, r)
				})
				refuses(t, s, Options{Proto: HTTP2Cleartext, Addr: addr, Conns: 1, Size: size})
			})
		}
	}
}
