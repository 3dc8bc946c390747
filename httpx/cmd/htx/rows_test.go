package main

import "testing"

// TestRows has the rows of the library's list of features that no other test is
// named after. TestFlags, TestGolden and those of transfers have the rest.
func TestRows(t *testing.T) {
	for _, row := range []struct {
		name string
		test func(t *testing.T)
	}{
		{"A25.1 bad usage", TestUsage},
		{"A25.8 download", TestDownload},
		{"A25.10 nothing acts on the terminal", TestTerminal},
		{"A25.11 exit status", TestExitCodeIsThatOfTheStatus},
		{"A25.11 failures", TestFailedRequests},
		{"A25.12 help", TestHelpAndVersion},
	} {
		t.Run(row.name, row.test)
	}
}
