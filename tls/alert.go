package tls

import (
	"errors"
	"net"
	"reflect"
)

// alertTexts say what an alert of the server means to whoever runs the client
// (RFC 8446 §6.2).
var alertTexts = map[uint64]string{
	40:  "the server found no parameters that suit both: it may want another version, other cipher suites or a client certificate",
	42:  "the server refused the client certificate, or that there was none",
	43:  "the server does not take client certificates of this type",
	44:  "the server says that the client certificate was revoked",
	45:  "the server says that the client certificate has expired",
	46:  "the server refused the client certificate",
	48:  "the server does not trust the authority that signed the client certificate",
	49:  "the server does not let the owner of this client certificate in",
	70:  "the server speaks none of the TLS versions on offer: see MinVersion and MaxVersion",
	112: "the server has no certificate for this name",
	116: "the server wants a client certificate and was given none that it accepts",
	120: "the server speaks none of the protocols on offer (ALPN)",
}

// isAlert reports whether err is an alert that the server has sent.
func isAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}

// explainAlert returns "" for what is no alert, or one that says nothing more.
// crypto/tls does not export the type: it is a byte.
func explainAlert(err error) string {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return ""
	}
	v := reflect.ValueOf(op.Err)
	if v.Kind() != reflect.Uint8 {
		return ""
	}
	text, ok := alertTexts[v.Uint()]
	if !ok {
		return ""
	}
	return text + " (" + printable(op.Error()) + ")"
}
