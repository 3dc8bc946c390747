package httpx

import (
	"encoding"
	"fmt"
	"math"
	"net/url"
	"reflect"
	"strconv"
)

// WithQuery adds query parameters: keys and values in turn, or one QueryParams
// or url.Values. They are appended to the URL's own, which stay as they are; a
// request's replace the client's of the same key.
//
// A value is text: a string or a []byte as it is, true and false, numbers in
// decimal, what has MarshalText or String by that, a pointer as what it points
// to, nil as the empty string, and anything else as fmt.Sprint writes it. A
// slice repeats its key, not at all if it is empty. OmitZero leaves a zero value
// out. A function or a channel, which has no text, is an error.
func WithQuery(keysAndValues ...any) Option {
	ps, err := queryPairs("WithQuery", keysAndValues)
	return option(func(s *settings) error {
		s.query = append(s.query[:len(s.query):len(s.query)], ps...)
		return err
	})
}

// SetQuery makes its parameters, given as to WithQuery, the whole query: those of
// the URL, of the client and of options before it go. Without arguments the
// request has no query.
func SetQuery(keysAndValues ...any) RequestOption {
	ps, err := queryPairs("SetQuery", keysAndValues)
	return setQuery{ps, err}
}

type setQuery struct {
	pairs []pair
	err   error
}

func (o setQuery) applyRequest(r *Request) error {
	r.settings.query = o.pairs
	r.settings.ownQuery = true
	return o.err
}

// SpaceAsPercent20 makes WithQuery and SetQuery write a space as "%20" instead of
// "+", for servers and signatures that want it so.
func SpaceAsPercent20() Option {
	return option(func(s *settings) error { s.percent20 = true; return nil })
}

// OmitZero wraps a query value that is to be left out, key and all, where it is
// the zero value of its type: "", 0, false, nil, an empty slice, or what says so
// by IsZero.
func OmitZero(value any) any { return omitZero{value} }

type omitZero struct{ value any }

func (o omitZero) zero() bool {
	if z, ok := o.value.(interface{ IsZero() bool }); ok {
		v := reflect.ValueOf(o.value)
		return v.Kind() == reflect.Pointer && v.IsNil() || z.IsZero()
	}
	v := reflect.ValueOf(o.value)
	return !v.IsValid() || v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0
}

// queryPairs reads the arguments of the named function.
func queryPairs(name string, args []any) ([]pair, error) {
	if len(args) == 1 {
		switch v := args[0].(type) {
		case QueryParams:
			return v.pairs, v.err
		case url.Values:
			return FromValues(v).pairs, nil
		}
	}
	if len(args)%2 != 0 {
		return nil, fmt.Errorf("%s: %d arguments; keys and values must alternate", name, len(args))
	}
	ps := make([]pair, 0, len(args)/2)
	for i := 0; i < len(args); i += 2 {
		k, ok := args[i].(string)
		if !ok {
			return nil, fmt.Errorf("%s: argument %d is a %T; a key must be a string", name, i+1, args[i])
		}
		var err error
		if ps, err = appendValue(ps, k, args[i+1]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return ps, nil
}

// appendValue appends the parameters that one value makes.
func appendValue(ps []pair, key string, v any) ([]pair, error) {
	if o, ok := v.(omitZero); ok {
		if o.zero() {
			return ps, nil
		}
		v = o.value
	}
	rv := reflect.ValueOf(v)
	if k := rv.Kind(); (k != reflect.Slice && k != reflect.Array) || rv.Type().Elem().Kind() == reflect.Uint8 || hasText(v) {
		s, err := queryValue(key, v)
		if err != nil {
			return nil, err
		}
		return append(ps, pair{key, s}), nil
	}
	for i := range rv.Len() {
		s, err := queryValue(key, rv.Index(i).Interface())
		if err != nil {
			return nil, err
		}
		ps = append(ps, pair{key, s})
	}
	return ps, nil
}

// hasText reports whether v says itself what its text is.
func hasText(v any) bool {
	switch v.(type) {
	case encoding.TextMarshaler, fmt.Stringer, error:
		return true
	}
	return false
}

// queryValue is the text of one value.
func queryValue(key string, v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case []byte:
		return string(v), nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	}
	rv := reflect.ValueOf(v)
	if rv.Kind() == reflect.Pointer && rv.IsNil() {
		return "", nil
	}
	if m, ok := v.(encoding.TextMarshaler); ok {
		b, err := m.MarshalText()
		if err != nil {
			return "", fmt.Errorf("the value of %q: %w", key, err)
		}
		return string(b), nil
	}
	if hasText(v) {
		return fmt.Sprint(v), nil
	}
	switch rv.Kind() {
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return "", fmt.Errorf("the value of %q is a %T, which has no text", key, v)
	case reflect.Pointer:
		if k := rv.Elem().Kind(); k != reflect.Pointer && rv.Elem().CanInterface() {
			return queryValue(key, rv.Elem().Interface())
		}
	case reflect.Slice:
		if rv.Type().Elem().Kind() == reflect.Uint8 {
			return string(rv.Bytes()), nil
		}
	case reflect.Float32:
		return floatText(rv.Float(), 32), nil
	case reflect.Float64:
		return floatText(rv.Float(), 64), nil
	}
	return fmt.Sprint(v), nil
}

// floatText writes a number as JSON does: an exponent only where the digits
// would be no help.
func floatText(f float64, bits int) string {
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'g'
	}
	return strconv.FormatFloat(f, format, -1, bits)
}
