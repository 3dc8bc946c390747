package tls

import (
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
)

// Fingerprint returns a text that is equal for options which make
// interchangeable connections, as the key of a cache. What an option points at
// counts as the same only if it is the same object: the address of Base, RootCAs
// and a writer goes in, not what is behind it, and the text must not outlive
// them.
func (o Options) Fingerprint() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%p %q %p %q %q %q %d %d %t %q %t", o.Base, o.CAFile, o.RootCAs, o.CertFile, o.KeyFile,
		o.ServerName, o.MinVersion, o.MaxVersion, o.ALPN != nil, o.ALPN, o.InsecureSkipVerify)
	for i := range o.Certificates {
		fmt.Fprintf(&b, " %x", o.Certificates[i].Certificate) // its key is the one it names
	}
	if len(o.Pins) > 0 || o.Environment != nil || o.Handshaker != nil {
		fmt.Fprintf(&b, " %q %p %p", o.Pins, o.Environment, o.Handshaker)
	}
	if o.KeyLogWriter != nil {
		identity(&b, o.KeyLogWriter)
	}
	return b.String()
}

// identity writes which object v is; for a value that is no pointer, what it is.
// Two that cannot be compared, functions above all, are never the same: their
// text is another one each time.
func identity(b *strings.Builder, v any) {
	switch r := reflect.ValueOf(v); {
	case r.Kind() == reflect.Pointer, r.Kind() == reflect.Chan, r.Kind() == reflect.Map, r.Kind() == reflect.UnsafePointer:
		fmt.Fprintf(b, " %T %p", v, v)
	case r.Comparable():
		fmt.Fprintf(b, " %T %#v", v, v)
	default:
		fmt.Fprintf(b, " %T no. %d", v, unlike.Add(1))
	}
}

// unlike tells the values apart that cannot be compared.
var unlike atomic.Uint64
