package httpx

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Filename returns the name that the server gives the content: that of
// Content-Disposition (RFC 6266, filename* before filename), else the last
// segment of the URL's path, else "". It is safe to be joined to a directory:
// without slashes, backslashes, colons and control characters, no dots or spaces
// at its ends, no name that Windows keeps for devices, and at most 200 bytes of
// UTF-8. The server can still choose any name in that directory, of a file that
// exists, too.
func (r *Response) Filename() string {
	_, params, ok := strings.Cut(r.Header.Get("Content-Disposition"), ";")
	if ok {
		ps, _ := parseParams(";"+params, false)
		for _, want := range [...]string{"filename*", "filename"} {
			for _, p := range ps {
				if p.Name == want {
					if name := safeName(p.Text()); name != "" {
						return name
					}
				}
			}
		}
	}
	if r.URL == nil {
		return ""
	}
	path := r.URL.Path()
	return safeName(unescape(path[strings.LastIndexByte(path, '/')+1:]))
}

// safeName keeps of a name what can do no harm.
func safeName(s string) string {
	// RFC 6266 §4.3: of a path only the last segment is to be used.
	s = s[strings.LastIndexAny(s, `/\`)+1:]
	s = strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(`<>:"|?*`, r):
			return '_'
		case r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	for len(s) > 200 {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	s = strings.Trim(s, ". \t")
	stem, _, _ := strings.Cut(s, ".")
	switch stem = strings.ToUpper(strings.TrimRight(stem, " ")); stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return "_" + s
	}
	if rest, ok := strings.CutPrefix(stem, "COM"); ok && isPort(rest) {
		return "_" + s
	}
	if rest, ok := strings.CutPrefix(stem, "LPT"); ok && isPort(rest) {
		return "_" + s
	}
	return s
}

// isPort reports what follows COM and LPT in the names of devices.
func isPort(s string) bool {
	return len(s) == 1 && s[0] >= '0' && s[0] <= '9' || s == "¹" || s == "²" || s == "³"
}
