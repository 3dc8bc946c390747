package h2_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/h2"
	"gohttpx.dev/wire"
)

// What comes in one read is dealt with at once, and callers are woken after it. But
// none waits for what may take its time: here each of these waits for the caller.
func TestBatch(t *testing.T) {
	var blocks []byte // of a server's encoder: 204, which is in the static table
	blocks = append(blocks, 0x89)
	answer := func(id uint32) []byte {
		return h2.AppendHeaders(nil, id, blocks, h2.HeadersOptions{EndStream: true})
	}
	ping := h2.AppendPing(nil, [8]byte{}, false)

	t.Run("OnFrame", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			var c atomic.Pointer[h2.Conn]
			done := make(chan struct{})
			f := start(t, h2.Config{OnFrame: func(out bool, fr h2.Frame) {
				if c := c.Load(); c != nil && !out && fr.Type == h2.FramePing {
					c.PeerSettings() // which takes the connection's lock
					<-done
				}
			}})
			c.Store(f.c)
			k := f.do(t.Context(), never(get("/")))
			f.WantHeaders(1, "", "a request")
			f.SendRaw(join(answer(1), ping, ping))
			k.ok(204, "")
			close(done)
			f.Want(h2.FramePing, 0, "an answer")
			f.Want(h2.FramePing, 0, "another")
		})
	})
	t.Run("OnChange", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{}, h2.Setting{ID: h2.SettingMaxConcurrentStreams, Value: 1})
			k := f.do(t.Context(), never(get("/")))
			f.WantHeaders(1, "", "a request")
			called := make(chan struct{})
			f.c.OnChange(func() {
				select {
				case <-called:
				default:
					close(called)
					<-k.done
				}
			})
			began := time.Now()
			f.SendRaw(join(answer(1), h2.AppendSettings(nil, h2.Setting{ID: h2.SettingMaxConcurrentStreams, Value: 2})))
			k.ok(204, "")
			if d := time.Since(began); d != 0 {
				t.Fatalf("the caller was woken after %v", d)
			}
			<-called
			f.WantSettingsAck("the hook has returned")
			f.alive()
		})
	})
	t.Run("the writer", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{Write: wire.Never, PingInterval: -1})
			long := f.do(t.Context(), never(get("/")))
			f.WantHeaders(1, "", "a request")
			k := f.do(t.Context(), never(get("/")))
			f.WantHeaders(3, "", "another")
			f.SendHeaders(1, false, ":status", "200")
			f.nc.SetCapacity(20)
			paid := join(h2.AppendData(nil, 1, []byte("x"), false, 0), ping, ping, ping)
			const rounds = 499 // one answer is on its way, 1496 wait
			for range rounds {
				f.SendRaw(paid)
				synctest.Wait()
			}
			// More than may wait: the reader stands still in the middle of this.
			b := answer(3)
			for range 10 {
				b = append(b, paid...)
			}
			f.SendRaw(append(b, h2.AppendData(nil, 1, nil, true, 0)...))
			k.ok(204, "")
			synctest.Wait()
			select {
			case <-long.done:
				t.Error("the reader has gone on")
			default:
			}
			for range 3 * (rounds + 10) {
				f.Want(h2.FramePing, 0, "an answer")
			}
			<-long.done
			if long.err != nil || len(long.body) != rounds+10 {
				t.Errorf("got %v, %d bytes", long.err, len(long.body))
			}
		})
	})
}
