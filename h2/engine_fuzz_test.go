package h2_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/h2"
	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/wire"
)

// FuzzEngine feeds a connection with frames made of the input: whatever comes,
// the engine neither panics nor hangs nor leaks, every exchange ends with a
// response or a *wire.Error, and in the end nothing is counted any more.
func FuzzEngine(f *testing.F) {
	f.Add([]byte{1, 5, 1, 1, 0x88, 0, 1, 1, 3, 'a', 'b', 'c'})
	f.Add([]byte{1, 4, 1, 1, 0x88, 0, 8, 1, 2, 'x', 'y', 3, 0, 1, 4, 0, 0, 0, 8})
	f.Add([]byte{7, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 1, 5, 1, 1, 0x88})
	f.Add([]byte{4, 0, 0, 6, 0, 4, 0, 0, 0, 0, 8, 0, 3, 4, 0, 1, 0, 0, 6, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8})
	f.Add([]byte{1, 0, 1, 1, 0x88, 9, 4, 1, 0, 5, 4, 1, 5, 0, 0, 0, 2, 0x82, 2, 0, 3, 5, 0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, script []byte) {
		synctest.Test(t, func(t *testing.T) {
			a, b := memconn.PipeSize(1 << 20)
			budget := h2.NewBudget(1 << 30)
			c, err := h2.NewConn(t.Context(), a, h2.Config{Budget: budget})
			if err != nil {
				t.Fatal(err)
			}
			go io.Copy(io.Discard, b) // ends with the pipe
			results := make(chan error, 3)
			run := func(req *wire.Request, early bool) {
				c.Reserve()
				go func() {
					var res wire.Response
					err := c.RoundTrip(context.Background(), req, &res)
					if err == nil && early {
						err = res.Body.Close()
					} else if err == nil {
						_, err = io.Copy(io.Discard, res.Body)
						res.Body.Close()
					}
					results <- err
				}()
			}
			run(get("/1"), false)
			run(post("/3", text(strings.Repeat("x", 100000)), -1), false)
			run(get("/5"), true)
			synctest.Wait()
			b.Write(h2.AppendSettings(nil))
			// Each frame: type, flags, stream, length, payload.
			for len(script) >= 4 {
				n := min(int(script[3]), len(script)-4)
				fr := h2.Frame{FrameHeader: h2.FrameHeader{Type: h2.FrameType(script[0]), Flags: h2.Flags(script[1]), StreamID: uint32(script[2])}, Payload: script[4 : 4+n]}
				if _, err := b.Write(h2.AppendFrame(nil, fr)); err != nil {
					break
				}
				script = script[4+n:]
				if n%2 == 0 {
					synctest.Wait()
				}
			}
			synctest.Wait()
			if len(script)%2 == 0 {
				b.Close()
			}
			for range 3 {
				select {
				case err := <-results:
					var e *wire.Error
					if err != nil && !errors.As(err, &e) {
						t.Errorf("got a bare %T: %v", err, err)
					}
				case <-time.After(time.Hour):
					t.Fatal("an exchange hangs")
				}
			}
			c.Close()
			b.Close()
			synctest.Wait()
			time.Sleep(2 * time.Second)
			if st := c.State(); st.InFlight != 0 || st.Phase != wire.ConnClosed || budget.Used() != 0 {
				t.Errorf("got %+v, %d bytes in use", st, budget.Used())
			}
		})
	})
}
