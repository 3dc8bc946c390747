package httpx

import (
	"strings"

	"gohttpx.dev/wire"
)

// masked is the value of a field without what may be secret in it.
func masked(f wire.Field) string {
	switch {
	case isSecret(f):
		return "[secure]"
	case isURLField(f.Name):
		return redactTarget(f.Value)
	}
	return f.Value
}

// isURLField reports a field whose value is a URL, which may have a secret query.
func isURLField(name string) bool {
	for _, n := range [...]string{"Location", "Content-Location", "Referer", "Refresh", "Link"} {
		if wire.EqualFold(name, n) {
			return true
		}
	}
	return false
}

// redactTarget masks what may be secret in a request target or a field with a
// URL: user information, the values of a query, the fragment. It looks at text,
// since what is shown need not be a legal URL.
func redactTarget(s string) string {
	before, query, ok := strings.Cut(s, "?")
	if !ok {
		before, _, ok = strings.Cut(s, "#")
		if ok {
			before += "#…"
		}
	}
	if i := strings.Index(before, "//"); i >= 0 {
		authority, path := before[i+2:], ""
		if j := strings.IndexByte(authority, '/'); j >= 0 {
			authority, path = authority[:j], authority[j:]
		}
		if j := strings.LastIndexByte(authority, '@'); j >= 0 {
			authority = "…" + authority[j:]
		}
		before = before[:i+2] + authority + path
	}
	if query == "" {
		return before
	}
	query, _, cut := strings.Cut(query, "#")
	pairs := strings.Split(query, "&")
	for i, p := range pairs {
		if k, v, ok := strings.Cut(p, "="); ok && v != "" {
			pairs[i] = k + "=…"
		} else if !ok && p != "" {
			pairs[i] = "…"
		}
	}
	before += "?" + strings.Join(pairs, "&")
	if cut {
		before += "#…"
	}
	return before
}
