// Package proxy negotiates with proxies: CONNECT tunnels, requests that an HTTP
// proxy forwards, SOCKS5. It also reads proxies' URLs, patterns of origins and
// the proxy variables of the environment.
//
// # Overview
//
// Nothing here dials. Tunnel and SOCKS are given a fresh connection to the
// proxy, in cleartext or over TLS, and turn it into one to the target; whatever
// comes next, TLS with the target for instance, is the caller's. ForwardTarget
// and ForwardFields make a request one for a proxy to forward.
//
//	nc, err := dialer.DialContext(ctx, "tcp", u.Addr())
//	t := &proxy.Tunnel{Addr: "example.org:443", Authorization: basic}
//	nc, err = t.Connect(ctx, nc) // with a fresh nc again if errors.Is(err, proxy.ErrRedial)
//
// Credentials: Tunnel sends what Authorization says with its first request, and
// what Authorize answers after a 407, on the same connection if the proxy keeps
// it open and on a fresh one otherwise. Which scheme that is, and whether Basic is
// sent before the proxy has asked, is the caller's choice: it saves a round trip,
// and tells the password to whoever listens on the way to the proxy.
//
// Environment: FromEnvironment takes HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and
// NO_PROXY into an Env, whose ProxyFor says which proxy serves an origin. A
// proxy is used for localhost and loopback addresses as well, unless NO_PROXY
// names them.
//
// Patterns: Pattern is the key of a table of origins, and Compare its order.
//
// # Concurrency
//
// Env, Pattern, URL and the functions are safe for concurrent use. A Tunnel serves
// one negotiation at a time; a SOCKS may serve several at once. While one runs, the
// connection is closed as soon as the context ends; afterwards the context has no
// hold on it, and no goroutine is left.
//
// # Errors
//
// All are, or hold, an *Error with the step that failed, the status or the reply, and
// the start of what an HTTP proxy says about it. Those of Tunnel and SOCKS are in a
// *wire.Error of PhaseProxy, whose Kind tells a refusal from a broken protocol, a
// broken connection and a context that ended. ErrRedial is no failure: Connect wants
// a fresh connection. No text holds a credential, or what the proxy has sent.
//
// # Limitations
//
// No SOCKS4, no SOCKS5 BIND or UDP ASSOCIATE, no GSS-API. CONNECT is spoken over
// HTTP/1.1 alone. The proxy settings of the
// operating system and automatic configuration files are not read. Names beyond
// ASCII are taken in their A-label form only.
package proxy
