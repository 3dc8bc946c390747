package httpx

import "runtime"

// InFlight says how many turns of WithMaxInFlight are out and how many calls wait
// for one.
func InFlight(c *Client) (used, waiting int) {
	s := c.shared.slots
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used, len(s.waiting)
}

// AwaitWaiting returns when n calls wait.
func AwaitWaiting(c *Client, n int) {
	for {
		if _, waiting := InFlight(c); waiting == n {
			return
		}
		runtime.Gosched()
	}
}
