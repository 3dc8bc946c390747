package httpx

import (
	"net/url"
	"strings"
)

// What is beyond these is ignored. A link of three bytes may come to as much as the
// URL that it is relative to, and so does one that turns out to be none.
const (
	maxLinks      = 500     // of one response, malformed ones included
	maxLinkParams = 50      // of one link
	maxLinkBytes  = 1 << 20 // of the targets and anchors of one response
)

// Link is a link of a Link field (RFC 8288).
type Link struct {
	// URL is the target, absolute where that could be told: resolved against
	// the URL of the response. It is normalised if it is an http or https URL.
	URL string
	// Rel are the relation types, registered ones in lower case. There may be
	// none.
	Rel []string
	// Anchor is what the link leads from, resolved as URL is; "" where it is the
	// response's own URL.
	Anchor string
	// Params are the other parameters in the order received, such as title,
	// title*, type, hreflang and media, of those that may come but once the
	// first.
	Params []LinkParam
}

// Param returns the value of the first parameter with the name, "" if there is
// none. An extended one, name*, goes before name and is decoded (RFC 8288 §3.4.1).
func (l Link) Param(name string) string {
	name = lowerASCII(name)
	plain, found := "", false
	for _, p := range l.Params {
		switch {
		case p.Name == name+"*" && p.Text() != "":
			return p.Text()
		case p.Name == name && !found:
			plain, found = p.Text(), true
		}
	}
	return plain
}

// HasRel reports whether rel is among the relation types, whatever its case (RFC
// 8288 §2.1).
func (l Link) HasRel(rel string) bool {
	for _, r := range l.Rel {
		if lowerASCII(r) == lowerASCII(rel) {
			return true
		}
	}
	return false
}

// Links returns the links of the response's Link fields (RFC 8288), in the order
// received, at most 500 and of 1 MiB together. What is malformed is left out.
func (r *Response) Links() []Link { return ParseLinks(r.URL, r.Header.Values("Link")) }

// Link returns the first link with the relation type, such as "next". Links that
// lead from elsewhere than the response's URL, by an anchor, are none of it.
func (r *Response) Link(rel string) (Link, bool) {
	for _, l := range r.Links() {
		if l.Anchor == "" && l.HasRel(rel) {
			return l, true
		}
	}
	return Link{}, false
}

// ParseLinks reads the values of Link fields as Response.Links does. base may be
// nil: then relative targets stay relative.
func ParseLinks(base *URL, fields []string) []Link {
	var links []Link
	tried, size := 0, 0
	for _, s := range fields {
		for tried < maxLinks && size < maxLinkBytes {
			start := strings.IndexByte(s, '<')
			if start < 0 {
				break
			}
			// Over empty elements, and those that are no links.
			before := s[strings.LastIndexByte(s[:start], ',')+1 : start]
			target, after, ok := strings.Cut(s[start+1:], ">")
			if !ok {
				break
			}
			ps, rest := parseParams(after, true)
			if strings.Trim(before, " \t") == "" {
				tried++
				if l, ok := newLink(base, target, ps); ok {
					links = append(links, l)
					size += len(l.URL) + len(l.Anchor)
				}
			}
			if s = strings.TrimPrefix(rest, ","); s == "" {
				break
			}
		}
	}
	return links
}

func newLink(base *URL, target string, ps []LinkParam) (l Link, ok bool) {
	if l.URL, ok = resolveLink(base, target); !ok {
		return l, false
	}
	seen := make(map[string]bool, len(ps))
	for _, p := range ps[:min(len(ps), maxLinkParams)] {
		switch p.Name {
		case "rel", "anchor", "title", "title*", "media", "type": // once each, RFC 8288 §3
			if seen[p.Name] {
				continue
			}
			seen[p.Name] = true
		}
		switch p.Name {
		case "rel":
			for _, rel := range strings.Fields(p.Value) {
				if !strings.Contains(rel, ":") { // a URI keeps its case
					rel = lowerASCII(rel)
				}
				l.Rel = append(l.Rel, rel)
			}
		case "anchor":
			if l.Anchor, ok = resolveLink(base, p.Value); !ok {
				return l, false // it leads from nobody knows where
			}
			if base != nil && l.Anchor == base.WithFragment("").String() {
				l.Anchor = ""
			}
		default:
			l.Params = append(l.Params, p)
		}
	}
	return l, true
}

// resolveLink makes a reference absolute.
func resolveLink(base *URL, ref string) (string, bool) {
	ref = strings.Trim(ref, " \t")
	if base == nil || !base.IsAbs() {
		_, err := url.Parse(ref)
		return ref, err == nil
	}
	if u, err := base.Resolve(ref); err == nil {
		return u.String(), true
	}
	// Other schemes are none that we send to, but links all the same.
	u, err := url.Parse(ref)
	if err != nil || u.Scheme == "" || u.Scheme == "http" || u.Scheme == "https" {
		return "", false
	}
	return ref, true
}
