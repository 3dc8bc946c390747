package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"strings"

	"github.com/fatih/color"

	"gohttpx.dev/httpx"
)

const (
	// mostJSON is the longest JSON text that is re-indented; a longer one is
	// shown as it comes.
	mostJSON = 4 << 20
	// mostIndented is the longest that it may become by that. Indentation grows
	// with the square of the depth: without a bound, 20 kB of brackets would be
	// 400 MB of spaces.
	mostIndented = 16 << 20
	// indent is for each level of JSON.
	indent = "    "
)

// show prints the content: made readable on a terminal, and untouched in a pipe.
func (c *console) show(ctx context.Context, r *httpx.Response) error {
	if !c.outTerminal {
		_, err := io.Copy(c.out, r.Body)
		return err
	}
	return c.showBody(ctx, r)
}

// showHead prints the status line and the headers. In a pipe they are what the
// server sent, on a terminal without what would act on it.
func (c *console) showHead(r *httpx.Response) {
	show := func(s string) string { return s }
	if c.outTerminal {
		show = func(s string) string { return strings.ReplaceAll(tame(s), "\n", " ") }
	}
	attr := color.FgRed
	switch {
	case r.IsSuccess():
		attr = color.FgGreen
	case r.IsRedirect():
		attr = color.FgYellow
	}
	c.printf("%s %s\n", c.colour.paint(show(r.Proto), color.FgBlue), c.colour.paint(show(r.Status()), attr, color.Bold))
	for name, value := range r.Header.All() {
		c.printf("%s: %s\n", c.cyan(show(name)), show(value))
	}
	c.printf("\n")
}

// showBody prints the content on a terminal.
func (c *console) showBody(ctx context.Context, r *httpx.Response) error {
	mediaType := mediaTypeOf(r.Header.Get("Content-Type"))
	body := bufio.NewReaderSize(r.Body, 4<<10)
	if r.Header.Get("Content-Type") == "" {
		if _, err := body.Peek(1); err != nil {
			return notEOF(err)
		}
		start, _ := body.Peek(body.Buffered()) // what has come; more may take its time
		mediaType = mediaTypeOf(http.DetectContentType(start))
		if k := kindOf(mediaType); k != kindBinary {
			return c.showText(ctx, mediaType, body)
		}
		return c.showSize(r, body)
	}
	switch kindOf(mediaType) {
	case kindJSON:
		return c.showJSON(ctx, body)
	case kindText:
		// As text, because its charset may be another than the terminal's.
		text, stop := newTextReader(r)
		defer stop()
		return c.showText(ctx, mediaType, bufio.NewReaderSize(text, 4<<10))
	}
	return c.showSize(r, body)
}

// showSize prints how much there is of what nobody can read. What says its
// length is not read for it.
func (c *console) showSize(r *httpx.Response, body io.Reader) error {
	n, err := r.ContentLength(), error(nil)
	if n < 0 || r.Uncompressed() {
		n, err = io.Copy(io.Discard, body)
	}
	if n > 0 {
		c.printf("<%d bytes of binary data>\n", n)
		if c.errTerminal {
			c.complain("-o FILE keeps the content")
		}
	}
	return err
}

func (c *console) showJSON(ctx context.Context, body *bufio.Reader) error {
	text, err := io.ReadAll(io.LimitReader(body, mostJSON+1))
	var out bytes.Buffer
	if err == nil && len(text) <= mostJSON && indentedLen(text) <= mostIndented && json.Indent(&out, bytes.TrimSpace(text), "", indent) == nil {
		if out.Len() == 0 {
			return nil
		}
		return c.highlight(ctx, "application/json", tameText(out.String())+"\n")
	}
	if textErr := copyText(c.out, bufio.NewReader(io.MultiReader(bytes.NewReader(text), body))); err == nil {
		err = textErr
	}
	return err
}

// indentedLen is at least the length that JSON text has when it is re-indented.
func indentedLen(text []byte) int64 {
	n, depth, inString := int64(len(text)), int64(0), false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			inString = !inString
			continue
		case inString:
			if c == '\\' {
				i++ // what it escapes may be a quote
			}
			continue
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		case c == ':':
			n++ // a space
			continue
		case c != ',':
			continue
		}
		n += 1 + max(depth, 0)*int64(len(indent))
	}
	return n
}

// showText prints text, in colours if its syntax is known: then all of it, or
// the first part of a long one, is read first. Else it is shown as it comes.
func (c *console) showText(ctx context.Context, mediaType string, body *bufio.Reader) error {
	if !c.colour || lexerOf(mediaType) == nil {
		return copyText(c.out, body)
	}
	text, err := io.ReadAll(io.LimitReader(body, mostColoured))
	if err == nil {
		_, err = body.Peek(1)
	}
	if err != io.EOF { // too long, or a failure after a part
		if textErr := copyText(c.out, bufio.NewReader(io.MultiReader(bytes.NewReader(text), body))); err == nil {
			err = textErr
		}
		return err
	}
	s := tameText(string(text))
	if s != "" && !strings.HasSuffix(s, "\n") {
		s += "\n"
	}
	return c.highlight(ctx, mediaType, s)
}

func notEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

type kind uint8

const (
	kindBinary kind = iota
	kindText
	kindJSON
)

// textTypes are those of application/ that are text, without their "x-".
var textTypes = map[string]bool{
	"xml": true, "xml-dtd": true, "javascript": true, "ecmascript": true, "typescript": true, "yaml": true, "toml": true,
	"sql": true, "graphql": true, "sh": true, "shellscript": true, "python": true, "perl": true, "ruby": true, "php": true,
	"tex": true, "latex": true, "ndjson": true, "jsonl": true, "jsonlines": true, "www-form-urlencoded": true, "pem-file": true,
	"openmetrics-text": true,
}

// kindOf says how content is to be shown.
func kindOf(mediaType string) kind {
	switch _, sub, _ := strings.Cut(mediaType, "/"); {
	case sub == "json" || strings.HasSuffix(sub, "+json"):
		return kindJSON
	case strings.HasPrefix(mediaType, "text/"), strings.HasSuffix(sub, "+xml"), strings.HasSuffix(sub, "+yaml"):
		return kindText
	}
	if app, ok := strings.CutPrefix(mediaType, "application/"); ok && textTypes[strings.TrimPrefix(app, "x-")] {
		return kindText
	}
	return kindBinary
}

// textReader reads a response's text as UTF-8. It is used by one goroutine.
type textReader struct {
	next func() (string, error, bool)
	rest string
	err  error
}

func newTextReader(r *httpx.Response) (t *textReader, stop func()) {
	next, stop := iter.Pull2(r.TextChunks())
	return &textReader{next: next}, stop
}

func (t *textReader) Read(p []byte) (int, error) {
	for t.rest == "" {
		if t.err != nil {
			return 0, t.err
		}
		var ok bool
		if t.rest, t.err, ok = t.next(); !ok {
			t.err = io.EOF
		}
	}
	n := copy(p, t.rest)
	t.rest = t.rest[n:]
	return n, nil
}
