//go:build race

package httpx_test

// raceEnabled says that the race detector is on, under which allocations do not
// count as they otherwise do.
const raceEnabled = true
