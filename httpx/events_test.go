package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/wire"
)

func TestEvents(t *testing.T) {
	message := func(id, data string) httpx.Event { return httpx.Event{ID: id, Type: "message", Data: data} }
	for _, tt := range []struct {
		name, in string
		want     []httpx.Event
	}{
		{"nothing", "", nil},
		{"one", "data: a\n\n", []httpx.Event{message("", "a")}},
		{"all line ends", "data: a\r\n\r\ndata: b\r\rdata: c\n\n", []httpx.Event{message("", "a"), message("", "b"), message("", "c")}},
		{"mixed line ends", "data: a\r\n\ndata: b\r\n\rdata: c\n\r\n", []httpx.Event{message("", "a"), message("", "b"), message("", "c")}},
		{"a byte order mark", "\ufeffdata: a\n\n", []httpx.Event{message("", "a")}},
		{"a second mark is a part of the name", "\ufeff\ufeffdata: a\n\n", nil},
		{"lines joined", "data: a\ndata:b\ndata:  c\n\n", []httpx.Event{message("", "a\nb\n c")}},
		{"no colon", "data\n\ndata\ndata\n\n", []httpx.Event{message("", ""), message("", "\n")}},
		{"comments", ": hello\ndata: a\n:data: b\n:\n\n:\n\n", []httpx.Event{message("", "a")}},
		{"a colon in the value", "data: a: b\ndata::c\n\n", []httpx.Event{message("", "a: b\n:c")}},
		{"a type", "event: add\ndata: 1\n\ndata: 2\n\n", []httpx.Event{{Type: "add", Data: "1"}, message("", "2")}},
		{"the last type counts", "event: x\nevent\ndata: 1\n\n", []httpx.Event{message("", "1")}},
		{"a type without data is no event", "event: add\n\ndata: 1\n\n", []httpx.Event{message("", "1")}},
		{"an id stays", "id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", []httpx.Event{message("1", "a"), message("1", "b"), message("", "c")}},
		{"an id without data counts", "id: 7\n\ndata: a\n\n", []httpx.Event{message("7", "a")}},
		{"an id with NUL does not", "id: 7\nid: 8\x00\ndata: a\n\n", []httpx.Event{message("7", "a")}},
		{"retry", "retry: 1500\ndata: a\n\ndata: b\n\n", []httpx.Event{{Type: "message", Data: "a", Retry: 1500 * time.Millisecond}, {Type: "message", Data: "b", Retry: 1500 * time.Millisecond}}},
		{"retry that is no number", "retry: 1.5\nretry: -1\nretry: +1\nretry:\nretry: 1 \ndata: a\n\n", []httpx.Event{message("", "a")}},
		{"retry that is absurd", "retry: " + strings.Repeat("9", 100) + "\ndata: a\n\n", []httpx.Event{{Type: "message", Data: "a", Retry: 1<<63 - 1}}},
		{"names are case-sensitive and whole", "Data: a\ndata : b\n data: c\ndatax: d\n\n", nil},
		{"cut off", "data: a\n\ndata: b\n", []httpx.Event{message("", "a")}},
		{"cut off in a line", "data: a\n\ndata: b", []httpx.Event{message("", "a")}},
		{"cut off in the blank line", "data: a\n\ndata: b\n\r", []httpx.Event{message("", "a"), message("", "b")}},
		{"what is not UTF-8", "data: a\xff\xe2\x82\n\n", []httpx.Event{message("", "a\ufffd\ufffd")}},
		{"the mark of UTF-16 is none", "\xff\xfe: x\ndata: a\n\n", []httpx.Event{message("", "a")}},
	} {
		t.Run("B29 "+tt.name, func(t *testing.T) {
			for _, slow := range []bool{false, true} {
				for _, stream := range []bool{false, true} {
					// The charset means nothing: the text is UTF-8.
					got, err := collect(received(t, slow, stream, "Text/Event-Stream ;charset=koi8-r", tt.in).Events())
					if err != nil || !slices.Equal(got, tt.want) {
						t.Errorf("%+v, %v", got, err)
					}
				}
			}
		})
	}
	t.Run("B29 the size of an event", func(t *testing.T) {
		for _, in := range []string{"data: 123456789\n\n", "data: 1234\ndata: 5678\ndata: 9\n\n", "id: 123\nevent: 123456\ndata: 78\n\n", ":" + strings.Repeat("x", 20) + "\n"} {
			for _, slow := range []bool{false, true} {
				got, err := collect(received(t, slow, true, "text/event-stream", "data: 1234\n\n"+in, httpx.WithMaxEventBytes(10)).Events())
				var e *httpx.Error
				if len(got) != 1 || !errors.Is(err, httpx.ErrEventTooLarge) || !errors.As(err, &e) || e.Op != "body" {
					t.Errorf("%q: %v, %v", in, got, err)
				}
			}
		}
		for size, ok := range map[int]bool{1<<20 - 6: true, 1 << 20: false} {
			in := "data: " + strings.Repeat("x", size) + "\n\n"
			if got, err := collect(received(t, false, true, "text/event-stream", in).Events()); (err == nil) != ok || ok && len(got) != 1 {
				t.Errorf("the default and %d bytes: %v", size, err)
			}
			if got, err := collect(received(t, false, true, "text/event-stream", in, httpx.WithMaxEventBytes(httpx.Unlimited)).Events()); err != nil || len(got) != 1 {
				t.Errorf("unlimited: %v", err)
			}
		}
	})
	t.Run("B29 another Content-Type", func(t *testing.T) {
		for _, ct := range []string{"", "text/html", "text/event-streams", "application/json; x=text/event-stream"} {
			got, err := collect(received(t, false, true, ct, "data: a\n\n").Events())
			if len(got) != 0 || !errors.Is(err, httpx.ErrContentType) || !strings.Contains(err.Error(), "text/event-stream is needed") {
				t.Errorf("%q: %v", ct, err)
			}
		}
	})
	t.Run("B29 from elsewhere than a response", func(t *testing.T) {
		got, err := collect(httpx.ReadEvents(iotest.OneByteReader(strings.NewReader("data: a\n\ndata: b\n\n")), 0))
		if err != nil || len(got) != 2 {
			t.Errorf("%v, %v", got, err)
		}
		if _, err := collect(httpx.ReadEvents(iotest.ErrReader(io.ErrClosedPipe), 0)); err != io.ErrClosedPipe {
			t.Error(err)
		}
		if _, err := collect(httpx.ReadEvents(strings.NewReader("data: abc"), 3)); !errors.Is(err, httpx.ErrEventTooLarge) {
			t.Error(err)
		}
	})
	overBoth(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := 0; ; i++ {
			fmt.Fprintf(w, "id: %d\ndata: tick\n\n", i)
			if http.NewResponseController(w).Flush() != nil || r.Context().Err() != nil {
				return
			}
			if i == 2 {
				<-r.Context().Done() // it says no more until the client has had enough
			}
		}
	}, func(t *testing.T, c *httpx.Client, url string) {
		t.Run("B29 an event comes when its blank line does", func(t *testing.T) {
			resp, err := c.Stream(context.Background(), "GET", url)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Close()
			for e, err := range resp.Events() {
				if err != nil {
					t.Fatal(err)
				}
				if e.ID == "2" {
					break
				}
			}
		})
	})
}

// stream is one answer of an event server.
func stream(body string) answer {
	return answer{status: 200, header: header("Content-Type", "text/event-stream"), body: strings.NewReader(body)}
}

func TestEventsReconnect(t *testing.T) {
	lost := answer{err: &wire.Error{Phase: wire.PhaseDial, Kind: wire.KindNetwork, Err: errors.New("refused")}}
	over := answer{status: 204}
	// run iterates under a fake clock.
	run := func(t *testing.T, policy httpx.Reconnect, opts []httpx.RequestOption, answers ...answer) (s *script, got []string, err error) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			s = &script{answers: answers}
			c := newClient(t, httpx.WithTransport(s), httpx.WithReconnect(policy))
			var events []httpx.Event
			events, err = collect(c.Events(t.Context(), "GET", "http://a.example/?token=secret", opts...))
			for _, e := range events {
				got = append(got, e.Data)
			}
		})
		return s, got, err
	}
	lastIDs := func(s *script) (ids []string) {
		for _, r := range s.sent {
			id := r.Header.Get("Last-Event-ID")
			if !r.Header.Has("Last-Event-ID") {
				id = "-"
			}
			ids = append(ids, id)
		}
		return ids
	}
	t.Run("B29 Last-Event-ID on reconnect, 204 ends", func(t *testing.T) {
		s, got, err := run(t, httpx.Reconnect{}, nil, stream("id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\ndata: lost"), stream("data: c\n\nid: ü4\n\n"), stream("id\ndata: d\n\n"), over)
		if err != nil || strings.Join(got, "") != "abcd" || !slices.Equal(lastIDs(s), []string{"-", "2", "ü4", "-"}) {
			t.Errorf("%q %q %v", got, lastIDs(s), err)
		}
		r := s.sent[0]
		if r.Header.Get("Accept") != "text/event-stream" || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%v", r.Header)
		}
	})
	t.Run("B29 a Last-Event-ID to begin with", func(t *testing.T) {
		opts := []httpx.RequestOption{httpx.WithHeader("Last-Event-ID", "9"), httpx.WithHeader("Accept", "x/y")}
		s, _, err := run(t, httpx.Reconnect{}, opts, lost, stream("data: a\n\n"), stream("id: 10\ndata: a\n\n"), over)
		if err != nil || !slices.Equal(lastIDs(s), []string{"9", "9", "9", "10"}) || s.sent[0].Header.Get("Accept") != "x/y" {
			t.Errorf("%q %v", lastIDs(s), err)
		}
	})
	t.Run("B29 an id that no field may have is not sent", func(t *testing.T) {
		s, _, err := run(t, httpx.Reconnect{}, nil, stream("id: a\x01b\ndata: a\n\n"), over)
		if err != nil || !slices.Equal(lastIDs(s), []string{"-", "-"}) {
			t.Errorf("%q %v", lastIDs(s), err)
		}
	})
	t.Run("B29 no bound of the caller's, and the longest wait that a server can say", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var waits []time.Duration
		policy := httpx.Reconnect{MaxDelay: math.MaxInt64, OnWait: func(_ error, d time.Duration) { waits = append(waits, d); cancel() }}
		c := newClient(t, httpx.WithTransport(&script{answers: []answer{stream("retry: 99999999999999999999\ndata: a\n\n"), over}}), httpx.WithReconnect(policy))
		collect(c.Events(ctx, "GET", "http://a.example/"))
		if len(waits) != 1 || waits[0] != math.MaxInt64 {
			t.Errorf("%v: no wait at all is a loop", waits)
		}
	})
	t.Run("B29 waits", func(t *testing.T) {
		for _, tt := range []struct {
			name    string
			policy  httpx.Reconnect
			answers []answer
			want    []time.Duration
		}{
			{"the default", httpx.Reconnect{}, []answer{stream("data: a\n\n"), over}, []time.Duration{3 * time.Second}},
			{"said", httpx.Reconnect{Delay: time.Second}, []answer{stream("data: a\n\n"), over}, []time.Duration{time.Second}},
			{"the server's, from an event or without one", httpx.Reconnect{}, []answer{stream("retry: 10000\n\n"), stream("retry: 200\ndata: a\n\n"), over}, []time.Duration{10 * time.Second, 200 * time.Millisecond}},
			{"the server's bounded above", httpx.Reconnect{}, []answer{stream("retry: 99999999999999999999\ndata: a\n\n"), over}, []time.Duration{time.Minute}},
			{"and below", httpx.Reconnect{}, []answer{stream("retry: 0\ndata: a\n\n"), over}, []time.Duration{50 * time.Millisecond}},
			{
				"twice as long each time without an event",
				httpx.Reconnect{MaxDelay: 20 * time.Second},
				[]answer{lost, lost, stream(""), lost, lost, stream("data: a\n\n"), lost, over},
				[]time.Duration{3 * time.Second, 6 * time.Second, 12 * time.Second, 20 * time.Second, 20 * time.Second, 3 * time.Second, 3 * time.Second},
			},
		} {
			var waits []time.Duration
			tt.policy.OnWait = func(err error, d time.Duration) {
				if err == nil {
					t.Error("a wait without a cause")
				}
				waits = append(waits, d)
			}
			s, _, err := run(t, tt.policy, nil, tt.answers...)
			if err != nil || len(waits) != len(tt.want) || len(s.sent) != len(tt.answers) {
				t.Errorf("%s: %v, %v", tt.name, waits, err)
				continue
			}
			for i, d := range waits {
				if d < tt.want[i] || d > tt.want[i]*5/4 || s.at[i+1].Sub(s.at[i]) != d {
					t.Errorf("%s: wait %d is %v, want %v and at most a quarter more", tt.name, i, d, tt.want[i])
				}
			}
		}
	})
	t.Run("B29 waits differ", func(t *testing.T) {
		seen := map[time.Duration]bool{}
		for range 10 {
			run(t, httpx.Reconnect{OnWait: func(_ error, d time.Duration) { seen[d] = true }}, nil, lost, over)
		}
		if len(seen) < 5 {
			t.Errorf("no jitter: %v", seen)
		}
	})
	t.Run("B29 what ends it", func(t *testing.T) {
		html := answer{status: 200, header: header("Content-Type", "text/html"), body: strings.NewReader("x")}
		for _, tt := range []struct {
			name   string
			answer answer
			is     error
		}{
			{"a status", answer{status: 503, body: strings.NewReader("try later")}, httpx.ErrHTTP},
			{"a redirect", answer{status: 302, header: header("Location", "/x")}, httpx.ErrHTTP},
			{"another 2xx", answer{status: 201}, httpx.ErrHTTP},
			{"another type", html, httpx.ErrContentType},
			{"an event too large", stream("data: " + strings.Repeat("x", 2<<20)), httpx.ErrEventTooLarge},
			{"an error that stays", answer{err: errors.New("no such thing")}, httpx.ErrRequest},
		} {
			s, got, err := run(t, httpx.Reconnect{}, nil, stream("data: a\n\n"), tt.answer)
			if len(got) != 1 || len(s.sent) != 2 || !errors.Is(err, tt.is) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %q, %d sent, %v", tt.name, got, len(s.sent), err)
			}
			var se *httpx.StatusError
			if tt.name == "a status" && (!errors.As(err, &se) || se.Response.StatusCode != 503 || !strings.Contains(err.Error(), "try later")) {
				t.Errorf("%v", err)
			}
		}
	})
	t.Run("B29 attempts", func(t *testing.T) {
		s, _, err := run(t, httpx.Reconnect{Attempts: 3}, nil, lost)
		if len(s.sent) != 3 || !errors.Is(err, httpx.ErrConnect) {
			t.Errorf("%d sent, %v", len(s.sent), err)
		}
		s, got, err := run(t, httpx.Reconnect{Attempts: 2}, nil, lost, stream("data: a\n\n"), lost, stream("data: b\n\n"), stream(""), stream(""))
		if len(s.sent) != 6 || len(got) != 2 || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("an event starts the count anew: %d sent, %q, %v", len(s.sent), got, err)
		}
		if s, _, _ := run(t, httpx.Reconnect{Attempts: -1}, nil, lost); len(s.sent) != 1 {
			t.Errorf("one: %d sent", len(s.sent))
		}
	})
	t.Run("B29 a body that can be sent once", func(t *testing.T) {
		opts := []httpx.RequestOption{httpx.Reader(strings.NewReader("x"))}
		s, got, err := run(t, httpx.Reconnect{}, opts, stream("data: a\n\n"))
		if len(s.sent) != 1 || len(got) != 1 || !errors.Is(err, httpx.ErrBodyNotReplayable) {
			t.Errorf("%d sent, %q, %v", len(s.sent), got, err)
		}
		s, got, err = run(t, httpx.Reconnect{}, []httpx.RequestOption{httpx.JSON(1)}, stream("data: a\n\n"), over)
		if len(s.sent) != 2 || len(got) != 1 || err != nil {
			t.Errorf("%d sent, %q, %v", len(s.sent), got, err)
		}
	})
	t.Run("B29 the context ends a wait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			start := time.Now()
			c := newClient(t, httpx.WithTransport(&script{answers: []answer{stream("retry: 60000\ndata: a\n\n")}}))
			got, err := collect(c.Events(ctx, "GET", "http://a.example/"))
			if len(got) != 1 || !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, httpx.ErrTimeout) || time.Since(start) != 10*time.Second {
				t.Errorf("%v, %v after %v", got, err, time.Since(start))
			}
		})
	})
	t.Run("B29 a request that cannot be made", func(t *testing.T) {
		c := newClient(t)
		if _, err := collect(c.Events(context.Background(), "GET", "/relative")); !errors.Is(err, httpx.ErrInvalidURL) {
			t.Error(err)
		}
	})
}

// Over the network: a server that breaks off, and one that is silent for longer
// than the read timeout.
func TestEventsOverTheNetwork(t *testing.T) {
	next := make(chan int, 100)
	for i := range 100 {
		next <- i
	}
	overBoth(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "retry: 1\nid: %d\ndata: after %q\n\ndata: half", <-next, r.Header.Get("Last-Event-ID"))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}, func(t *testing.T, c *httpx.Client, url string) {
		t.Run("B29 a connection that breaks", func(t *testing.T) {
			var ids []string
			var waits int
			for e, err := range c.Events(context.Background(), "GET", url, httpx.WithReconnect(httpx.Reconnect{OnWait: func(err error, _ time.Duration) {
				waits++
				if !errors.Is(err, httpx.ErrTransport) {
					t.Errorf("%v", err)
				}
			}})) {
				if err != nil {
					t.Fatal(err)
				}
				if len(ids) > 0 && e.Data != fmt.Sprintf("after %q", ids[len(ids)-1]) {
					t.Errorf("%+v after %q", e, ids)
				}
				if ids = append(ids, e.ID); len(ids) == 4 {
					break
				}
			}
			if waits != 3 {
				t.Errorf("%d waits", waits)
			}
		})
	})
	t.Run("B29 silence is no timeout, unless one is asked for", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := memClient(t, httpx.WithTimeout(time.Second), httpx.WithReconnect(httpx.Reconnect{Attempts: 1}))
			_, err := collect(c.Events(t.Context(), "GET", "http://server/silent"))
			if !errors.Is(err, httpx.ErrReadTimeout) {
				t.Errorf("the head must come: %v", err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			start := time.Now()
			n := 0
			for e, err := range c.Events(ctx, "GET", "http://server/events") {
				if n++; n == 2 {
					if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Hour {
						t.Errorf("%v after %v", err, time.Since(start))
					}
				} else if e.Data != "a" || err != nil {
					t.Errorf("%+v, %v", e, err)
				}
			}
			start = time.Now()
			_, err = collect(c.Events(t.Context(), "GET", "http://server/events", httpx.WithTimeouts(httpx.Timeouts{Read: time.Minute}),
				httpx.WithReconnect(httpx.Reconnect{OnWait: func(err error, _ time.Duration) {
					if !errors.Is(err, httpx.ErrReadTimeout) {
						t.Error(err)
					}
				}, Attempts: 2}), httpx.OnRequest(func(r *httpx.Request) error {
					if time.Since(start) > 5*time.Minute {
						return errors.New("enough")
					}
					return nil
				})))
			if err == nil || !strings.Contains(err.Error(), "enough") {
				t.Error(err)
			}
		})
	})
}
