// Package interop holds tests that run the client against the servers that most
// of the web runs on, each started by the test itself on loopback, in cleartext
// and over TLS: nginx, Apache httpd, Caddy and HAProxy, over HTTP/1.1 also
// lighttpd, over HTTP/2 also nghttpd, h2o and Node.js; and through the proxies
// that stand before it: squid, tinyproxy, HAProxy, Dante and microsocks.
//
// # Overview
//
// make interop prints two tables of what passed with which server: HTTP/1.1, and
// HTTP/2 by ALPN over TLS and by prior knowledge in cleartext; and one of proxies,
// each reached at both loopback addresses where it listens there, and asked for
// origins at both, in cleartext and over TLS with either protocol. A server serves
// files of its own and passes the rest to a small backend within the test, so
// that it frames both requests and responses itself. Servers that are not
// installed are listed; with INTEROP_REQUIRED set (make interop does so in CI)
// they fail the test. make interop-deps installs them on Debian and Ubuntu.
//
// # Concurrency
//
// Servers are tested one after the other. Each is a child of the test, runs as
// a single process where it can, and ends with the test.
//
// # Limitations
//
// The configuration of Apache httpd assumes Debian's place for its modules. Only
// nginx is reloaded. nginx and h2o (2.2, as in Debian) pass no trailers of a
// backend on; nginx sends one of its own. microsocks listens at one address, so
// that each loopback address has one to itself. HAProxy as a proxy stands before
// squid, since it makes no connections by name.
package interop
