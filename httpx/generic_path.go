package httpx

import (
	"errors"
	"fmt"
	"strings"
)

// WithPathParam puts a value in the place of "{name}" in the path of the URL
// that the call is given, with everything percent-encoded that is not a letter, a
// digit or one of "-._~" (RFC 6570 §3.2.2): a slash in it makes no new segment.
// The value becomes text as one of WithQuery does.
//
// With one such option all placeholders of the path need one. It is an error if
// a name is not in the path, if the value is empty, which would name another
// resource, "/users/" in place of "/users/7", or if a segment becomes "." or
// "..", which would name one further up. A prepared request has its URL already:
// there the option is an error.
func WithPathParam(name string, value any) RequestOption {
	text, err := queryValue(name, value)
	return pathParam{name, text, err}
}

type pathParam struct {
	name, value string
	err         error
}

func (p pathParam) applyRequest(r *Request) error {
	if r.expanded {
		return p.err
	}
	return errors.New("WithPathParam: the URL of a request that is built has no placeholders left: give the option to NewRequest")
}

// expandPath replaces the placeholders in the path of a URL.
func expandPath(url string, opts []RequestOption) (expanded string, done bool, err error) {
	var params []pathParam
	for _, o := range opts {
		if p, ok := o.(pathParam); ok {
			if p.err != nil {
				return "", false, fmt.Errorf("WithPathParam: %w", p.err)
			}
			params = append(params, p)
		}
	}
	if params == nil {
		return url, false, nil
	}
	start := 0
	if i := strings.Index(url, "//"); i == 0 || i > 0 && url[i-1] == ':' {
		start = i + 2
		if j := strings.IndexAny(url[start:], "/?#"); j >= 0 {
			start += j
		} else {
			start = len(url)
		}
	}
	end := len(url)
	if j := strings.IndexAny(url[start:], "?#"); j >= 0 {
		end = start + j
	}
	used := make([]bool, len(params))
	segments := strings.Split(url[start:end], "/")
	for i, seg := range segments {
		if segments[i], err = expandSegment(seg, params, used); err != nil {
			return "", false, err
		}
	}
	for i, ok := range used {
		if !ok {
			return "", false, fmt.Errorf("WithPathParam: the path has no {%s}", params[i].name)
		}
	}
	return url[:start] + strings.Join(segments, "/") + url[end:], true, nil
}

func expandSegment(seg string, params []pathParam, used []bool) (string, error) {
	var b strings.Builder
	for rest := seg; ; {
		before, after, ok := strings.Cut(rest, "{")
		b.WriteString(before)
		if !ok {
			break
		}
		name, behind, ok := strings.Cut(after, "}")
		if !ok {
			return "", errors.New("WithPathParam: a { in the path has no }")
		}
		i := len(params) - 1 // the last that was given counts
		for i >= 0 && params[i].name != name {
			i--
		}
		switch {
		case i < 0:
			return "", fmt.Errorf("WithPathParam: there is no value for {%s}", name)
		case params[i].value == "":
			return "", fmt.Errorf("WithPathParam: the value for {%s} is empty, and the path would be that of another resource", name)
		}
		for j := range params {
			used[j] = used[j] || params[j].name == name
		}
		b.WriteString(escapeURL(params[i].value, urlPlain))
		rest = behind
	}
	if b.Len() == len(seg) && b.String() == seg {
		return seg, nil
	}
	switch strings.ReplaceAll(strings.ToLower(b.String()), "%2e", ".") {
	case ".", "..":
		return "", fmt.Errorf("WithPathParam: the segment %q becomes %q, which leads to another place", seg, b.String())
	}
	return b.String(), nil
}
