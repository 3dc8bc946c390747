package httpx

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"gohttpx.dev/wire"
)

// Curl returns the command of curl that sends the same request, to be pasted
// into a POSIX shell. Credentials and cookies in it are replaced: by "[secure]"
// in the fields that Header.String masks and those of WithSensitiveHeaders, and in
// the URL user information and the values of the query are left out;
// CurlWithSecrets leaves all in.
//
// Where the client would remove content codings that the request asks for, the
// command has --compressed, with which curl does so as well; of the codings of
// WithDecoder it may not know all.
//
// A body in memory is part of the command, up to 64 KiB of text; any other is
// named as the file request-body, which the caller must provide. What the client
// adds on the way (cookies of the jar, answers to challenges) is not in it.
func (r *Request) Curl() string { return r.curl(false) }

// CurlWithSecrets is Curl with credentials and cookies as they are.
func (r *Request) CurlWithSecrets() string { return r.curl(true) }

// maxCurlBody is the most of a body that goes on a command line.
const maxCurlBody = 64 << 10

func (r *Request) curl(secrets bool) string {
	var b strings.Builder
	b.WriteString("curl")
	arg := func(parts ...string) {
		for _, p := range parts {
			b.WriteByte(' ')
			b.WriteString(shellQuote(p))
		}
	}
	hasBody := r.HasBody()
	switch {
	case r.Method == "HEAD" && !hasBody: // curl refuses --head beside a body
		arg("--head")
	case r.Method == "GET" && !hasBody, r.Method == "POST" && hasBody:
	default:
		arg("-X", r.Method)
	}
	m := r.more
	if m != nil {
		if m.follow {
			arg("--location")
		}
		if m.target != "" {
			target := m.target
			if !secrets {
				target = redactTarget(target)
			}
			arg("--request-target", target)
		}
	}
	if r.asksForCodings() && (m == nil || !m.noDecoding) { // else curl prints what is encoded
		arg("--compressed")
	}
	for _, name := range [...]string{"User-Agent", "Accept"} {
		if !r.Header.Has(name) { // curl would send its own
			arg("-H", name+":")
		}
	}
	for _, f := range r.Header {
		value := f.Value
		if !secrets {
			if value = masked(f); m.isSensitive(f.Name) {
				value = "[secure]"
			}
		}
		if strings.Trim(value, " \t") == "" {
			arg("-H", f.Name+";") // curl's way to send an empty field
			continue
		}
		arg("-H", f.Name+": "+value)
	}
	if hasBody {
		if !r.Header.Has("Content-Type") { // curl would say it is a form
			arg("-H", "Content-Type:")
		}
		if text, ok := r.bodyText(); ok {
			arg("--data-raw", text)
		} else {
			arg("--data-binary", "@request-body")
		}
	}
	if r.URL != nil {
		u := r.URL.Redacted()
		if secrets {
			u = r.URL.String()
		}
		if strings.ContainsAny(u, "[]{}") {
			arg("--globoff")
		}
		if dotted(r.URL.Path()) { // curl would remove them
			arg("--path-as-is")
		}
		arg(u)
	}
	return b.String()
}

// asksForCodings reports whether Accept-Encoding names more than identity.
func (r *Request) asksForCodings() bool {
	for _, v := range r.Header.Values("Accept-Encoding") {
		if v = strings.Trim(v, " \t"); v != "" && !wire.EqualFold(v, "identity") {
			return true
		}
	}
	return false
}

// dotted reports whether a path has dot segments, escaped ones too.
func dotted(path string) bool {
	for seg := range strings.SplitSeq(path, "/") {
		if s := unescape(seg); s == "." || s == ".." {
			return true
		}
	}
	return false
}

// bodyText returns a short body in memory that is text.
func (r *Request) bodyText() (string, bool) {
	if !r.content.canRepeat() {
		return "", false
	}
	body, n, err := r.content.open()
	if err != nil {
		return "", false
	}
	defer body.Close()
	if _, ok := body.(*memory); !ok || n > maxCurlBody {
		return "", false
	}
	text, err := io.ReadAll(body)
	return string(text), err == nil && utf8.Valid(text) && bytes.IndexByte(text, 0) < 0
}

// shellQuote quotes s for a POSIX shell, if it has to be.
func shellQuote(s string) string {
	plain := s != ""
	for i := 0; i < len(s) && plain; i++ {
		c := s[i]
		plain = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_./:=@,+%", c) >= 0
	}
	if plain {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
