// Package interop holds tests of the client against other people's code:
// go-httpbin as a server, over HTTP/1.1 and HTTP/2, and users of
// http.RoundTripper (OpenTelemetry, httputil.ReverseProxy, a WebSocket library,
// OAuth 2) on top of it. It is a module of its own, so that the client does not
// depend on any of them.
package interop
