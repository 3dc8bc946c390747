package peer

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"gohttpx.dev/wire"
)

// maxHead bounds what the reader of requests keeps, in bytes.
const maxHead = 1 << 20

// Request is what a client has sent.
type Request struct {
	// Head is the request line and the header section as received, the empty
	// line at its end included.
	Head string
	// Method, Target and Proto are the parts of the request line.
	Method, Target, Proto string
	// Fields are the header fields in order and case.
	Fields wire.Fields
	// Body is the content with the chunked coding removed.
	Body string
	// RawBody is the content as received.
	RawBody string
	// Chunks are the sizes of the chunks, the last one left out.
	Chunks []int
	// Trailers are the fields after a chunked body.
	Trailers wire.Fields
}

// Line returns the request line without its CRLF.
func (r *Request) Line() string { return r.Method + " " + r.Target + " " + r.Proto }

// Get returns the value of the first header field of that name.
func (r *Request) Get(name string) string { return r.Fields.Get(name) }

// lineOf reads one line that ends in CRLF and holds no other control byte but
// HTAB. It returns the line without CRLF.
func lineOf(br *bufio.Reader) (string, error) {
	var line []byte
	for {
		c, err := br.ReadByte()
		if err != nil {
			if err == io.EOF && len(line) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return string(line), err
		}
		line = append(line, c)
		n := len(line)
		switch {
		case c == '\n' && n >= 2 && line[n-2] == '\r':
			return string(line[:n-2]), nil
		case c == '\n':
			return "", fmt.Errorf("bare LF after %q", line[:n-1])
		case n >= 2 && line[n-2] == '\r':
			return "", fmt.Errorf("bare CR in %q", line)
		case c < ' ' && c != '\t' && c != '\r' || c == 0x7f:
			return "", fmt.Errorf("control byte in %q", line)
		case n > maxHead:
			return "", fmt.Errorf("line longer than %d bytes", maxHead)
		}
	}
}

// fieldsOf reads field lines up to and including the empty line and appends
// what it read to raw.
func fieldsOf(br *bufio.Reader, raw *strings.Builder) (wire.Fields, error) {
	var fs wire.Fields
	for {
		line, err := lineOf(br)
		if err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		raw.WriteString(line + "\r\n")
		if line == "" {
			return fs, nil
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || !wire.IsToken(name) {
			return nil, fmt.Errorf("field line without a valid name: %q", line)
		}
		if raw.Len() > maxHead {
			return nil, fmt.Errorf("fields longer than %d bytes", maxHead)
		}
		fs.Add(name, strings.Trim(value, " \t"))
	}
}

// readHead reads a request line and a header section. A bare io.EOF means that
// the client sent nothing more.
func readHead(br *bufio.Reader) (*Request, error) {
	line, err := lineOf(br)
	if err != nil {
		return nil, err
	}
	parts := strings.Split(line, " ")
	if len(parts) != 3 || !wire.IsToken(parts[0]) || parts[1] == "" || !strings.HasPrefix(parts[2], "HTTP/1.") {
		return nil, fmt.Errorf("not a request line: %q", line)
	}
	r := &Request{Method: parts[0], Target: parts[1], Proto: parts[2]}
	var raw strings.Builder
	raw.WriteString(line + "\r\n")
	r.Fields, err = fieldsOf(br, &raw)
	r.Head = raw.String()
	return r, err
}

// readBody reads the content that r's head announces (RFC 9112 §6.3).
func readBody(br *bufio.Reader, r *Request) error {
	var raw strings.Builder
	var err error
	lengths, codings := r.Fields.Values("Content-Length"), r.Fields.Values("Transfer-Encoding")
	switch {
	case len(lengths) > 1 || len(codings) > 1 || len(lengths) == 1 && len(codings) == 1:
		// RFC 9112 §6.2: a sender never sends both.
		return fmt.Errorf("framing twice: Content-Length %q, Transfer-Encoding %q", lengths, codings)
	case len(codings) == 1:
		if codings[0] != "chunked" {
			return fmt.Errorf("Transfer-Encoding %q, want chunked", codings[0])
		}
		err = readChunks(br, r, &raw)
	case len(lengths) == 1:
		var n uint64
		if n, err = strconv.ParseUint(lengths[0], 10, 62); err != nil {
			return fmt.Errorf("Content-Length %q is no number", lengths[0])
		}
		_, err = io.CopyN(&raw, br, int64(n))
		r.Body = raw.String()
	}
	r.RawBody = raw.String()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func readChunks(br *bufio.Reader, r *Request, raw *strings.Builder) error {
	var body strings.Builder
	defer func() { r.Body = body.String() }()
	for {
		line, err := lineOf(br)
		if err != nil {
			return err
		}
		raw.WriteString(line + "\r\n")
		n, err := strconv.ParseUint(line, 16, 31)
		if err != nil {
			return fmt.Errorf("chunk size line %q", line)
		}
		if n == 0 {
			r.Trailers, err = fieldsOf(br, raw)
			return err
		}
		r.Chunks = append(r.Chunks, int(n))
		if _, err := io.CopyN(io.MultiWriter(raw, &body), br, int64(n)); err != nil {
			return err
		}
		if line, err = lineOf(br); err != nil {
			return err
		}
		if line != "" {
			return fmt.Errorf("%q after a chunk of %d bytes, want CRLF", line, n)
		}
		raw.WriteString("\r\n")
	}
}
