package h2_test

import (
	"context"
	"sync/atomic"
	"testing"

	"gohttpx.dev/h2"
)

// countingContext counts who watches it.
type countingContext struct {
	context.Context
	done    chan struct{}
	watched atomic.Int64
}

func (c *countingContext) Done() <-chan struct{} { return c.done }

// AfterFunc is what context.AfterFunc asks for.
func (c *countingContext) AfterFunc(func()) (stop func() bool) {
	c.watched.Add(1)
	return func() bool {
		c.watched.Add(-1)
		return true
	}
}

// No exchange goes on watching its context, which may live as long as the
// connection, and longer.
func TestContextIsLetGo(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(f *fixture, k *call)
	}{
		{"the end of the content", func(f *fixture, k *call) {
			f.SendData(1, "ok", true)
			k.read()
		}},
		{"a reset", func(f *fixture, k *call) {
			f.SendRaw(h2.AppendRSTStream(nil, 1, h2.InternalError))
			k.read()
		}},
		{"a closed body", func(f *fixture, k *call) {
			k.res.Body.Close()
			f.WantRST(1, h2.Cancel, "nobody wants it")
		}},
		{"a closed connection", func(f *fixture, k *call) {
			f.c.Close()
			k.read()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := start(t, h2.Config{})
				ctx := &countingContext{Context: context.Background(), done: make(chan struct{})}
				k := f.head(ctx, get("/"))
				f.WantHeaders(1, "", "a request")
				f.SendHeaders(1, false, ":status", "200")
				if k.wait(); k.err != nil || ctx.watched.Load() != 1 {
					t.Fatalf("%v, the context is watched %d times", k.err, ctx.watched.Load())
				}
				tt.end(f, k)
				if n := ctx.watched.Load(); n != 0 {
					t.Errorf("the context is watched %d times", n)
				}
			})
		})
	}
}
