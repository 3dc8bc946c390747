package h2_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gohttpx.dev/h2"
	"gohttpx.dev/wire"
)

// Reads beside closes beside cancels beside uploads, on one connection: every
// answer must be that of its own request, and in the end nothing is left.
func TestStress(t *testing.T) {
	rounds := 200
	if raceEnabled {
		rounds = 40
	}
	budget := h2.NewBudget(1 << 30)
	c := xnet(t, h2.Config{Budget: budget}, func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.Header.Get("X-N"))
		if r.Header.Get("X-Early") == "" {
			io.Copy(io.Discard, r.Body)
		}
		w.Header().Set("X-Path", r.URL.Path)
		io.WriteString(w, strings.Repeat(r.URL.Path+"\n", n))
		w.(http.Flusher).Flush()
		if r.Header.Get("X-Hang") != "" {
			<-r.Context().Done()
		}
	})
	var wg sync.WaitGroup
	for g := range 64 {
		rnd := rand.New(rand.NewPCG(uint64(g), 7))
		wg.Go(func() {
			for i := range rounds {
				if err := stressOne(c, rnd, fmt.Sprintf("/%d/%d", g, i)); err != nil {
					t.Errorf("/%d/%d: %v", g, i, err)
				}
			}
		})
	}
	wg.Wait()
	for st := c.State(); st.InFlight != 0 || st.Phase != wire.ConnOpen; {
		t.Fatalf("got %+v", st)
	}
	if n := budget.Used(); n != 0 {
		t.Errorf("%d bytes of the budget in use at the end", n)
	}
	var res wire.Response
	if body, err := exchange(c, get("/last"), &res); err != nil || body != "" {
		t.Errorf("got %q, %v", body, err)
	}
}

func stressOne(c *h2.Conn, rnd *rand.Rand, path string) error {
	n := rnd.IntN(5000)
	req := get(path)
	// What hangs, hangs for longer; a busy machine does not take as long.
	req.Timeouts = wire.Timeouts{Read: time.Minute, Write: time.Minute}
	body := &closeOnce{Reader: strings.NewReader(strings.Repeat("b", rnd.IntN(100000)))}
	if rnd.IntN(3) == 0 {
		req.Method, req.Body, req.BodyLen = "POST", body, -1
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	want := rnd.IntN(6)
	switch want {
	case 0: // cancelled at any time
		go cancel()
	case 1: // an answer that does not end
		req.Fields.Add("X-Hang", "1")
	case 2:
		req.Fields.Add("X-Early", "1")
	}
	req.Fields.Add("X-N", strconv.Itoa(n))
	var res wire.Response
	err := c.RoundTrip(ctx, req, &res)
	if err != nil {
		if want == 0 && errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	}
	if got := res.Fields.Get("x-path"); got != path {
		return fmt.Errorf("answer of %q", got)
	}
	var got strings.Builder
	var rerr error
	var done sync.WaitGroup
	switch want {
	case 1, 3: // Close beside Read
		done.Go(func() {
			buf := make([]byte, 1+rnd.IntN(2000))
			for rerr == nil && (want == 3 || got.Len() < n*(len(path)+1)) {
				var k int
				k, rerr = res.Body.Read(buf)
				got.Write(buf[:k])
			}
		})
		if want == 3 {
			res.Body.Close()
		}
		done.Wait()
		if rerr == io.EOF || want == 3 && rerr == wire.ErrBodyClosed {
			rerr = nil
		}
	case 4: // closed unread
	default:
		_, rerr = io.Copy(&got, res.Body)
	}
	b := res.Body
	b.Close()
	if _, err := b.Read(make([]byte, 1)); !b.Ended() && err == nil {
		return errors.New("a closed body was read")
	}
	if rerr != nil && !(want == 0 && errors.Is(rerr, context.Canceled)) {
		return rerr
	}
	full := strings.Repeat(path+"\n", n)
	switch {
	case !strings.HasPrefix(full, got.String()):
		return errors.New("bytes of another answer")
	case rerr == nil && (want == 1 || want == 2 || want == 5) && got.Len() != len(full):
		return fmt.Errorf("got %d of %d bytes", got.Len(), len(full))
	}
	return nil
}

// closeOnce notices a second Close.
type closeOnce struct {
	io.Reader
	mu     sync.Mutex
	closed bool
}

func (c *closeOnce) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		panic("the body was closed twice")
	}
	c.closed = true
	return nil
}

// The connection breaks in the middle of all that: everybody is told, nothing
// hangs.
func TestStressClose(t *testing.T) {
	for i := range 10 {
		c := xnet(t, h2.Config{}, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(w, io.TeeReader(r.Body, w))
		})
		var wg sync.WaitGroup
		for g := range 32 {
			rnd := rand.New(rand.NewPCG(uint64(g), uint64(i)))
			wg.Go(func() {
				for {
					body := &closeOnce{Reader: strings.NewReader(strings.Repeat("b", rnd.IntN(30000)))}
					var res wire.Response
					if _, err := exchange(c, post("/", body, -1), &res); err != nil {
						if !errors.Is(err, wire.ErrClosed) {
							t.Errorf("got %v", err)
						}
						return
					}
				}
			})
		}
		for range i {
			var res wire.Response
			exchange(c, get("/"), &res)
		}
		c.Close()
		wg.Wait()
		if n := c.State().InFlight; n != 0 {
			t.Errorf("%d in flight", n)
		}
	}
}
