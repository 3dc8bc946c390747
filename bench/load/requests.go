package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"gohttpx.dev/wire"
)

// maxLine bounds a line of a file of requests.
const maxLine = 64 << 20

// readRequests reads a file of requests: one a line, either
//
//	METHOD URL
//
// or a JSON object
//
//	{"method": "PUT", "url": "/items/7", "headers": {"Content-Type": "text/plain"}, "body": "seven"}
//
// whose members but url may be missing. In place of body there may be body_base64
// or body_file, a path beside the file's own. A URL may be relative to the one on
// the command line. Empty lines and those that begin with # do not count.
func readRequests(name string, stdin io.Reader) ([]spec, error) {
	in, folder := stdin, "."
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in, folder = f, filepath.Dir(name)
	}
	var specs []spec
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	n := 0
	for lines.Scan() {
		n++
		line := strings.TrimSpace(lines.Text())
		if n == 1 {
			line = strings.TrimPrefix(line, "\ufeff") // some editors begin with one
		}
		if line == "" || line[0] == '#' {
			continue
		}
		parse := parsePlain
		if line[0] == '{' {
			parse = func(line string) (spec, error) { return parseJSON(line, folder) }
		}
		s, err := parse(line)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", name, n, err)
		}
		specs = append(specs, s)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s, line %d: %w", name, n+1, err)
	}
	if len(specs) == 0 {
		return nil, fmt.Errorf("%s has no request", name)
	}
	return specs, nil
}

// parsePlain reads METHOD URL.
func parsePlain(line string) (spec, error) {
	words := strings.Fields(line)
	if len(words) != 2 {
		return spec{}, errors.New("a line is METHOD URL, or a JSON object")
	}
	return checkSpec(spec{method: words[0], url: words[1]})
}

// jsonRequest is a request as a JSON object.
type jsonRequest struct {
	Method     string            `json:"method"`
	URL        string            `json:"url"`
	Headers    map[string]values `json:"headers"`
	Body       *string           `json:"body"`
	BodyBase64 *string           `json:"body_base64"`
	BodyFile   string            `json:"body_file"`
}

// values is one value of a field or a list of them.
type values []string

func (v *values) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '[' {
		return json.Unmarshal(text, (*[]string)(v))
	}
	*v = []string{""}
	return json.Unmarshal(text, &(*v)[0])
}

func parseJSON(line, folder string) (s spec, err error) {
	var r jsonRequest
	d := json.NewDecoder(strings.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return s, err
	}
	if _, err := d.Token(); err != io.EOF {
		return s, errors.New("something follows the JSON object")
	}
	s.method, s.url = r.Method, r.URL
	given := 0
	if r.Body != nil {
		s.body, given = []byte(*r.Body), given+1
	}
	if r.BodyBase64 != nil {
		given++
		if s.body, err = base64.StdEncoding.DecodeString(*r.BodyBase64); err != nil {
			return s, fmt.Errorf("body_base64: %w", err)
		}
	}
	if r.BodyFile != "" {
		given++
		path := r.BodyFile
		if !filepath.IsAbs(path) {
			path = filepath.Join(folder, path)
		}
		if s.body, err = os.ReadFile(path); err != nil {
			return s, err
		}
	}
	if given > 1 {
		return s, errors.New("body, body_base64 and body_file exclude each other")
	}
	for name, list := range r.Headers {
		for _, value := range list {
			if !wire.IsToken(name) || !wire.IsFieldValue(value) {
				return s, errors.New("a header has a name that is no token or a value with a control character (RFC 9110 §5.1, §5.5)")
			}
			s.fields = append(s.fields, wire.Field{Name: name, Value: value, Sensitive: isSecret(name)})
		}
	}
	return checkSpec(s)
}

func checkSpec(s spec) (spec, error) {
	switch {
	case s.url == "":
		return s, errors.New("no url")
	case s.method != "" && !wire.IsToken(s.method):
		return s, errors.New("the method is no token (RFC 9110 §9.1)")
	case s.method == "CONNECT":
		return s, errors.New("CONNECT makes a tunnel, which is no request to be answered")
	}
	return s, nil
}
