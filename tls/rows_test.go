package tls

import "testing"

// TestRows says which test shows which promise. The numbers are those of the
// project's list of features.
func TestRows(t *testing.T) {
	for _, row := range []struct {
		name string
		test func(t *testing.T)
	}{
		{"A21.1 authorities from files", TestConfigFiles},
		{"A21.3 options over a copy of the base", TestConfigTakesOptionsOverBase},
		{"A21.4 names", TestServerName},
		{"A21.5 what was wrong with a certificate", TestVerificationErrors},
		{"B43 versions", TestVersions},
		{"B43 resumption", TestResumption},
		{"B43 key log", TestKeyLog},
		{"B43 client certificates", TestClientCertificates},
		{"B43 what crypto/tls has besides", TestConfigKeepsWhatBaseSays},
	} {
		t.Run(row.name, row.test)
	}
}
