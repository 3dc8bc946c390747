// Command throughput measures how fast one large body goes over HTTP/2 on a long
// wire, down and up, by this library and by net/http. See the README of the module.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"gohttpx.dev/bench/measure"
	"gohttpx.dev/bench/server"
	"gohttpx.dev/httpx"
	ourtls "gohttpx.dev/tls"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == server.ChildArg {
		if err := server.Child(); err != nil {
			fmt.Fprintln(os.Stderr, "server:", err)
			os.Exit(1)
		}
		return
	}
	switch err := run(os.Args[1:], os.Stdout, os.Stderr); {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "throughput:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("throughput", flag.ContinueOnError)
	fs.SetOutput(stderr)
	rtt := fs.Duration("rtt", 100*time.Millisecond, "round trip that is emulated")
	mib := fs.Int("mib", 100, "size of the body in MiB")
	rounds := fs.Int("rounds", 5, "rounds; each client has one transfer each way in each")
	window := fs.Int("window", 0, "window of the server in MiB, of each stream and of the connection (default the server's own, which is 1)")
	if err := fs.Parse(args); err != nil {
		return err
	}
	switch {
	case fs.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	case *mib < 1 || *mib > server.MaxSize>>20 || *rounds < 1 || *window < 0 || *window > 1024 || *rtt < 0:
		return fmt.Errorf("-mib must be from 1 to %d, -window up to 1024, -rounds positive, -rtt not negative", server.MaxSize>>20)
	}
	p, err := server.Spawn(server.Config{HTTP2: true, TLS: true, Window: int32(*window) << 20, Delay: *rtt / 2})
	if err != nil {
		return err
	}
	defer p.Stop()
	fmt.Fprintf(stdout, "%d MiB over HTTP/2 and TLS, round trip %v, MB/s, a new connection each time\n", *mib, *rtt)
	for _, way := range []struct {
		name string
		run  func(client, string, int) error
	}{{"download", down}, {"upload", up}} {
		var rates [2][]float64
		var ratios []float64
		for round := range *rounds {
			for i := range 2 {
				i := (i + round) % 2 // in turns the first
				rate, err := timed(clients[i], p, p.TLSAddr, *mib<<20, way.run)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", clients[i].name, way.name, err)
				}
				rates[i] = append(rates[i], rate)
			}
			ratios = append(ratios, rates[0][round]/rates[1][round])
		}
		fmt.Fprintf(stdout, "%s: %s %.1f, %s %.1f, ratio %.2f (medians of %d paired rounds)\n", way.name,
			clients[0].name, measure.Median(rates[0]), clients[1].name, measure.Median(rates[1]), measure.Median(ratios), *rounds)
	}
	return nil
}

// timed makes a connection, which takes one small request, and then times run. It
// returns megabytes per second.
func timed(k kind, p *server.Process, addr string, size int, run func(client, string, int) error) (float64, error) {
	c, done, err := k.open(p)
	if err != nil {
		return 0, err
	}
	defer done()
	base := "https://" + addr
	if err := down(c, base, server.TokenLen); err != nil {
		return 0, err
	}
	start := time.Now()
	if err := run(c, base, size); err != nil {
		return 0, err
	}
	return float64(size) / 1e6 / time.Since(start).Seconds(), nil
}

const token = "0123456789abcdef"

// client sends a request, with a body of known length or none, and returns status
// and body.
type client func(method, url string, body io.Reader, length int64) (int, io.ReadCloser, error)

// down gets size bytes.
func down(c client, base string, size int) error {
	status, body, err := c("GET", fmt.Sprintf("%s/%d/%s", base, size, token), nil, 0)
	if err != nil {
		return err
	}
	defer body.Close()
	head := make([]byte, server.TokenLen)
	if _, err := io.ReadFull(body, head); err != nil {
		return err
	}
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{body}, make([]byte, 64<<10))
	if err != nil {
		return err
	}
	if status != 200 || int(n) != size-len(head) || string(head) != token {
		return fmt.Errorf("status %d, %d bytes of %d", status, int(n)+len(head), size)
	}
	return nil
}

// zeros is an endless body, in no memory of its own.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// up sends size bytes; the answer is their number.
func up(c client, base string, size int) error {
	status, body, err := c("POST", base+"/", io.LimitReader(zeros{}, int64(size)), int64(size))
	if err != nil {
		return err
	}
	defer body.Close()
	got, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	if status != 200 || strings.TrimSpace(string(got)) != strconv.Itoa(size) {
		return fmt.Errorf("status %d, the server has %q bytes of %d", status, got, size)
	}
	return nil
}

// kind is one of the two clients.
type kind struct {
	name string
	open func(*server.Process) (c client, done func(), err error)
}

var clients = [2]kind{{"httpx", openHTTPX}, {"nethttp", openNetHTTP}}

func openHTTPX(p *server.Process) (client, func(), error) {
	c, err := httpx.New(httpx.WithHTTP2(true), httpx.WithHTTP1(false), httpx.WithTLS(ourtls.Options{RootCAs: p.Roots}), httpx.WithTimeout(time.Minute), httpx.WithTrustEnv(false))
	if err != nil {
		return nil, nil, err
	}
	return func(method, url string, body io.Reader, length int64) (int, io.ReadCloser, error) {
		var opts []httpx.RequestOption
		if body != nil {
			opts = append(opts, httpx.Reader(body), httpx.WithHeader("Content-Length", strconv.FormatInt(length, 10)))
		}
		resp, err := c.Stream(context.Background(), method, url, opts...)
		if err != nil {
			return 0, nil, err
		}
		return resp.StatusCode, resp.Body, nil
	}, func() { c.Close() }, nil
}

func openNetHTTP(p *server.Process) (client, func(), error) {
	t := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.Roots}, Protocols: new(http.Protocols), DisableCompression: true}
	t.Protocols.SetHTTP2(true)
	return func(method, url string, body io.Reader, length int64) (int, io.ReadCloser, error) {
		req, err := http.NewRequest(method, url, body)
		if err != nil {
			return 0, nil, err
		}
		req.ContentLength = length
		resp, err := t.RoundTrip(req)
		if err != nil {
			return 0, nil, err
		}
		return resp.StatusCode, resp.Body, nil
	}, t.CloseIdleConnections, nil
}
