package httpx

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"gohttpx.dev/wire"
)

const builtinEncodings = "gzip, deflate, br, zstd"

// decodingOption changes which codings are removed, and so which are asked for.
type decodingOption func(*more) error

func (o decodingOption) applyClient(c *config) error {
	if c.derived == nil {
		return c.settings.edit(o) // Accept-Encoding is set when all options are known
	}
	return c.settings.editDecoding(o)
}

func (o decodingOption) applyRequest(r *Request) error { return r.settings.editDecoding(o) }

// editDecoding is edit, and keeps an Accept-Encoding that is the default in step.
func (s *settings) editDecoding(f func(*more) error) error {
	before := acceptEncoding(s.more)
	if err := s.edit(f); err != nil || s.alone {
		return err
	}
	switch after := acceptEncoding(s.more); {
	case after == before || s.header.Get("Accept-Encoding") != before:
	case after == "":
		s.header.Del("Accept-Encoding")
	default:
		s.header.Set("Accept-Encoding", after)
	}
	return nil
}

// acceptEncoding names the codings that are removed from responses, "" for none.
func acceptEncoding(m *more) string {
	switch {
	case m == nil || !m.noDecoding && len(m.decoders) == 0:
		return builtinEncodings
	case m.noDecoding:
		return ""
	}
	var names []string
	for _, name := range strings.Split(builtinEncodings, ", ") {
		if m.decodes(name) {
			names = append(names, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.decoders)) {
		if m.decodes(name) && builtin[name] == nil {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// identityForRange makes a request for a range ask for it without codings, if it
// has the default Accept-Encoding: a part of an encoded form is of no use to who
// did not ask for that form.
func (s *settings) identityForRange() {
	if !s.header.Has("Range") {
		return
	}
	if v := s.header.Get("Accept-Encoding"); v != "" && v == acceptEncoding(s.more) {
		s.header.Set("Accept-Encoding", "identity")
	}
}

// WithDecoding says whether the codings named by Content-Encoding (RFC 9110 §8.4)
// are removed from the content: gzip, x-gzip, deflate, br, zstd and those of
// WithDecoder. It is on by default, and Accept-Encoding then names them unless
// the caller sets that field himself, or asks for a Range: then it is identity.
// Off leaves the content as received and that default out.
//
// Up to five codings are removed, the last applied first. If any of them is not
// known, none is. Content-Encoding and Content-Length stay as they were
// received; Response.Uncompressed says what was done. Content that is broken,
// cut short, or goes on after its end is an error that matches ErrDecoding.
func WithDecoding(on bool) Option {
	return decodingOption(func(m *more) error { m.noDecoding = !on; return nil })
}

// WithDecoder makes f decode the content coding of that name, in place of the
// decoder there may be; nil removes it. f gets the encoded bytes, never none at
// all, and is called for each response with that coding.
//
// What f returns must yield io.ErrUnexpectedEOF where its input ends early, and
// must read it to the end: bytes that are left are an error. It is closed once,
// by the goroutine that reads or closes the response, and must not read
// afterwards.
func WithDecoder(name string, f func(io.Reader) (io.ReadCloser, error)) Option {
	name = strings.ToLower(name)
	return decodingOption(func(m *more) error {
		if !wire.IsToken(name) || name == "identity" || name == "*" {
			return fmt.Errorf("WithDecoder: %q cannot name a content coding (RFC 9110 §8.4.1)", name)
		}
		m.decoders = maps.Clone(m.decoders)
		if m.decoders == nil {
			m.decoders = map[string]func(io.Reader) (io.ReadCloser, error){}
		}
		m.decoders[name] = f
		return nil
	})
}

func customStage(name string, open func(io.Reader) (io.ReadCloser, error)) *stage {
	return &stage{name: name, in: bufio.NewReaderSize(nil, stageBuffer), dec: &customDecoder{open: open}}
}

// WithMaxResponseBytes bounds the content of a response to n bytes: as received,
// and once more when decoded. What is above it fails with ErrResponseTooLarge,
// at once if Content-Length says so, and never yields more than n bytes.
//
// Zero is the default: 1 GiB for a response that is buffered, whether by Do or
// by Response.Buffer, and no limit for one that is streamed. Unlimited lifts
// both. Memory is the caller's: a client that makes many requests of servers it
// does not trust should set a limit that so many responses may have together.
func WithMaxResponseBytes(n int64) Option {
	return moreOption(func(m *more) error { m.maxBody = max(n, Unlimited); return nil })
}

// WithMaxDecodeRatio bounds the decoded bytes for each byte received; more fail
// with ErrDecodedTooLarge. Zero is the default, 1000; Unlimited is none. The
// first 8 MiB of a response are always allowed. One gzip or deflate reaches at
// most 1032, with one byte repeated; br, zstd and chains reach many thousands.
func WithMaxDecodeRatio(n int) Option {
	return moreOption(func(m *more) error { m.maxRatio = int64(max(n, Unlimited)); return nil })
}
