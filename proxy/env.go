package proxy

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"unicode"
)

// Env is what the environment says about proxies. It is immutable and safe for
// concurrent use.
type Env struct {
	routes  []Route // sorted by Compare; of equals the direct one first
	ignored []string
}

// Route says where the requests go that match a pattern.
type Route struct {
	// Pattern says which URLs the route is for.
	Pattern Pattern
	// Proxy is the proxy, nil for none.
	Proxy *URL
	// Err is why the variable behind the route cannot be used. A request that
	// the route applies to must fail with it: the user wants a proxy, and going
	// around it would be wrong.
	Err error
}

// FromEnvironment reads HTTP_PROXY, HTTPS_PROXY and ALL_PROXY (for http, for
// https, for every other request) and NO_PROXY through lookup, which is
// os.LookupEnv or a function like it; nil stands for an empty environment. The
// variables are read once.
//
// The name in lower case wins over the one in upper case, even with an empty
// value, which means no proxy. HTTP_PROXY in upper case is ignored while
// REQUEST_METHOD is set: the program then runs as a CGI script, whose
// environment has HTTP_PROXY from a field "Proxy" that anybody can send
// (CVE-2016-5386). On Windows, where names have no case, http_proxy is ignored
// then as well. A value without "://" is taken for an http:// URL.
//
// NO_PROXY is a list, separated by commas or blanks. One "*" in it switches all
// the others off. An entry is
//
//   - a name: the host and all names below it; "localhost" the host alone;
//   - ".name" or "*.name": the names below it and not the name itself;
//   - an IP address, IPv6 with or without brackets;
//   - a network: 10.0.0.0/8, fd00::/8;
//   - each of these but a bare IPv6 address and a network with ":port", for that
//     port only (IPv6 in brackets then);
//   - with "://", a pattern: see ParsePattern.
//
// Requests to this machine go through the proxy too. Neither localhost nor
// 127.0.0.1 nor [::1] is exempt unless NO_PROXY names it. Some clients never use
// a proxy for these; others always did, and here what the environment says
// holds: NO_PROXY=localhost,127.0.0.0/8,::1 is the way to say otherwise.
//
// The error joins what is wrong with the proxies' variables, each by an *Error
// with StepEnvironment that names it. The Env can be used all the same: only
// requests that need such a variable fail. What is wrong in NO_PROXY is no
// error, see Ignored.
func FromEnvironment(lookup func(string) (string, bool)) (*Env, error) {
	return fromEnvironment(lookup, runtime.GOOS == "windows")
}

func fromEnvironment(lookup func(string) (string, bool), foldNames bool) (*Env, error) {
	e := new(Env)
	if lookup == nil {
		return e, nil
	}
	_, cgi := lookup("REQUEST_METHOD")
	get := func(lower, upper string) (name, value string) {
		if cgi && foldNames && lower == "http_proxy" {
			return "", ""
		}
		if v, ok := lookup(lower); ok {
			return lower, strings.TrimSpace(v)
		}
		if cgi && lower == "http_proxy" {
			return "", ""
		}
		v, _ := lookup(upper)
		return upper, strings.TrimSpace(v)
	}
	_, no := get("no_proxy", "NO_PROXY")
	if !e.exempt(no) {
		return &Env{ignored: e.ignored}, nil
	}
	var errs []error
	for _, one := range [...]struct{ lower, upper, scheme string }{
		{"http_proxy", "HTTP_PROXY", "http"}, {"https_proxy", "HTTPS_PROXY", "https"}, {"all_proxy", "ALL_PROXY", ""},
	} {
		name, value := get(one.lower, one.upper)
		if value == "" {
			continue
		}
		r := Route{Pattern: Pattern{scheme: one.scheme}}
		if !strings.Contains(value, "://") {
			value = "http://" + value
		}
		u, why := parseURL(value)
		if why != "" {
			r.Err = usage(StepEnvironment, "%s: %s", name, why)
			errs = append(errs, r.Err)
		} else {
			r.Proxy = &u
		}
		e.routes = append(e.routes, r)
	}
	slices.SortStableFunc(e.routes, func(a, b Route) int { return Compare(a.Pattern, b.Pattern) })
	return e, errors.Join(errs...)
}

// exempt takes NO_PROXY. It reports false if that switches everything off.
func (e *Env) exempt(list string) bool {
	var routes []Route
	ats := strings.Count(list, "@")
	for _, entry := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		if entry == "*" {
			return false
		}
		p, ok := parseExempt(entry)
		switch {
		case !ok:
			e.ignored = append(e.ignored, maskUser(entry, ats))
		case p == Pattern{}: // all://*, which is "*" in another form
			return false
		default:
			routes = append(routes, Route{Pattern: p})
		}
		ats -= strings.Count(entry, "@")
	}
	e.routes = routes
	return true
}

// maskUser hides what may be a user and a password in an entry of a list that has
// so many "@" from there on. One in a later entry hides all of this one: the
// password may have had a comma.
func maskUser(entry string, ats int) string {
	if i := strings.LastIndexByte(entry, '@'); i >= 0 && strings.Count(entry, "@") == ats {
		return "***" + entry[i:]
	}
	if ats > 0 {
		return "***"
	}
	return entry
}

// parseExempt parses one entry of NO_PROXY.
func parseExempt(s string) (Pattern, bool) {
	if scheme, host, ok := strings.Cut(s, "://"); ok {
		p, why := parsePattern(strings.ToLower(scheme), host)
		return p, why == ""
	}
	p, why := parsePattern("all", s)
	if why != "" || strings.HasSuffix(s, "/") {
		return Pattern{}, false
	}
	if p.kind == hostName && p.name != "localhost" {
		p.kind = hostTree
	}
	return p, true
}

// ProxyFor returns the proxy for requests to an origin, or nil for none: none
// if an entry of NO_PROXY matches, else the one for the scheme, else that of
// ALL_PROXY. host and port are as for Pattern.Match. The error is that of the
// variable that should have said which proxy.
func (e *Env) ProxyFor(scheme, host, port string) (*URL, error) {
	o := toOrigin(scheme, host, port)
	for i := range e.routes {
		if r := &e.routes[i]; r.Pattern.match(o) {
			return r.Proxy, r.Err
		}
	}
	return nil, nil
}

// Routes returns what ProxyFor goes by, the most specific pattern first, for
// callers that have patterns of their own in the same table. The caller owns the
// slice, but not the URLs.
func (e *Env) Routes() []Route { return slices.Clone(e.routes) }

// Ignored returns the entries of NO_PROXY that are no valid patterns and so
// match nothing, in order. They are for a warning in a log: what stands before an
// "@" is "***", since it may be a password.
func (e *Env) Ignored() []string { return slices.Clone(e.ignored) }
