package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"gohttpx.dev/httpx"
)

// mostJSONValue is the longest JSON value of --json-lines, in bytes.
const mostJSONValue = 64 << 20

// showJSONLines prints the JSON values of the body, or the elements of the array
// that it is, each on a line of its own and as soon as it has come.
func (c *console) showJSONLines(ctx context.Context, r *httpx.Response) error {
	in := &bounded{r: r.Body, left: mostJSONValue}
	start, err := firstByte(in)
	if err != nil {
		return notEOF(err)
	}
	dec := json.NewDecoder(io.MultiReader(bytes.NewReader([]byte{start}), in))
	array := start == '[' && !isLines(mediaTypeOf(r.Header.Get("Content-Type")))
	if array {
		if _, err := dec.Token(); err != nil {
			return notJSON(1, err)
		}
	}
	var line bytes.Buffer
	for n := 1; ; n++ {
		if array && !dec.More() {
			break
		}
		var v json.RawMessage
		in.left = mostJSONValue
		if err := dec.Decode(&v); err == io.EOF && !array {
			return nil
		} else if err != nil {
			return notJSON(n, err)
		}
		line.Reset()
		if err := json.Compact(&line, v); err != nil {
			return notJSON(n, err)
		}
		line.WriteByte('\n')
		if err := c.showJSONLine(ctx, line.Bytes()); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil { // the array's end
		return notJSON(0, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return notJSON(0, errors.Join(errors.New("there is more behind the array"), err))
	}
	return nil
}

// isLines reports a type whose content has many values, an array being one of
// them.
func isLines(mediaType string) bool {
	switch mediaType {
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines":
		return true
	}
	return false
}

func (c *console) showJSONLine(ctx context.Context, line []byte) error {
	if !c.outTerminal {
		_, err := c.out.Write(line)
		return err
	}
	return c.highlight(ctx, "application/json", tame(string(line)))
}

// notJSON is an error of the n-th value; 0 is what is behind the last. Where the
// connection failed, that is the error.
func notJSON(n int, err error) error {
	var failed *httpx.Error
	if errors.As(err, &failed) {
		return err
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if n == 0 {
		return fmt.Errorf("--json-lines: the end: %w", err)
	}
	return fmt.Errorf("--json-lines: value %d: %w", n, err)
}

// firstByte reads up to the first byte that is no white space of JSON's, nor
// part of a byte order mark.
func firstByte(r io.Reader) (byte, error) {
	var b [1]byte
	mark := []byte("\xef\xbb\xbf")
	for {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return 0, err
		}
		if len(mark) > 0 && b[0] == mark[0] {
			mark = mark[1:]
			continue
		}
		if bytes.IndexByte([]byte(" \t\r\n"), b[0]) < 0 {
			return b[0], nil
		}
	}
}

// bounded fails when more is read than left allows, which its user sets anew
// from time to time.
type bounded struct {
	r    io.Reader
	left int64
}

var errLongValue = fmt.Errorf("longer than %s", size(mostJSONValue))

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLongValue
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
