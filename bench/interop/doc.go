// Package interop holds a test that runs the client against the servers that
// most of the web runs on: nginx, Apache httpd, Caddy, HAProxy and lighttpd,
// each started by the test itself on loopback, in cleartext and over TLS.
//
// # Overview
//
// make interop prints a table of what passed with which server. A server serves
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
// The configuration of Apache httpd assumes Debian's place for its modules.
package interop
