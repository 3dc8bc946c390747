package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/fatih/color"

	"gohttpx.dev/httpx"
)

// mostJSON is the longest JSON text that is re-indented; a longer one is shown
// as it comes.
const mostJSON = 4 << 20

// show prints the response: all of it, made readable, on a terminal, and the
// content alone, untouched, in a pipe.
func (c *console) show(r *httpx.Response, include bool) error {
	if c.outTerminal || include {
		c.showHead(r)
	}
	if !c.outTerminal {
		_, err := io.Copy(c.out, r.Body)
		return err
	}
	return c.showBody(r)
}

func (c *console) showHead(r *httpx.Response) {
	attr := color.FgRed
	switch {
	case r.IsSuccess():
		attr = color.FgGreen
	case r.IsRedirect():
		attr = color.FgYellow
	}
	c.printf("%s %s\n", r.Proto, c.paint(r.Status(), attr, color.Bold))
	for name, value := range r.Header.All() {
		if c.outTerminal {
			name, value = tame(name), tame(value)
		}
		c.printf("%s: %s\n", c.cyan(name), value)
	}
	c.printf("\n")
}

// showBody prints the content on a terminal.
func (c *console) showBody(r *httpx.Response) error {
	body := bufio.NewReaderSize(r.Body, 4<<10)
	switch kindOf(r.Header.Get("Content-Type"), body) {
	case kindJSON:
		return c.showJSON(body)
	case kindText:
		return c.showText(body)
	}
	n, err := io.Copy(io.Discard, body)
	if n > 0 {
		c.printf("<%d bytes of binary data; -o FILE keeps them>\n", n)
	}
	return err
}

func (c *console) showJSON(body *bufio.Reader) error {
	text, err := io.ReadAll(io.LimitReader(body, mostJSON+1))
	var out bytes.Buffer
	if err == nil && len(text) <= mostJSON && json.Indent(&out, bytes.TrimSpace(text), "", "    ") == nil {
		text = append(out.Bytes(), '\n')
	}
	if textErr := c.showText(bufio.NewReader(io.MultiReader(bytes.NewReader(text), body))); err == nil {
		err = textErr
	}
	return err
}

// showText prints text rune by rune, so that no byte of the server's moves the
// cursor or changes the terminal. What has come is shown before more is waited
// for.
func (c *console) showText(body *bufio.Reader) error {
	out := bufio.NewWriter(c.out)
	last := '\n'
	for {
		if body.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
		r, _, err := body.ReadRune()
		if err != nil {
			if last != '\n' {
				out.WriteByte('\n')
			}
			if flushErr := out.Flush(); err == io.EOF {
				err = flushErr
			}
			return err
		}
		if r == '\r' {
			continue
		}
		out.WriteRune(tameRune(r))
		last = r
	}
}

// tame keeps control characters away from the terminal.
func tame(s string) string { return strings.Map(tameRune, strings.ToValidUTF8(s, "\ufffd")) }

func tameRune(r rune) rune {
	if unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) {
		return '\ufffd'
	}
	return r
}

type kind uint8

const (
	kindBinary kind = iota
	kindText
	kindJSON
)

// kindOf says how content is to be shown. Without a type the first bytes
// decide.
func kindOf(contentType string, body *bufio.Reader) kind {
	if contentType == "" {
		start, _ := body.Peek(512) // an error comes again when the body is read
		if len(start) == 0 {
			return kindBinary
		}
		contentType = http.DetectContentType(start)
	}
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil && t == "" {
		return kindBinary
	}
	switch _, sub, _ := strings.Cut(t, "/"); {
	case sub == "json" || strings.HasSuffix(sub, "+json"):
		return kindJSON
	case strings.HasPrefix(t, "text/"), strings.HasSuffix(sub, "+xml"):
		return kindText
	case sub == "xml", sub == "javascript", sub == "x-ndjson", sub == "yaml", sub == "toml", sub == "x-www-form-urlencoded":
		return kindText
	}
	return kindBinary
}

func tlsFacts(t *tls.ConnectionState) string {
	s := fmt.Sprintf("%s, %s, %s", tls.VersionName(t.Version), tls.CipherSuiteName(t.CipherSuite), t.CurveID)
	if t.NegotiatedProtocol != "" {
		s += ", ALPN " + t.NegotiatedProtocol
	}
	return s
}

func certName(c *x509.Certificate) string {
	names := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return tame(c.Subject.String())
	}
	return tame(strings.Join(names, ", "))
}

// short is a duration with three digits or so.
func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}

// size is a number of bytes for people.
func size(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	f, i := float64(n)/1024, 0
	for f >= 1024 && i < len(units)-1 {
		f /= 1024
		i++
	}
	return fmt.Sprintf("%.1f %ciB", f, units[i])
}
