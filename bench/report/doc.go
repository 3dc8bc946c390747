// Package report prints what measure has found: as tables for people, as a page
// with charts, and as lines for benchstat.
//
// # Overview
//
// Lines writes one line per subject and round in the format of Go's own
// benchmarks, so that benchstat can compare two runs. Table prints the medians
// over the rounds, Ratios the pairwise verdicts, and Aims whether the project's
// aims hold. HTML makes a page of all that with charts, Markdown tables for a README.
//
// # Concurrency
//
// Pure functions over an io.Writer.
//
// # Limitations
//
// What is written is not read again here; benchstat reads what Lines writes.
package report
