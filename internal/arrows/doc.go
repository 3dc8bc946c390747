// Package arrows holds a test and nothing else: which package of the module may
// import which, and which third-party packages each may use.
//
// # Overview
//
// The table in arrows_test.go is the architecture. A package that is not in it
// and an import that it does not allow fail the test. It reads the source
// files themselves, those of every platform, and not the output of go list: only
// so does the test cache see that they have changed.
//
// # Concurrency
//
// None.
//
// # Limitations
//
// Test files are not bound: they may use internal/peer, internal/memconn and
// whatever go.mod has. Nested modules (the command, the benchmarks, the tools)
// have their own go.mod, which is their fence.
package arrows
