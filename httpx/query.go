package httpx

import (
	"iter"
	"log/slog"
	"net/url"
	"slices"
	"strings"
)

// QueryParams are the parameters of a query, decoded, in their order, repeated
// keys where they stand. It is a value: its methods change nothing and return a
// copy. The zero value is empty and ready.
//
// A call with arguments that are none (an odd number, a key that is no string)
// gives parameters that remember the error: Err returns it, WithQuery and
// SetQuery refuse it.
type QueryParams struct {
	pairs []pair
	err   error
}

// pair is one query parameter, not yet encoded.
type pair struct{ key, value string }

// Q makes parameters of keys and values in turn; see WithQuery for what a value
// may be.
func Q(keysAndValues ...any) QueryParams {
	ps, err := queryPairs("Q", keysAndValues)
	return QueryParams{ps, err}
}

// ParseQuery reads an encoded query, with or without its question mark: pairs
// between "&", "+" for a space. A key without "=" has the empty value, an empty
// pair is none, and what only looks like an escape stays as it is, so that every
// string is a query.
func ParseQuery(s string) QueryParams {
	s = strings.TrimPrefix(s, "?")
	if s == "" {
		return QueryParams{}
	}
	ps := make([]pair, 0, strings.Count(s, "&")+1)
	for p := range strings.SplitSeq(s, "&") {
		if p != "" {
			k, v, _ := strings.Cut(p, "=")
			ps = append(ps, pair{formUnescape(k), formUnescape(v)})
		}
	}
	return QueryParams{pairs: ps}
}

// FromValues makes parameters of those of net/url, whose keys have no order and
// are sorted.
func FromValues(v url.Values) QueryParams {
	keys := make([]string, 0, len(v))
	for k := range v {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var q QueryParams
	for _, k := range keys {
		for _, s := range v[k] {
			q.pairs = append(q.pairs, pair{k, s})
		}
	}
	return q
}

// ToValues returns the parameters as net/url has them.
func (q QueryParams) ToValues() url.Values {
	v := make(url.Values, len(q.pairs))
	for _, p := range q.pairs {
		v[p.key] = append(v[p.key], p.value)
	}
	return v
}

// Err returns the error of the call that made q, or of one before.
func (q QueryParams) Err() error { return q.err }

// Get returns the first value of that key, or "". Keys are case-sensitive.
func (q QueryParams) Get(key string) string {
	for _, p := range q.pairs {
		if p.key == key {
			return p.value
		}
	}
	return ""
}

// Has reports whether there is a parameter of that key.
func (q QueryParams) Has(key string) bool {
	return slices.ContainsFunc(q.pairs, func(p pair) bool { return p.key == key })
}

// Values returns all values of that key in order; nil if there is none.
func (q QueryParams) Values(key string) []string {
	var vs []string
	for _, p := range q.pairs {
		if p.key == key {
			vs = append(vs, p.value)
		}
	}
	return vs
}

// Keys returns the keys, each once, in the order in which they first stand.
func (q QueryParams) Keys() []string {
	seen := make(map[string]bool, len(q.pairs))
	keys := make([]string, 0, len(q.pairs))
	for _, p := range q.pairs {
		if !seen[p.key] {
			seen[p.key] = true
			keys = append(keys, p.key)
		}
	}
	return keys
}

// Len returns the number of keys. All counts a repeated one again.
func (q QueryParams) Len() int { return len(q.Keys()) }

// All iterates over key and value of every parameter, in order.
func (q QueryParams) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, p := range q.pairs {
			if !yield(p.key, p.value) {
				return
			}
		}
	}
}

// Set returns q with the value in place of the first of that key, and without
// the others; with no such key it is appended. Of a slice the values stand
// together. See WithQuery for what a value may be.
func (q QueryParams) Set(key string, value any) QueryParams {
	ps, err := appendValue(nil, key, value)
	if err != nil {
		return q.failed(err)
	}
	out := make([]pair, 0, len(q.pairs)+len(ps))
	for _, p := range q.pairs {
		if p.key != key {
			out = append(out, p)
			continue
		}
		out = append(out, ps...)
		ps = nil
	}
	return QueryParams{append(out, ps...), q.err}
}

// Add returns q with the value appended.
func (q QueryParams) Add(key string, value any) QueryParams {
	ps, err := appendValue(nil, key, value)
	if err != nil {
		return q.failed(err)
	}
	return QueryParams{slices.Concat(q.pairs, ps), q.err}
}

// Del returns q without the parameters of that key.
func (q QueryParams) Del(key string) QueryParams {
	out := slices.Clone(q.pairs)
	return QueryParams{slices.DeleteFunc(out, func(p pair) bool { return p.key == key }), q.err}
}

// Merge returns q without the keys of over, followed by over: per key it
// replaces.
func (q QueryParams) Merge(over QueryParams) QueryParams {
	if q.err == nil {
		q.err = over.err
	}
	return QueryParams{slices.Clone(mergeQuery(q.pairs, over.pairs)), q.err}
}

func (q QueryParams) failed(err error) QueryParams {
	if q.err == nil {
		q.err = err
	}
	return q
}

// Equal reports whether the two have the same parameters, whatever their order.
func (q QueryParams) Equal(o QueryParams) bool {
	if len(q.pairs) != len(o.pairs) {
		return false
	}
	count := make(map[pair]int, len(q.pairs))
	for _, p := range q.pairs {
		count[p]++
	}
	for _, p := range o.pairs {
		if count[p]--; count[p] < 0 {
			return false
		}
	}
	return true
}

// Encode returns the query, form-encoded: a space is "+", and all bytes but
// letters, digits and "-._~" are escaped.
func (q QueryParams) Encode() string { return encodeQuery(q.pairs, false) }

// EncodePercent20 is Encode with "%20" for a space, as signatures over the query
// often want it.
func (q QueryParams) EncodePercent20() string { return encodeQuery(q.pairs, true) }

// String returns the keys without their values, which may be secret, so that it
// can be logged. Encode returns the query.
func (q QueryParams) String() string {
	var b strings.Builder
	for i, p := range q.pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(escapeURL(p.key, urlPlain))
		b.WriteString("=…")
	}
	return b.String()
}

// GoString is what %#v prints: String, in quotes.
func (q QueryParams) GoString() string { return "httpx.QueryParams(\"" + q.String() + "\")" }

// LogValue is String for log/slog.
func (q QueryParams) LogValue() slog.Value { return slog.StringValue(q.String()) }

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

// encodeQuery is application/x-www-form-urlencoded, or the same with another
// space.
func encodeQuery(ps []pair, percent20 bool) string {
	n := 0
	for _, p := range ps {
		n += len(p.key) + len(p.value) + len("=&")
	}
	var b strings.Builder
	b.Grow(n + n/4)
	for i, p := range ps {
		if i > 0 {
			b.WriteByte('&')
		}
		escapeForm(&b, p.key, percent20)
		b.WriteByte('=')
		escapeForm(&b, p.value, percent20)
	}
	return b.String()
}

func escapeForm(b *strings.Builder, s string, percent20 bool) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c < 0x80 && urlSafe[c]&urlPlain != 0:
			b.WriteByte(c)
		case c == ' ' && !percent20:
			b.WriteByte('+')
		default:
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		}
	}
}

// formUnescape decodes a key or a value.
func formUnescape(s string) string {
	if strings.IndexByte(s, '+') >= 0 {
		s = strings.ReplaceAll(s, "+", " ")
	}
	return unescape(s)
}
