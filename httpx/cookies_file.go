package httpx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	savedCookiesVersion = 1
	maxSavedBytes       = 32 << 20 // a full jar of defaults comes to 17 MiB
)

// savedCookies is the file of Save: one JSON document.
type savedCookies struct {
	Version int           `json:"version"`
	Cookies []savedCookie `json:"cookies"`
}

type savedCookie struct {
	Name        string    `json:"name"`
	Value       string    `json:"value"`
	Quoted      bool      `json:"quoted,omitzero"`
	Domain      string    `json:"domain"`
	HostOnly    bool      `json:"host_only,omitzero"`
	Path        string    `json:"path"`
	Expires     time.Time `json:"expires,omitzero"`
	Created     time.Time `json:"created"`
	Used        time.Time `json:"used"`
	Secure      bool      `json:"secure,omitzero"`
	HTTPOnly    bool      `json:"http_only,omitzero"`
	Partitioned bool      `json:"partitioned,omitzero"`
	SameSite    string    `json:"same_site,omitzero"`
}

var sameSiteNames = map[http.SameSite]string{
	http.SameSiteDefaultMode: "default",
	http.SameSiteLaxMode:     "lax",
	http.SameSiteStrictMode:  "strict",
	http.SameSiteNoneMode:    "none",
}

// Save writes the cookies that have a lifetime as JSON. Those that last as long
// as a session are left out; SaveAll writes them too. What is written lets its
// reader act as the user: mind the file's mode.
func (j *Cookies) Save(w io.Writer) error { return j.save(w, false) }

// SaveAll writes all cookies as JSON, those of the session included.
func (j *Cookies) SaveAll(w io.Writer) error { return j.save(w, true) }

func (j *Cookies) save(w io.Writer, session bool) error {
	doc := savedCookies{Version: savedCookiesVersion, Cookies: []savedCookie{}}
	for _, c := range j.list(new(cookieFilter)) {
		if c.expires.IsZero() && !session {
			continue
		}
		doc.Cookies = append(doc.Cookies, savedCookie{
			Name: c.name, Value: c.value, Quoted: c.quoted, Domain: c.domain, HostOnly: c.hostOnly, Path: c.path,
			Expires: c.expires, Created: c.created.UTC(), Used: c.used.UTC(),
			Secure: c.secure, HTTPOnly: c.httpOnly, Partitioned: c.partitioned, SameSite: sameSiteNames[c.sameSite],
		})
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(&doc); err != nil {
		return &Error{Op: "cookie", Err: fmt.Errorf("saving cookies: %w", err)}
	}
	return nil
}

// Load adds the cookies that Save wrote; they replace those of the same name,
// domain and path. Cookies that have expired are skipped, and so are those whose
// domain has become a public suffix since. Anything else that is not as Save
// writes it is an error that matches ErrInvalidCookie, and nothing is added. At
// most 32 MiB are read.
func (j *Cookies) Load(r io.Reader) error {
	now := time.Now().Round(0)
	b, err := io.ReadAll(io.LimitReader(r, maxSavedBytes+1))
	if err != nil {
		return &Error{Op: "cookie", Err: fmt.Errorf("loading cookies: %w", err)}
	}
	if len(b) > maxSavedBytes {
		return badFile("it has more than %d bytes", maxSavedBytes)
	}
	doc, err := parseSaved(b)
	if err != nil {
		return err
	}
	type placed struct {
		c    *jarCookie
		site string
	}
	var put []placed
	for i := range doc.Cookies {
		c, wrong := doc.Cookies[i].restore(now)
		if wrong != "" {
			return badFile("cookie %d: %s", i+1, wrong)
		}
		site, single := siteOf(c.domain, j.suffixes())
		if !c.expired(now) && (c.hostOnly || !single) {
			put = append(put, placed{c, site})
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, p := range put {
		j.putLocked(p.c, p.site, now)
	}
	return nil
}

// parseSaved takes nothing but what save wrote. Its errors quote nothing of the
// file but names of members: the values are secrets.
func parseSaved(b []byte) (*savedCookies, error) {
	doc := new(savedCookies)
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(doc); err != nil {
		var syntax *json.SyntaxError
		var kind *json.UnmarshalTypeError
		switch {
		case errors.As(err, &syntax):
			return nil, badFile("no JSON at byte %d", syntax.Offset)
		case errors.As(err, &kind):
			return nil, badFile("%s at byte %d is of the wrong type", kind.Field, kind.Offset)
		}
		return nil, badFile("at byte %d: cut short, an unknown member or a wrong time", dec.InputOffset())
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, badFile("something follows at byte %d", dec.InputOffset())
	}
	if doc.Version != savedCookiesVersion {
		return nil, badFile("it has version %d, and only %d is known", doc.Version, savedCookiesVersion)
	}
	return doc, nil
}

func badFile(format string, args ...any) error {
	return &Error{Op: "cookie", Err: fmt.Errorf("%w file: %s", ErrInvalidCookie, fmt.Sprintf(format, args...))}
}

// restore checks all that putLocked relies on. Times from a clock that was
// ahead are brought back, so that no cookie outlives 400 days or is never
// evicted.
func (s *savedCookie) restore(now time.Time) (*jarCookie, string) {
	hc := &http.Cookie{Name: s.Name, Value: s.Value, Quoted: s.Quoted}
	host, ok := cookieHost(s.Domain)
	c := &jarCookie{
		name: s.Name, value: s.Value, quoted: s.Quoted, domain: s.Domain, hostOnly: s.HostOnly, path: s.Path,
		expires: s.Expires, created: earlier(s.Created, now), used: earlier(s.Used, now),
		secure: s.Secure, httpOnly: s.HTTPOnly, partitioned: s.Partitioned,
	}
	if !c.expires.IsZero() {
		c.expires = earlier(c.expires, now.Add(maxCookieAge)).UTC()
	}
	for v, name := range sameSiteNames {
		if name == s.SameSite {
			c.sameSite = v
		}
	}
	switch {
	case checkCookie(hc) != nil:
		return nil, "its name or value may not be sent"
	case !ok || host != s.Domain:
		return nil, "its domain is no host in its normal form"
	case !s.HostOnly && s.Domain[len(s.Domain)-1] == '.':
		return nil, "its domain ends in a dot"
	case !strings.HasPrefix(s.Path, "/") || checkCookiePath(s.Path) != "":
		return nil, "its path is none"
	case s.SameSite != "" && c.sameSite == 0:
		return nil, "its same_site is unknown"
	case c.checkPrefix(s.HostOnly, s.Path == "/") != nil:
		return nil, "it has not what its name promises"
	}
	return c, ""
}

func earlier(a, b time.Time) time.Time {
	if a.After(b) {
		return b
	}
	return a
}
