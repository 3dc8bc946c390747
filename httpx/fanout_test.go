package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"gohttpx.dev/httpx"
)

func TestFanOut(t *testing.T) {
	ctx := context.Background()
	w := newWeb(t)
	var running, most atomic.Int64
	w.page("http://a.example/count", func(rw http.ResponseWriter, r *http.Request) {
		n := running.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		fmt.Fprint(rw, r.URL.RawQuery)
		running.Add(-1)
	})
	w.page("http://a.example/cut", func(rw http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
	hang := func(rw http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	w.page("http://a.example/hang", hang)
	get := func(t *testing.T, url string) *httpx.Request {
		t.Helper()
		r, err := w.NewRequest("GET", url)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	count := func(t *testing.T, n int) (rs []*httpx.Request) {
		for i := range n {
			rs = append(rs, get(t, fmt.Sprint("http://a.example/count?", i)))
		}
		return rs
	}

	t.Run("A23.5 All keeps the order", func(t *testing.T) {
		reqs := count(t, 50)
		reqs[7] = get(t, "http://a.example/cut")
		reqs[8] = nil
		for i, res := range w.All(ctx, reqs) {
			switch {
			case res.Index != i || res.Request != reqs[i]:
				t.Errorf("result %d is that of %d", i, res.Index)
			case i == 7 || i == 8:
				if res.Err == nil || res.Response != nil {
					t.Errorf("%d: %v", i, res)
				}
			case res.Err != nil || res.Response.Text() != fmt.Sprint(i):
				t.Errorf("%d: %v", i, res)
			}
		}
		if got := w.All(ctx, nil); len(got) != 0 {
			t.Errorf("of nothing: %v", got)
		}
	})
	t.Run("A23.5 FailFast cancels the rest", func(t *testing.T) {
		reqs := []*httpx.Request{get(t, "http://a.example/hang"), get(t, "http://a.example/cut"), get(t, "http://a.example/hang"), get(t, "http://a.example/hang")}
		results := w.All(ctx, reqs, httpx.Concurrency(3), httpx.FailFast())
		for i, res := range results {
			if i == 1 && (errors.Is(res.Err, context.Canceled) || res.Err == nil) || i != 1 && !errors.Is(res.Err, context.Canceled) {
				t.Errorf("%d: %v", i, res.Err)
			}
		}
	})
	t.Run("A23.5 the context cancels all", func(t *testing.T) {
		ctx, cancel := context.WithCancel(ctx)
		w.page("http://a.example/last", func(rw http.ResponseWriter, r *http.Request) { cancel() })
		for i, res := range w.All(ctx, []*httpx.Request{get(t, "http://a.example/hang"), get(t, "http://a.example/last"), get(t, "http://a.example/hang")}, httpx.Concurrency(2)) {
			if i != 1 && !errors.Is(res.Err, context.Canceled) {
				t.Errorf("%d: %v", i, res.Err)
			}
		}
	})
	t.Run("A23.7 Concurrency", func(t *testing.T) {
		for _, n := range []int{1, 3} {
			most.Store(0)
			w.All(ctx, count(t, 40), httpx.Concurrency(n))
			if m := most.Load(); m > int64(n) {
				t.Errorf("%d at once, at most %d wanted", m, n)
			}
			most.Store(0)
			for range w.Each(ctx, seqOf(count(t, 40)), httpx.Concurrency(n)) {
			}
			if m := most.Load(); m > int64(n) {
				t.Errorf("Each: %d at once, at most %d wanted", m, n)
			}
		}
	})
	t.Run("A23.6 Each yields as they complete", func(t *testing.T) {
		release := make(chan struct{})
		w.page("http://a.example/slow", func(rw http.ResponseWriter, r *http.Request) { <-release; fmt.Fprint(rw, "slow") })
		var order []string
		for res := range w.Each(ctx, seqOf([]*httpx.Request{get(t, "http://a.example/slow"), get(t, "http://a.example/count?fast")}), httpx.Concurrency(2)) {
			if res.Err != nil {
				t.Fatal(res.Err)
			}
			order = append(order, fmt.Sprint(res.Index, res.Response.Text()))
			if len(order) == 1 {
				close(release)
			}
		}
		if fmt.Sprint(order) != "[1fast 0slow]" {
			t.Errorf("%v", order)
		}
	})
	t.Run("A23.6 Each takes no more than it can start", func(t *testing.T) {
		var taken atomic.Int64
		endless := func(yield func(*httpx.Request) bool) {
			for i := 0; ; i++ {
				taken.Add(1)
				if !yield(get(t, fmt.Sprint("http://a.example/count?", i))) {
					return
				}
			}
		}
		n := 0
		for res := range w.Each(ctx, endless, httpx.Concurrency(4)) {
			if res.Err != nil {
				t.Fatal(res.Err)
			}
			if n++; int(taken.Load()) > n+2*4 {
				t.Fatalf("%d requests taken for %d results", taken.Load(), n)
			}
			if n == 100 {
				break
			}
		}
	})
	t.Run("A23.6 break cancels the rest", func(t *testing.T) {
		reqs := []*httpx.Request{get(t, "http://a.example/count?1"), get(t, "http://a.example/hang"), get(t, "http://a.example/hang")}
		for range w.Each(ctx, seqOf(reqs), httpx.Concurrency(3)) {
			break
		}
		if busy := waitForIdle(w.Client).Busy; busy != 0 {
			t.Errorf("%d requests run after the loop", busy)
		}
	})
	t.Run("A23.6 the context ends the loop while reqs blocks", func(t *testing.T) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		unblock := make(chan struct{})
		blocks := func(yield func(*httpx.Request) bool) {
			if yield(get(t, "http://a.example/count?1")) {
				<-unblock
			}
		}
		n := 0
		for range w.Each(ctx, blocks) {
			n++
			time.AfterFunc(50*time.Millisecond, cancel)
		}
		close(unblock)
		if n != 1 {
			t.Errorf("%d results", n)
		}
	})
	t.Run("A23.6 FailFast and a panic", func(t *testing.T) {
		n := 0
		for res := range w.Each(ctx, seqOf([]*httpx.Request{get(t, "http://a.example/cut"), get(t, "http://a.example/hang")}), httpx.FailFast()) {
			if n++; res.Err == nil {
				t.Error("no error")
			}
		}
		if n != 1 {
			t.Errorf("%d results", n)
		}
		defer func() {
			if p := recover(); p != "oops" {
				t.Errorf("recovered %v", p)
			}
		}()
		for range w.Each(ctx, func(func(*httpx.Request) bool) { panic("oops") }) {
		}
		t.Error("no panic")
	})
}

func seqOf(rs []*httpx.Request) iter.Seq[*httpx.Request] {
	return func(yield func(*httpx.Request) bool) {
		for _, r := range rs {
			if !yield(r) {
				return
			}
		}
	}
}
