// Package measure runs subjects against each other and says what can be
// trusted of the outcome.
//
// # Overview
//
// A Round gives every subject one Slice of time, in an order that changes from
// round to round. What differs between two subjects of one round is then the
// subjects, not the hour: the machine's load, its clock and its caches are the
// same for both. Compare pairs the slices of two subjects round by round and
// gives the median of the ratios with its interval.
//
// CPU time is that of this process, from the operating system: the server must
// run in another one.
//
// # Concurrency
//
// One slice runs at a time; nothing here may be called concurrently.
//
// # Limitations
//
// A slice counts all CPU time of the process. Nothing else should run in it.
package measure
