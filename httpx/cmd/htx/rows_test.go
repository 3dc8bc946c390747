package main

import "testing"

// TestRows says which test shows which promise. The numbers are those of the
// library's list of features.
func TestRows(t *testing.T) {
	for _, row := range []struct {
		name string
		test func(t *testing.T)
	}{
		{"A25 flags", TestRequests},
		{"A25 bad usage", TestUsage},
		{"A25 help", TestHelpAndVersion},
		{"A25 exit status", TestExitCodeIsThatOfTheStatus},
		{"A25 failures", TestFailedRequests},
		{"A25 verbose", TestVerbose},
	} {
		t.Run(row.name, row.test)
	}
}
