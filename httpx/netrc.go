package httpx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// NetRC sends by Basic what a netrc file has for the host of the request: the
// first "machine" entry with exactly that name, else "default"; without either,
// nothing. path "" is the file that $NETRC names, else ~/.netrc, and on Windows
// ~/_netrc if there is no other. No file is read unless NetRC is asked for.
//
// The file is read when the first request needs it, once for all requests of this
// Auth. If that fails every request does, with the file and the line. Who else
// may read the file is not looked at: keep it to yourself (chmod 600).
//
// A redirect to another host gets what the file has for that machine. "default",
// and a redirect from https to http, get nothing: the server that redirects could
// choose who sees the password.
func NetRC(path string) Auth { return &netrcAuth{file: &netrcFile{path: path}, mask: "httpx.NetRC"} }

type netrcAuth struct {
	mask
	file      *netrcFile
	noDefault bool
}

func (a *netrcAuth) Authenticate(ctx context.Context, req *Request, next func(context.Context, *Request) (*Response, error)) (*Response, error) {
	value, err := a.file.authorization(req.URL.Host(), !a.noDefault)
	if err != nil {
		return nil, authError(req, err)
	}
	if value != "" {
		setAuthorization(req, value)
	}
	return next(ctx, req)
}

// ForOrigin makes *netrcAuth an OriginAuth.
func (a *netrcAuth) ForOrigin(from, to *URL) Auth {
	if from.scheme == "https" && to.scheme != "https" {
		return nil
	}
	return &netrcAuth{mask: a.mask, file: a.file, noDefault: true}
}

// netrcFile is a file that is read once.
type netrcFile struct {
	path string
	once sync.Once
	// Immutable after once.
	entries []netrcEntry
	err     error
}

// netrcEntry is one machine, or the default if machine is "".
type netrcEntry struct {
	machine         string
	login, password string
	line            int
}

// maxNetRC bounds the file's size.
const maxNetRC = 1 << 20

func (f *netrcFile) authorization(host string, useDefault bool) (string, error) {
	f.once.Do(f.read)
	if f.err != nil {
		return "", f.err
	}
	for _, e := range f.entries { // the default is the last
		if e.machine != host && !(e.machine == "" && useDefault) {
			continue
		}
		value, err := basicValue(e.login, e.password)
		if err != nil {
			return "", netrcError(f.path, e.line, "%w", err)
		}
		return value, nil
	}
	return "", nil
}

func (f *netrcFile) read() {
	if f.path == "" {
		f.path, f.err = defaultNetRC()
		if f.err != nil {
			return
		}
	}
	// To open a named pipe is to wait for its writer, which nothing would bound.
	st, err := os.Stat(f.path)
	if err == nil && !st.Mode().IsRegular() {
		err = &os.PathError{Op: "open", Path: f.path, Err: errors.New("is not a regular file")}
	}
	if err != nil {
		f.err = fmt.Errorf("netrc: %w", err)
		return
	}
	file, err := os.Open(f.path)
	if err != nil {
		f.err = fmt.Errorf("netrc: %w", err)
		return
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxNetRC+1))
	switch {
	case err != nil:
		f.err = fmt.Errorf("netrc: %w", err)
	case len(b) > maxNetRC:
		f.err = fmt.Errorf("netrc: %s has more than %d bytes", f.path, maxNetRC)
	default:
		f.entries, f.err = parseNetRC(f.path, string(b))
	}
}

func defaultNetRC() (string, error) {
	if p := os.Getenv("NETRC"); p != "" {
		return p, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("netrc: no home directory to look in, and NETRC is not set: %w", err)
	}
	p := filepath.Join(home, ".netrc")
	if runtime.GOOS == "windows" {
		if _, err := os.Stat(p); errors.Is(err, os.ErrNotExist) {
			return filepath.Join(home, "_netrc"), nil
		}
	}
	return p, nil
}

// parseNetRC reads all entries. Errors have the line, and nothing of what stands
// there: it may be a part of a password.
func parseNetRC(path, text string) ([]netrcEntry, error) {
	s := netrcScanner{text: strings.TrimPrefix(text, "\ufeff"), line: 1}
	var entries []netrcEntry
	var e *netrcEntry
	for {
		word, err := s.next(true)
		if err == io.EOF {
			return entries, nil
		}
		line := s.line
		if err != nil {
			return nil, netrcError(path, s.line, "%w", err)
		}
		if n := len(entries); word != "macdef" && n > 0 && entries[n-1].machine == "" && (word == "machine" || word == "default") {
			return nil, netrcError(path, line, "an entry after default, which must be the last")
		}
		switch word {
		case "default":
			entries = append(entries, netrcEntry{line: line})
			e = &entries[len(entries)-1]
			continue
		case "machine", "login", "user", "password", "account", "macdef":
		default:
			return nil, netrcError(path, line, "neither machine, default, login, password, account nor macdef; write a value with blanks in quotes")
		}
		value, err := s.next(false)
		switch {
		case err == io.EOF:
			return nil, netrcError(path, line, "%s has no value", word)
		case err != nil:
			return nil, netrcError(path, s.line, "%w", err)
		case word == "macdef":
			s.skipMacro()
			continue
		case word == "machine":
			if value == "" {
				return nil, netrcError(path, line, "an empty machine name")
			}
			entries = append(entries, netrcEntry{machine: strings.ToLower(value), line: line})
			e = &entries[len(entries)-1]
			continue
		case e == nil:
			return nil, netrcError(path, line, "%s before the first machine", word)
		}
		switch word {
		case "login", "user":
			e.login = value
		case "password":
			e.password = value
		}
	}
}

func netrcError(path string, line int, format string, args ...any) error {
	return fmt.Errorf("netrc: %s:%d: %w", path, line, fmt.Errorf(format, args...))
}

// netrcScanner splits the text into words.
type netrcScanner struct {
	text string
	i    int
	line int // of what was taken last
}

// next returns the next word, io.EOF at the end. Comments begin with "#" where a
// keyword could stand, and nowhere else: passwords may begin with it. A word may
// stand in double quotes, and a backslash takes the next character as it is.
func (s *netrcScanner) next(keyword bool) (string, error) {
	for s.i < len(s.text) {
		switch c := s.text[s.i]; {
		case c == '\n':
			s.line++
			s.i++
		case c == ' ' || c == '\t' || c == '\r':
			s.i++
		case c == '#' && keyword:
			for s.i < len(s.text) && s.text[s.i] != '\n' {
				s.i++
			}
		default:
			return s.word()
		}
	}
	return "", io.EOF
}

func (s *netrcScanner) word() (string, error) {
	quoted := s.text[s.i] == '"'
	if quoted {
		s.i++
	}
	var b strings.Builder
	for ; s.i < len(s.text); s.i++ {
		c := s.text[s.i]
		switch {
		case c == '\n' && quoted:
			return "", errors.New("the quote is not closed on its line")
		case quoted && c == '"':
			s.i++
			return b.String(), nil
		case !quoted && (c == ' ' || c == '\t' || c == '\r' || c == '\n'):
			return b.String(), nil
		case c == '\\' && s.i+1 < len(s.text) && s.text[s.i+1] != '\n':
			s.i++
			c = s.text[s.i]
			if quoted { // as in curl
				switch c {
				case 'n':
					c = '\n'
				case 'r':
					c = '\r'
				case 't':
					c = '\t'
				}
			}
		}
		b.WriteByte(c)
	}
	if quoted {
		return "", errors.New("the quote is not closed")
	}
	return b.String(), nil
}

// skipMacro goes past a macro's text, which ends with an empty line.
func (s *netrcScanner) skipMacro() {
	for s.i < len(s.text) {
		end := strings.IndexByte(s.text[s.i:], '\n')
		if end < 0 {
			s.i = len(s.text)
			return
		}
		line := strings.Trim(s.text[s.i:s.i+end], " \t\r")
		first := s.i > 0 && s.text[s.i-1] != '\n' // the rest of the macdef line
		s.i += end + 1
		s.line++
		if line == "" && !first {
			return
		}
	}
}
