package tls

import (
	"fmt"
	"reflect"
	"strings"
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
	if o.KeyLogWriter != nil {
		identity(&b, o.KeyLogWriter)
	}
	return b.String()
}

// identity writes which object v is; for a value that is no pointer, what it is.
func identity(b *strings.Builder, v any) {
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Pointer, reflect.Chan, reflect.Map, reflect.UnsafePointer:
		fmt.Fprintf(b, " %T %p", v, v)
	default:
		fmt.Fprintf(b, " %T %#v", v, v)
	}
}
