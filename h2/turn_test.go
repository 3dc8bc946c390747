package h2

import "testing"

// One that sends alone has a long turn if the peer takes it, and within what the
// write buffer holds; with another in the queue a small request has not long to wait.
func TestTurn(t *testing.T) {
	for _, tt := range []struct {
		name     string
		takes    uint32
		others   bool
		buffered int
		want     int
	}{
		{"alone", 1 << 20, false, 0, quantumLone},
		{"alone, the least that is large", quantumLone, false, 0, quantumLone},
		{"alone, one less", quantumLone - 1, false, 0, quantum},
		{"alone, usual frames", MinMaxFrameSize, false, 0, quantum},
		{"alone, half a buffer", 1 << 20, false, maxWrite / 2, quantumLone},
		{"alone, the last byte of a buffer", 1 << 20, false, maxWrite - 1, quantum + 1 - FrameHeaderLen},
		{"another waits", 1 << 20, true, 0, quantum},
		{"another waits, the last byte", 1 << 20, true, maxWrite - 1, quantum},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &Conn{wbuf: make([]byte, tt.buffered)}
			c.peer.MaxFrameSize = tt.takes
			if tt.others {
				c.sendq.push(&stream{})
			}
			n := c.turnLocked()
			if n != tt.want || n+tt.buffered > maxWrite+quantum || !tt.others && FrameHeaderLen+n+tt.buffered > maxWrite+quantum {
				t.Errorf("got %d, want %d", n, tt.want)
			}
		})
	}
}

// Fields on their way into the encoder are secret, even those beyond the end.
func TestPutFields(t *testing.T) {
	all := field("authorization", "secret", "cookie", "secret", "x", "y")
	cut := all[:1]
	putFields(&cut)
	for i, f := range all {
		if f.Name != "" || f.Value != "" {
			t.Errorf("%d: %v is left", i, f)
		}
	}
}

// A stream object that is used again has no wake-up of the stream before.
func TestStreamIsAsNew(t *testing.T) {
	c := &Conn{}
	s := c.getLocked()
	wakeUp(s.wake)
	wakeUp(s.sendWake)
	s.id, s.over, s.told = 1, true, true
	s.recycleLocked()
	if again := c.getLocked(); again != s || s.id != 0 || len(s.wake)+len(s.sendWake) != 0 {
		t.Errorf("the same object: %v; number %d, wake-ups %d and %d", again == s, s.id, len(s.wake), len(s.sendWake))
	}
}
