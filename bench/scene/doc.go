// Package scene holds the scenarios: who does what against which server, and for
// how long.
//
// # Overview
//
// A Scene has a name, by which the command line and the aims know it, the server
// that it needs and the options of its subjects. All lists them, one kind a file.
// Run starts the server, measures and stops it. The scenes of the short run are
// those that the aims are about, with few subjects.
//
// # Concurrency
//
// One scene runs at a time.
//
// # Limitations
//
// A scene whose server is not installed, or for which the system permits too few
// open files, fails with ErrUnavailable.
package scene
