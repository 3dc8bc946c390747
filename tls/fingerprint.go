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
	r := reflect.ValueOf(v)
	switch {
	case r.Kind() == reflect.Map, r.Comparable():
		value(b, r)
	default:
		fmt.Fprintf(b, " %T no. %d", v, unlike.Add(1))
	}
}

// value writes a type and what == compares of its values. No method is asked, as
// package fmt would ask String or GoString: two values may well say the same.
func value(b *strings.Builder, v reflect.Value) {
	if !v.IsValid() {
		b.WriteString(" nil")
		return
	}
	fmt.Fprintf(b, " %p", v.Type()) // a name may be that of several types
	switch v.Kind() {
	case reflect.Pointer, reflect.Chan, reflect.Map, reflect.UnsafePointer:
		fmt.Fprintf(b, " %#x", v.Pointer())
	case reflect.String:
		fmt.Fprintf(b, " %q", v.String())
	case reflect.Interface:
		value(b, v.Elem())
	case reflect.Array:
		for i := range v.Len() {
			value(b, v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			value(b, v.Field(i))
		}
	case reflect.Bool:
		fmt.Fprintf(b, " %t", v.Bool())
	case reflect.Float32, reflect.Float64:
		fmt.Fprintf(b, " %b", v.Float())
	case reflect.Complex64, reflect.Complex128:
		fmt.Fprintf(b, " %b", v.Complex())
	default:
		if v.CanInt() {
			fmt.Fprintf(b, " %d", v.Int())
		} else {
			fmt.Fprintf(b, " %d", v.Uint()) // of the kinds that can be compared it is the last
		}
	}
}

// unlike tells the values apart that cannot be compared.
var unlike atomic.Uint64
