// Package report prints what measure has found: as tables for people, and as
// lines for benchstat.
//
// # Overview
//
// Lines writes one line per subject and round in the format of Go's own
// benchmarks, so that benchstat can compare two runs. Table prints the medians
// over the rounds, Ratios the pairwise verdicts, and Aims whether the project's
// aims hold.
//
// # Concurrency
//
// Pure functions over an io.Writer.
//
// # Limitations
//
// Text only.
package report
