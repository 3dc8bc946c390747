package httpx

import (
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"
)

// pair is one query parameter, not yet encoded.
type pair struct{ key, value string }

// queryPairs reads the arguments of WithQuery: keys and values in turn. A slice
// repeats its key, nil is the empty string.
func queryPairs(kv []any) ([]pair, error) {
	if len(kv)%2 != 0 {
		return nil, fmt.Errorf("WithQuery: %d arguments; keys and values must alternate", len(kv))
	}
	ps := make([]pair, 0, len(kv)/2)
	for i := 0; i < len(kv); i += 2 {
		k, ok := kv[i].(string)
		if !ok {
			return nil, fmt.Errorf("WithQuery: argument %d is a %T; a key must be a string", i+1, kv[i])
		}
		v := kv[i+1]
		if rv := reflect.ValueOf(v); rv.Kind() == reflect.Slice && rv.Type().Elem().Kind() != reflect.Uint8 {
			for j := range rv.Len() {
				ps = append(ps, pair{k, queryValue(rv.Index(j).Interface())})
			}
			continue
		}
		ps = append(ps, pair{k, queryValue(v)})
	}
	return ps, nil
}

func queryValue(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []byte:
		return string(v)
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	}
	return fmt.Sprint(v)
}

// mergeQuery returns client's pairs, without the keys that the request names,
// followed by the request's.
func mergeQuery(client, request []pair) []pair {
	if len(client) == 0 {
		return request
	}
	out := make([]pair, 0, len(client)+len(request))
	for _, c := range client {
		replaced := false
		for _, r := range request {
			replaced = replaced || r.key == c.key
		}
		if !replaced {
			out = append(out, c)
		}
	}
	return append(out, request...)
}

func encodeQuery(ps []pair) string {
	var b strings.Builder
	for i, p := range ps {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(p.key))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(p.value))
	}
	return b.String()
}
