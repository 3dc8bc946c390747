package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/url"
	"reflect"

	"gohttpx.dev/httpx"
)

// echo is what go-httpbin tells of a request.
type echo struct {
	Args    url.Values `json:"args"`
	Headers url.Values `json:"headers"`
	Method  string     `json:"method"`
	JSON    lamp       `json:"json"`
}

type lamp struct {
	Name  string `json:"name"`
	Watts int    `json:"watts"`
}

// wanted is the error of a value that is not what it should be.
func wanted(what string, got, want any) error {
	if reflect.DeepEqual(got, want) {
		return nil
	}
	return fmt.Errorf("%s: wanted %v, got %v", what, want, got)
}

// mainSteps are what a client is for.
func mainSteps() []step {
	return []step{
		{
			title: "GET with a query",
			code:  `resp, err := client.Get(ctx, "/get", httpx.WithQuery("page", 2, "tag", []string{"new", "a&b"}))`,
			run: func(ctx context.Context, t *tour) (string, error) {
				resp, err := t.client.Get(ctx, "/get", httpx.WithQuery("page", 2, "tag", []string{"new", "a&b"}))
				if err != nil {
					return "", err
				}
				e, err := httpx.Decode[echo](resp)
				if err != nil {
					return "", err
				}
				return fmt.Sprintf("%s %s, %d bytes from %s\nthe server understood page=%q tag=%q",
						resp.Proto, resp.Status(), len(resp.Bytes()), resp.URL, e.Args["page"], e.Args["tag"]),
					errors.Join(resp.Err(), wanted("query", e.Args, url.Values{"page": {"2"}, "tag": {"new", "a&b"}}))
			},
		},
		{
			title: "POST JSON, and the answer as a Go value",
			code:  "resp, err := client.Post(ctx, \"/post\", httpx.JSON(Lamp{\"desk\", 7}))\nanswer, err := httpx.Decode[Answer](resp)",
			run: func(ctx context.Context, t *tour) (string, error) {
				sent := lamp{"desk", 7}
				resp, err := t.client.Post(ctx, "/post", httpx.JSON(sent))
				if err != nil {
					return "", err
				}
				e, err := httpx.Decode[echo](resp)
				if err != nil {
					return "", err
				}
				return fmt.Sprintf("%s, and the lamp came back as %+v", resp.Status(), e.JSON),
					errors.Join(resp.Err(), wanted("JSON", e.JSON, sent), wanted("Content-Type", e.Headers.Get("Content-Type"), "application/json"))
			},
		},
		{
			title: "A bad status is no error until asked",
			code:  "resp, err := client.Get(ctx, \"/status/404\") // err == nil\nerr = resp.Err()",
			run: func(ctx context.Context, t *tour) (string, error) {
				resp, err := t.client.Get(ctx, "/status/404")
				if err != nil {
					return "", err
				}
				err = resp.Err()
				var se *httpx.StatusError
				if !errors.As(err, &se) {
					return "", fmt.Errorf("wanted a *StatusError, got %v", err)
				}
				return err.Error(), wanted("status", se.Response.StatusCode, 404)
			},
		},
		{title: "Download a stream, with progress", code: codeDownload, run: downloadStep},
		{title: "Upload a stream of unknown length", code: `resp, err := client.Post(ctx, "/upload", httpx.Reader(r)) // sent in chunks as r delivers`, run: uploadStep},
		{title: "Read line by line, as the server writes", code: codeLines, run: linesStep},
		{title: "Ten requests, one connection", code: codeReuse, run: reuseStep},
	}
}

const codeDownload = `resp, err := client.Stream(ctx, "GET", "/large")
defer resp.Close()
for chunk, err := range resp.Chunks(256 << 10) { … }`

func downloadStep(ctx context.Context, t *tour) (string, error) {
	resp, err := t.client.Stream(ctx, "GET", "/large")
	if err != nil {
		return "", err
	}
	defer resp.Close()
	p := newProgress(t.con.out, t.con.barColumns(t.con.outTerminal), resp.ContentLength())
	sum := crc32.New(castagnoli)
	chunks, most := 0, 0
	for chunk, err := range resp.Chunks(256 << 10) {
		if err != nil {
			return "", err
		}
		chunks, most = chunks+1, max(most, len(chunk))
		sum.Write(chunk)
		p.Write(chunk)
	}
	p.finish()
	got := fmt.Sprintf("%08x", sum.Sum32())
	return fmt.Sprintf("%s in %d chunks, never more than %s in memory; checksum %s is right", size(resp.BytesReceived()), chunks, size(int64(most)), got),
		errors.Join(wanted("bytes", resp.BytesReceived(), int64(largeBytes)), wanted("checksum", got, resp.Header.Get("X-Crc32c")))
}

func uploadStep(ctx context.Context, t *tour) (string, error) {
	const length = 32 << 20
	// Hidden in a struct, a Reader has no Len method, so that nobody knows how
	// long it is.
	body := struct{ io.Reader }{io.LimitReader(zeros{}, length)}
	resp, err := t.client.Post(ctx, "/upload", httpx.Reader(body))
	if err != nil {
		return "", err
	}
	var e struct {
		Headers  url.Values `json:"headers"`
		Received int64      `json:"bytes_received"`
	}
	if err := resp.JSON(&e); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, the server counted %s; Transfer-Encoding was %s", resp.Status(), size(e.Received), orNone(e.Headers.Get("Transfer-Encoding"))),
		errors.Join(resp.Err(), wanted("bytes counted", e.Received, int64(length)), wanted("Content-Length", e.Headers.Get("Content-Length"), ""))
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

const codeLines = `resp, err := client.Stream(ctx, "GET", "/stream/5")
defer resp.Close()
for line, err := range resp.Lines() { … }`

func linesStep(ctx context.Context, t *tour) (string, error) {
	resp, err := t.client.Stream(ctx, "GET", "/stream/5")
	if err != nil {
		return "", err
	}
	defer resp.Close()
	var ids []int
	for line, err := range resp.Lines() {
		if err != nil {
			return "", err
		}
		var v struct {
			ID int `json:"id"`
		}
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			return "", fmt.Errorf("line %d: %w", len(ids)+1, err)
		}
		ids = append(ids, v.ID)
	}
	return fmt.Sprintf("%d lines of JSON, ids %v", len(ids), ids), wanted("ids", ids, []int{0, 1, 2, 3, 4})
}

const codeReuse = `for range 10 { client.Get(ctx, "/get") }
client.Stats()`

func reuseStep(ctx context.Context, t *tour) (string, error) {
	c, err := t.newClient(httpx.WithBaseURL(t.http))
	if err != nil {
		return "", err
	}
	reused := 0
	for range 10 {
		resp, err := c.Get(ctx, "/get")
		if err != nil {
			return "", err
		}
		if resp.Conn().Reused {
			reused++
		}
	}
	s := c.Stats()
	return fmt.Sprintf("dials %d, reuses %d; open %d, idle %d, busy %d", s.Dials, s.Reuses, s.Open, s.Idle, s.Busy),
		errors.Join(wanted("dials", int(s.Dials), 1), wanted("reuses", int(s.Reuses), 9), wanted("responses that say reused", reused, 9),
			wanted("connections open, idle, busy", [3]int{int(s.Open), int(s.Idle), int(s.Busy)}, [3]int{1, 1, 0}))
}

// tlsSteps are HTTPS, trusted and not.
func tlsSteps() []step {
	return []step{
		{
			title: "HTTPS, and what is known of the connection",
			code:  "client, err := httpx.New(httpx.WithTLS(tls.Options{RootCAs: roots}))\nresp.Conn().TLS, resp.Timings()",
			run: func(ctx context.Context, t *tour) (string, error) {
				c, err := t.secureClient()
				if err != nil {
					return "", err
				}
				resp, err := c.Get(ctx, "/get")
				if err != nil {
					return "", err
				}
				state, times := resp.Conn().TLS, resp.Timings()
				if state == nil {
					return "", errors.New("an https response without TLS facts")
				}
				return fmt.Sprintf("%s\ncertificate for %s\nconnect %s, TLS %s, first byte %s, total %s", tlsFacts(state), certName(state.PeerCertificates[0]),
						short(times.Connect), short(times.TLS), short(times.FirstByte), short(times.Total)),
					errors.Join(resp.Err(), wanted("handshake complete", state.HandshakeComplete, true), wanted("ALPN", state.NegotiatedProtocol, "h2"),
						wanted("time of the handshake known", times.TLS > 0 && times.Total >= times.TLS, true))
			},
		},
		{
			title: "A certificate that nobody vouches for is refused",
			code:  "_, err := httpx.Get(ctx, https) // errors.Is(err, httpx.ErrTLS), errors.As(err, &x509.UnknownAuthorityError{})",
			run: func(ctx context.Context, t *tour) (string, error) {
				c, err := t.newClient()
				if err != nil {
					return "", err
				}
				_, err = c.Get(ctx, t.https+"/get")
				var unknown x509.UnknownAuthorityError
				return shown(err), errors.Join(is(err, "httpx.ErrTLS", httpx.ErrTLS), is(err, "httpx.ErrConnect", httpx.ErrConnect),
					wanted("x509.UnknownAuthorityError", errors.As(err, &unknown), true), wanted("anything sent", sent(err), false))
			},
		},
	}
}
