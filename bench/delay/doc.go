// Package delay is a long wire: a proxy for TCP connections that delivers every
// byte a fixed time after it came.
//
// # Overview
//
// Listen starts a Proxy on loopback in front of one address. What goes through it
// in either direction is late by the same time, so that a round trip takes twice
// that longer. The order and the rate stay as they are: a wire that is long, not
// one that is narrow.
//
// # Concurrency
//
// Each connection has four goroutines, two for each direction, which end with
// it. Close ends all connections and waits for their goroutines.
//
// # Limitations
//
// Connecting itself is not delayed, nothing is lost, and there is no congestion
// control over the delay, as TCP would have: the numbers show how the windows of
// HTTP/2 are managed and nothing else. At most 128 MiB are under way in one
// direction; then the proxy takes no more.
package delay
