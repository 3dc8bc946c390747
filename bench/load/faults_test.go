package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gohttpx.dev/internal/peer"
)

// rawServer answers requests without content; answer gets the number of each and
// returns the bytes to send, and whether the connection ends behind them.
func rawServer(t *testing.T, answer func(n int64) (bytes string, end bool)) (url string, requests *atomic.Int64) {
	requests = new(atomic.Int64)
	s := peer.Listen(t, func(nc net.Conn) {
		in := bufio.NewReader(nc)
		for {
			req, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			io.Copy(io.Discard, req.Body)
			text, end := answer(requests.Add(1))
			io.WriteString(nc, text)
			if end {
				return
			}
		}
	})
	return "http://" + s.Addr, requests
}

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// What fails is counted by kind and never sent again: the server sees as many
// requests as there were.
func TestFailuresAreCounted(t *testing.T) {
	for name, c := range map[string]struct {
		kind   string
		answer string
		end    bool
	}{
		"no answer":          {"disconnected", "", true},
		"half a head":        {"protocol", "HTTP/1.1 200 OK\r\nConte", true},
		"no HTTP":            {"protocol", "SSH-2.0-OpenSSH_9.2\r\n", false},
		"content cut short":  {"protocol", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", true},
		"a status beyond it": {"protocol", "HTTP/1.1 2000 OK\r\n\r\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			url, requests := rawServer(t, func(n int64) (string, bool) {
				if n%5 == 0 {
					return c.answer, c.end
				}
				return okAnswer, false
			})
			r := load(t, t.Context(), url, "-c", "3", "-n", "100").want(t, exitFailed)
			if f := r.Failures[c.kind]; f.Count != 20 || f.Example == "" || len(r.Failures) != 1 {
				t.Errorf("%+v, expected 20 of kind %s", r.Failures, c.kind)
			}
			if r.Answered != 80 || r.Failed != 20 || requests.Load() != 100 {
				t.Errorf("%d answered, %d failed, %d seen by the server", r.Answered, r.Failed, requests.Load())
			}
			if r.Latency.Count != 80 {
				t.Errorf("%d in the latency: what failed at once must not be", r.Latency.Count)
			}
			if !strings.Contains(r.out, c.kind) {
				t.Errorf("the report does not say so\n%s", r.out)
			}
		})
	}
}

// A connection that the server ends with an answer, and says so, is no failure.
func TestConnectionClose(t *testing.T) {
	url, _ := rawServer(t, func(n int64) (string, bool) {
		if n%4 == 0 {
			return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", true
		}
		return okAnswer, false
	})
	r := load(t, t.Context(), url, "-c", "2", "-n", "80").want(t, exitOK)
	if r.Answered != 80 || r.Dials < 20 || r.Dials > 22 {
		t.Errorf("%d answered over %d connections", r.Answered, r.Dials)
	}
}

// The server goes away in the middle: dials that fail are counted, at a pace that
// hurts nobody, and the run ends when it should.
func TestServerGoesAway(t *testing.T) {
	patiently(t, func(factor time.Duration) string {
		s := newSite(t, nil, nil)
		l := s.Listener
		n := atomic.Int64{}
		s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n.Add(1) == 50 {
				l.Close()
			}
			if n.Load() >= 50 {
				w.Header().Set("Connection", "close")
			}
			w.Write([]byte("ok"))
		})
		d := factor * 700 * time.Millisecond
		r := load(t, t.Context(), s.URL, "-c", "2", "-d", d.String())
		if wrong := r.unlike(exitFailed); wrong != "" {
			return wrong
		}
		if f := r.Failures["connect"]; f.Count < 2 || f.Count > int64(20*factor) || !strings.Contains(f.Example, "refused") {
			return fmt.Sprintf("%+v: a link pauses 100 ms after a dial that failed", r.Failures)
		}
		if r.Elapsed != d.Seconds() {
			return fmt.Sprintf("the run took %v s", r.Elapsed)
		}
		return ""
	})
}

// A server that takes fewer streams than there are is waited for.
func TestFewStreams(t *testing.T) {
	s := newSite(t, nil, cleartextHTTP2(3))
	r := load(t, t.Context(), s.URL, "-h2c", "-c", "2", "-streams", "20", "-n", "500").want(t, exitOK)
	if r.Answered != 500 || s.most > 6 || len(s.conns) != 2 {
		t.Errorf("%d answered, up to %d at once on %d connections", r.Answered, s.most, len(s.conns))
	}
}

// Nothing that may be a secret is in a report: not the values of the query, not
// the user of the URL, not those of fields.
func TestSecrets(t *testing.T) {
	s := newSite(t, nil, nil)
	dir := t.TempDir()
	url := strings.Replace(s.URL, "http://", "http://me:secret1@", 1) + "/x?token=secret2"
	r := load(t, t.Context(), url, "-n", "3", "-H", "X-Key: secret3", "-b", "secret4", "-html", dir+"/h", "-hist", dir+"/m").want(t, exitOK)
	if got := s.last(t); got.header.Get("Authorization") != "Basic bWU6c2VjcmV0MQ==" || got.target != "/x?token=secret2" {
		t.Fatalf("%+v", got)
	}
	all := r.out + r.err + fmt.Sprintf("%+v", r.result) + readFile(t, dir+"/h") + readFile(t, dir+"/m")
	if strings.Contains(all, "secret") || strings.Contains(all, "bWU6") {
		t.Error("a secret is shown")
	}
	if !strings.Contains(r.out, "POST "+s.URL+"/x?token") {
		t.Errorf("the target is not named\n%s", r.out)
	}
}
