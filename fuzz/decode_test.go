package fuzz_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/andybalholm/brotli"
	kgzip "github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"gohttpx.dev/httpx"
)

// contentEncodings are what FuzzDecoders chooses from.
var contentEncodings = [...]string{
	"gzip", "deflate", "br", "zstd", "gzip, br", "zstd, gzip", "br, deflate", "gzip, gzip, gzip, gzip, gzip", "zstd, zstd", "x-gzip, unknown",
}

// encodedBody is a transport that answers with a content of these bytes.
type encodedBody struct {
	coding string
	body   io.Reader
}

func (e encodedBody) RoundTrip(_ context.Context, r *httpx.Request) (*httpx.Response, error) {
	var h httpx.Header
	h.Set("Content-Encoding", e.coding)
	return &httpx.Response{StatusCode: 200, Header: h, Body: io.NopCloser(e.body)}, nil
}

// mostDecoded bounds what an input may yield.
const mostDecoded = 1 << 20

// decodeBody reads a content in pieces of step bytes.
func decodeBody(t *testing.T, coding string, body io.Reader, step int) ([]byte, error) {
	c, err := httpx.New(httpx.WithTransport(encodedBody{coding, body}), httpx.WithMaxResponseBytes(mostDecoded))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	resp, err := c.Stream(context.Background(), "GET", "http://e.test/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Close()
	var got []byte
	for p := make([]byte, step); ; {
		n, err := resp.Body.Read(p)
		if n < 0 || n > len(p) {
			t.Fatalf("%d bytes into %d", n, len(p))
		}
		if got = append(got, p[:n]...); len(got) > mostDecoded {
			t.Fatalf("%d bytes against a limit of %d", len(got), mostDecoded)
		}
		if err == io.EOF {
			return got, nil
		}
		if err != nil {
			return got, err
		}
	}
}

// Whatever a server sends: nothing panics, no more comes out than the limit
// allows, every error has its kind, and the pieces in which bytes come and are
// asked for change nothing. Bytes that another client has abandoned leave no
// trace in a decoder that is used again, or the second reading would differ.
//
// gzip is also compared with compress/gzip, deflate with compress/zlib, and br and
// zstd with fresh decoders of the packages that ours are made of. They may disagree
// in these ways only:
//
//   - no bytes at all are no content to us, and an error to compress/zlib;
//   - bytes behind the end of zlib or brotli are an error to us, and may be left
//     unread there;
//   - a window above 8 MiB is refused by us in zstd (RFC 9659);
//   - what compress/zlib refuses may be raw deflate;
//   - a later member of gzip whose header ends within its name or comment is cut
//     to us, and the end to compress/gzip;
//   - a gzip header with reserved flags is refused by us (RFC 1952 §2.3.1.2);
//   - what is above the limit.
func FuzzDecoders(f *testing.F) {
	const text = "some text, some more text, and some text again"
	var gz, zl, br, zs bytes.Buffer
	for _, w := range []io.WriteCloser{gzip.NewWriter(&gz), zlib.NewWriter(&zl), brotli.NewWriter(&br), newZstd(f, &zs)} {
		io.WriteString(w, text)
		w.Close()
	}
	for i, b := range [][]byte{gz.Bytes(), zl.Bytes(), br.Bytes(), zs.Bytes()} {
		f.Add(byte(i), b)
		f.Add(byte(i), b[:len(b)-1])
		f.Add(byte(i), append(bytes.Clone(b), b...))
		f.Add(byte(i), append(bytes.Clone(b), 0))
	}
	f.Add(byte(1), []byte("\x03\x00")) // raw deflate of nothing
	f.Add(byte(9), gz.Bytes())
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		coding := contentEncodings[int(which)%len(contentEncodings)]
		whole, err := decodeBody(t, coding, bytes.NewReader(body), 64<<10)
		tooLarge := errors.Is(err, httpx.ErrResponseTooLarge)
		if err != nil && !tooLarge && !errors.Is(err, httpx.ErrDecoding) {
			t.Fatalf("an error of no kind: %v", err)
		}
		if strings.HasSuffix(coding, "unknown") && len(body) <= mostDecoded && !bytes.Equal(whole, body) {
			t.Fatal("an unknown coding was touched")
		}
		pieces, err2 := decodeBody(t, coding, iotest.OneByteReader(bytes.NewReader(body)), 7)
		if (err == nil) != (err2 == nil) || err == nil && !bytes.Equal(whole, pieces) {
			t.Fatalf("%s: %d bytes, %v; piece by piece %d bytes, %v", coding, len(whole), err, len(pieces), err2)
		}
		if tooLarge {
			return
		}
		var std io.Reader
		var stdErr error
		switch coding {
		case "gzip":
			std, stdErr = gzip.NewReader(bytes.NewReader(body))
		case "deflate":
			std, stdErr = zlib.NewReader(bytes.NewReader(body))
		case "br":
			std = brotli.NewReader(bytes.NewReader(body))
		case "zstd":
			d, err := zstd.NewReader(bytes.NewReader(body), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			std = d
		}
		if std == nil && stdErr == nil || len(body) == 0 {
			return
		}
		var want []byte
		if stdErr == nil {
			want, stdErr = io.ReadAll(io.LimitReader(std, mostDecoded+1))
		}
		switch {
		case stdErr == nil && err == nil:
			if !bytes.Equal(want, whole) {
				t.Fatalf("%s: %q, and theirs %q", coding, whole, want)
			}
		case stdErr == nil && (coding == "deflate" || coding == "br") && strings.Contains(err.Error(), "more bytes follow"):
		case stdErr == nil && coding == "zstd" && errors.Is(err, zstd.ErrWindowSizeExceeded):
		case stdErr == nil && coding == "gzip" && (errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, kgzip.ErrHeader)):
		case stdErr != nil && err == nil && coding == "deflate" && (errors.Is(stdErr, zlib.ErrHeader) || errors.Is(stdErr, io.ErrUnexpectedEOF)):
		case stdErr != nil && err != nil:
		default:
			t.Fatalf("%s: %v, and theirs %v", coding, err, stdErr)
		}
	})
}

func newZstd(f *testing.F, w io.Writer) io.WriteCloser {
	e, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
	if err != nil {
		f.Fatal(err)
	}
	return e
}
