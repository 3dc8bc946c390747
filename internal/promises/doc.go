// Package promises holds tests and nothing else: that each test which SECURITY.md
// names is there, and that no row of its tables is without one; that the guides and
// the index of examples name what exists, and all of it; that links lead somewhere.
//
// # Overview
//
// The tests read the documents and the source files of the tests. They are in this module,
// not beside the other tools, since the test cache sees changes of no files outside the
// module that a test belongs to. That the tests pass is for go test to say.
//
// # Concurrency
//
// None.
//
// # Limitations
//
// The name of a subtest is looked for as text in the test files of its package, so that
// names which are put together are found by how they begin.
package promises
