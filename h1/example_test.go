package h1_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"

	"gohttpx.dev/h1"
	"gohttpx.dev/wire"
)

// dial connects to the server.
func dial(server *httptest.Server) net.Conn {
	nc, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	return nc
}

// An exchange over a connection that the caller has dialled. The connection can be
// used again once the body has been read.
func ExampleConn_RoundTrip() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s from %s", r.Method, r.URL.Path, r.RemoteAddr[:9])
	}))
	defer server.Close()

	ctx := context.Background()
	c := h1.NewConn(dial(server), h1.Config{})
	defer c.Close()
	req := wire.Request{Method: "GET", Scheme: "http", Authority: "example.org", Target: "/items", Fields: wire.Fields{{Name: "Accept", Value: "*/*"}}}
	var res wire.Response
	for range 2 {
		if !c.Reserve() {
			log.Fatal("the connection takes no further request")
		}
		res.Reset()
		if err := c.RoundTrip(ctx, &req, &res); err != nil {
			log.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(res.Status, res.Fields.Get("content-length"), string(body), res.Reused)
	}
	// Output:
	// 200 25 GET /items from 127.0.0.1 false
	// 200 25 GET /items from 127.0.0.1 true
}

// A request as no client would send it: here with two fields Host, which a server has
// to refuse (RFC 9112 §3.2).
func ExampleConn_SendRaw() {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()

	ctx := context.Background()
	c := h1.NewConn(dial(server), h1.Config{KeepRawHead: true})
	defer c.Close()
	if err := c.SendRaw(ctx, []byte("GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n")); err != nil {
		log.Fatal(err)
	}
	var res wire.Response
	if err := c.ReadHead(ctx, &res); err != nil {
		log.Fatal(err)
	}
	line, _, _ := strings.Cut(string(res.RawHead), "\r\n")
	fmt.Println(line)
	// Output: HTTP/1.1 400 Bad Request
}

// A request in bytes, with every byte checked and no connection.
func ExampleAppendRequest() {
	req := wire.Request{Method: "GET", Authority: "example.org", Target: "/", Fields: wire.Fields{{Name: "X-App", Value: "demo"}}}
	b, err := h1.AppendRequest(nil, &req, h1.Default)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%q\n", b)

	req.Fields[0].Value = "demo\r\nX-Evil: 1"
	_, err = h1.AppendRequest(nil, &req, h1.Default)
	fmt.Println(err)
	// Output:
	// "GET / HTTP/1.1\r\nHost: example.org\r\nX-App: demo\r\n\r\n"
	// write: local protocol error: h1: X-App: CR at byte 4 (RFC 9110 §5.5: no control byte in a field value)
}

// A response out of bytes: its head, where its content ends, and what in it was
// accepted although it is against the rules.
func ExampleParseResponse() {
	in := []byte("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
	var res wire.Response
	p := h1.Parser{Rules: h1.Default}
	n, err := p.Response(in, &res)
	if err != nil {
		log.Fatal(err)
	}
	framing, _, err := h1.BodyFraming("GET", &res, h1.Default)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(res.Status, res.Fields, framing, p.Anomalies)

	var d h1.ChunkDecoder
	for rest := in[n:]; ; {
		data, n, done, err := d.Next(rest)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%q %d %t\n", data, n, done)
		if rest = rest[n:]; done {
			fmt.Printf("%q\n", rest)
			break
		}
	}

	_, err = (&h1.Parser{Rules: h1.Strict}).Response(in, &res)
	fmt.Println(err)
	// Output:
	// 200 [{Transfer-Encoding chunked false}] chunked bare LF
	// "hello" 8 false
	// "" 5 true
	// "\r\n"
	// h1: bare LF at byte 15 (RFC 9112 §2.2: a line ends in CRLF)
}
