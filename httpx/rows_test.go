package httpx_test

import "testing"

// TestRows says which test shows which promise, where its name does not. The
// numbers are those of FEATURES.md.
func TestRows(t *testing.T) {
	for _, row := range []struct {
		name string
		test func(t *testing.T)
	}{
		{"A15.1 each timeout", TestEachTimeoutNamesItselfAndFiresInTime},
		{"A15.1 switched off", TestDisabledTimeoutsNeverFire},
		{"A15.3 steady is not silent", TestSlowButSteadyPeerIsNoTimeout},
		{"A15.4 a steady upload", TestSteadyUploadToASilentServer},
		{"A15.7 the deadline is the total", TestDeadlineIsTheTotalLimit},
		{"A16.9 connecting again", TestConnectRetries},
		{"A16.9 not after a refused certificate", TestRefusedCertificateIsNotRetried},
		{"A17.4 content cut short", TestShortBodyIsAnError},
		{"A17.5 interim responses and trailers", TestTrailersInterimAndContinue},
		{"A17.6 upgrade", TestUpgrade},
		{"A17.8 Expect: 100-continue", TestTrailersInterimAndContinue},
		{"A20.6 local address", TestLocalAddr},
		{"A20.6 Unix socket", TestUnixSocket},
		{"B13 until the head", TestHeaderTimeout},
		{"B18 upgrade", TestUpgrade},
		{"B44 local address", TestLocalAddr},
		{"B52 allocations", TestAllocationBudget},
		{"C21 a drip and a deadline", TestDeadlineIsTheTotalLimit},
		{"C37 DNS, refusal, own dialler", TestConnectErrors},
	} {
		t.Run(row.name, row.test)
	}
}
