package h2

import "testing"

// The reader gives the lock up, and calls the hook that is due, after so many uses at
// the latest; and whom it has noted is woken before the hook, which may take its time.
func TestReaderLock(t *testing.T) {
	c := &Conn{}
	s := &stream{c: c, wake: make(chan struct{}, 1)}
	calls, held, asleep := 0, 0, 0
	c.OnChange(func() {
		calls++
		if !c.mu.TryLock() {
			held++
			return
		}
		c.mu.Unlock()
		select {
		case <-s.wake:
		default:
			asleep++
		}
	})
	const uses = 10 * longRun
	for range uses {
		c.readerLock()
		if c.mu.TryLock() {
			t.Fatal("the lock is free")
		}
		c.tell = true
		c.in.wakeLater(s)
	}
	c.readerUnlock()
	if calls != uses/longRun || held != 0 || asleep != 0 {
		t.Errorf("%d calls of the hook, %d with the lock held, %d before the wake", calls, held, asleep)
	}
	if c.readerUnlock(); c.in.holds || !c.mu.TryLock() {
		t.Error("the lock is held")
	}
}
