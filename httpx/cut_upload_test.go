package httpx_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/h2"
	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/faults"
	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/wire"
)

// The other direction: what the client sends is cut after every byte, or the server
// reads no further.

// cutUpload is a request with content.
type cutUpload struct {
	name    string
	body    func(closed *atomic.Int32) httpx.RequestOption
	closes  int32 // how often the caller's body is closed
	options []httpx.ClientOption
	serve   func(nc net.Conn)
}

const (
	cutReadTimeout  = 5 * time.Second
	cutWriteTimeout = time.Second
	// cutHeld is how many bytes are on their way in the injector when its buffers
	// hold one: one in the connection, one each in the hands of its two goroutines.
	cutHeld = 3
)

// cutBody counts how often it is closed.
type cutBody struct {
	io.Reader
	closed *atomic.Int32
}

func (b cutBody) Close() error { b.closed.Add(1); return nil }

func cutUploads() []cutUpload {
	const text = "content of a request, which is small"
	str := func(*atomic.Int32) httpx.RequestOption { return httpx.String(text) }
	reader := func(closed *atomic.Int32) httpx.RequestOption {
		// Two reads, and nobody knows how many more.
		return httpx.Reader(cutBody{io.MultiReader(strings.NewReader(text[:9]), strings.NewReader(text[9:])), closed})
	}
	http2 := []httpx.ClientOption{httpx.WithHTTP2(true), httpx.WithHTTP1(false)}
	return []cutUpload{
		{"length", str, 0, nil, serveUpload},
		{"chunked", reader, 1, nil, serveUpload},
		{"HTTP/2, length", str, 0, http2, serveUploadHTTP2},
		{"HTTP/2, unknown length", reader, 1, http2, serveUploadHTTP2},
	}
}

// serveUpload answers when the request is there, all of it.
func serveUpload(nc net.Conn) {
	defer nc.Close()
	br := bufio.NewReader(nc)
	for {
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		n, err := io.Copy(io.Discard, req.Body)
		if err != nil {
			return
		}
		answer := fmt.Sprint(n)
		fmt.Fprintf(nc, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(answer), answer)
	}
}

func serveUploadHTTP2(nc net.Conn) {
	defer nc.Close()
	if _, err := io.ReadFull(nc, make([]byte, len(h2.Preface))); err != nil {
		return
	}
	br := bufio.NewReader(nc)
	got := 0
	for head := make([]byte, h2.FrameHeaderLen); ; {
		if _, err := io.ReadFull(br, head); err != nil {
			return
		}
		h, _ := h2.ParseFrameHeader(head)
		f := h2.Frame{FrameHeader: h, Payload: make([]byte, h.Length)}
		if _, err := io.ReadFull(br, f.Payload); err != nil {
			return
		}
		if f.Type == h2.FrameData {
			got += len(f.Data())
			if f.EndStream() {
				b := h2.AppendSettings(nil)
				b = h2.AppendHeaders(b, f.StreamID, cutBlock(":status", "200"), h2.HeadersOptions{})
				b = h2.AppendData(b, f.StreamID, fmt.Append(nil, got), true, 0)
				if _, err := nc.Write(b); err != nil {
					return
				}
				got = 0
			}
		}
	}
}

// cutSent is what a client sends up to the end of its request.
type cutSent struct {
	preface int // bytes that make the connection: HTTP/2 has some
	length  int // bytes of it all
}

// expect says what comes of n bytes. There is an answer only to all of it, and on
// the way that is not cut. Where there are several errors, one of them has to come:
// the end of a connection that was barely made meets the client before its request,
// or after. If nothing of the request was sent, it may then be made again, and
// succeed.
func (s cutSent) expect(n int, do faults.Action) (allowed []cutUploadError, mayReplay bool, after time.Duration) {
	ended := do == faults.Cut || do == faults.Reset
	switch {
	case ended && n < s.preface:
		return []cutUploadError{
			{wire.PhaseDial, wire.KindNetwork, httpx.ErrConnect, cutNo},
			{wire.PhaseDial, wire.KindDisconnected, httpx.ErrConnect, cutNo},
			{wire.PhaseWrite, wire.KindUnprocessed, httpx.ErrUnprocessed, cutNo},
			{wire.PhaseHead, wire.KindDisconnected, httpx.ErrServerClosedIdle, cutMaybe},
		}, true, 0
	case ended:
		// The end may be met in writing; what counts is that no answer came.
		return []cutUploadError{{wire.PhaseHead, wire.KindDisconnected, httpx.ErrServerClosedIdle, cutYes}}, false, 0
	case n == s.length:
		return nil, false, 0
	case do == faults.Stall && n+cutHeld < s.preface:
		return []cutUploadError{{wire.PhaseDial, wire.KindTimeout, httpx.ErrConnectTimeout, cutNo}}, false, cutWriteTimeout
	case do == faults.Stall && n+cutHeld < s.length:
		return []cutUploadError{{wire.PhaseWrite, wire.KindTimeout, httpx.ErrWriteTimeout, cutYes}}, false, cutWriteTimeout
	}
	// All was taken, and nobody answers.
	return []cutUploadError{{wire.PhaseHead, wire.KindTimeout, httpx.ErrReadTimeout, cutYes}}, false, cutReadTimeout
}

type cutUploadError struct {
	phase wire.Phase
	kind  wire.Kind
	is    error
	sent  cutWhether // that a byte of the request may have reached the server
}

type cutWhether int

const (
	cutNo cutWhether = iota
	cutYes
	cutMaybe
)

// matches reports whether err is the one.
func (c cutUploadError) matches(err error) bool {
	var e *httpx.Error
	var we *wire.Error
	return errors.Is(err, c.is) && errors.As(err, &e) && errors.As(err, &we) &&
		we.Phase == c.phase && we.Kind == c.kind && e.Op == c.phase.String() && (c.sent == cutMaybe || e.Sent == (c.sent == cutYes))
}

func TestCutUploadAtEveryByte(t *testing.T) {
	for _, u := range cutUploads() {
		t.Run(u.name, func(t *testing.T) {
			var sent cutSent
			synctest.Test(t, func(t *testing.T) { sent = u.measure(t) })
			if sent.length < 50 {
				t.Fatalf("the request has %d bytes", sent.length)
			}
			for _, do := range []faults.Action{faults.Cut, faults.Reset, faults.Stall, faults.BlackHole} {
				t.Run(do.String(), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						for n := range cutOffsets(0, sent.length) {
							if u.cutAt(t, n, sent, do); t.Failed() {
								return
							}
						}
					})
				})
			}
		})
	}
}

// post makes the request through in.
func (u *cutUpload) post(t *testing.T, in *faults.Injector, closed *atomic.Int32) (*httpx.Client, *memconn.Conn, *httpx.Response, error) {
	t.Helper()
	var server *memconn.Conn
	opts := append([]httpx.ClientOption{
		httpx.WithTrustEnv(false),
		httpx.WithTimeouts(httpx.Timeouts{Connect: 2 * cutWriteTimeout, Read: cutReadTimeout, Write: cutWriteTimeout, Pool: time.Second}),
		httpx.WithDialContext(in.Dial(func(context.Context, string, string) (net.Conn, error) {
			a, b := memconn.Pipe()
			if server == nil {
				server = b
			}
			go u.serve(b) // ends with the connection
			return a, nil
		})),
	}, u.options...)
	c, err := httpx.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Post(context.Background(), "http://server.test/", u.body(closed))
	return c, server, resp, err
}

// measure notes what the client sends.
func (u *cutUpload) measure(t *testing.T) (sent cutSent) {
	in := faults.New(nil)
	var rec recording
	serve := u.serve
	u.serve = func(nc net.Conn) { serve(&answered{nc, &rec}) }
	c, _, resp, err := u.post(t, in, new(atomic.Int32))
	u.serve = serve
	if err != nil || resp.Text() != "36" {
		t.Fatalf("without any fault: %v", err)
	}
	c.Close()
	in.Close()
	sent.length = len(rec.bytes)
	if rest, ok := bytes.CutPrefix(rec.bytes, []byte(h2.Preface)); ok {
		sent.preface = len(h2.Preface)
		for {
			f, n, err := h2.ParseFrame(rest, h2.MaxMaxFrameSize)
			if err != nil || n == 0 || f.Type == h2.FrameHeaders {
				return sent
			}
			sent.preface += n
			rest = rest[n:]
		}
	}
	return sent
}

// recording is what was read before the first write.
type recording struct {
	bytes   []byte
	written bool
}

type answered struct {
	net.Conn
	*recording
}

func (a *answered) Read(p []byte) (int, error) {
	n, err := a.Conn.Read(p)
	if !a.written {
		a.bytes = append(a.bytes, p[:n]...)
	}
	return n, err
}

func (a *answered) Write(p []byte) (int, error) {
	a.written = true
	return a.Conn.Write(p)
}

func (u *cutUpload) cutAt(t *testing.T, n int, sent cutSent, do faults.Action) {
	where := fmt.Sprintf("%v after %d of %d bytes", do, n, sent.length)
	fault := faults.Fault{At: int64(n), Do: do, Eager: n == sent.length}
	in := faults.New(faults.Only(0, faults.Plan{Up: faults.Way{Faults: []faults.Fault{fault}}, Buffer: 1}))
	var closed atomic.Int32
	start := time.Now()
	c, server, resp, err := u.post(t, in, &closed)
	took := time.Since(start)
	allowed, mayReplay, after := sent.expect(n, do)
	var e *httpx.Error
	replayed := mayReplay && err == nil
	switch {
	case allowed == nil || replayed:
		if err != nil || resp.Text() != "36" {
			t.Errorf("%s: %v", where, err)
		}
	case err == nil && n == sent.length && resp.Text() == "36":
		// The fault strikes when the last byte has passed, and the answer was faster.
	case err == nil:
		t.Errorf("%s: success with %q, want %v", where, resp.Text(), allowed[0].is)
	case !slices.ContainsFunc(allowed, func(c cutUploadError) bool { return c.matches(err) }):
		var we *wire.Error
		errors.As(err, &we)
		t.Errorf("%s: want %+v; got %+v: %v", where, allowed, we, err)
	case errors.As(err, &e) && e.Sent && httpx.IsRetryable(err):
		t.Errorf("%s: IsRetryable of a POST that may have been acted upon: %v", where, err)
	}
	if took < after || took > after*6/5 {
		t.Errorf("%s: took %v, want %v", where, took, after)
	}
	synctest.Wait()
	if k := closed.Load(); k != u.closes {
		t.Errorf("%s: the request's body was closed %d times, want %d", where, k, u.closes)
	}
	if got := server.Counts().BytesRead; allowed != nil && got > int64(n) {
		t.Errorf("%s: the server has read %d", where, got)
	}
	dials := uint64(1)
	if replayed {
		dials = 2
	}
	s := c.Stats().Counts
	if s.Busy != 0 || s.Streams != 0 || s.Waiting != 0 || s.Dials != dials || s.Replays > dials-1 {
		t.Errorf("%s: the pool: %+v", where, s)
	}
	// An HTTP/2 connection outlives a stream for which nothing comes, but not a
	// write that stands still.
	kept := err == nil || u.options != nil && errors.Is(err, httpx.ErrReadTimeout)
	if !kept && (s.Open != 0 || in.Open() != 0) {
		t.Errorf("%s: the connection is kept: %d in the pool, %d open", where, s.Open, in.Open())
	}
	c.Close()
	in.Close()
}
