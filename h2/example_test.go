package h2_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"

	"gohttpx.dev/h2"
	"gohttpx.dev/wire"
)

// cleartext starts a server that speaks HTTP/2 without TLS, and connects to it.
func cleartext(handler http.HandlerFunc) (*httptest.Server, net.Conn) {
	server := httptest.NewUnstartedServer(handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	nc, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	return server, nc
}

// Many exchanges share a connection. OnFrame looks on.
func ExampleConn_RoundTrip() {
	server, nc := cleartext(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path) })
	defer server.Close()

	ctx := context.Background()
	var mu sync.Mutex
	opened := 0
	c, err := h2.NewConn(ctx, nc, h2.Config{OnFrame: func(out bool, f h2.Frame) {
		if out && f.Type == h2.FrameHeaders {
			mu.Lock()
			defer mu.Unlock()
			opened++
		}
	}})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	var all sync.WaitGroup
	bodies := make([]string, 3)
	for i := range bodies {
		all.Go(func() {
			if !c.Reserve() {
				log.Fatal("the connection takes no further request")
			}
			req := wire.Request{Method: "GET", Scheme: "http", Authority: "example.org", Target: fmt.Sprint("/", i)}
			var res wire.Response
			if err := c.RoundTrip(ctx, &req, &res); err != nil {
				log.Fatal(err)
			}
			b, err := io.ReadAll(res.Body)
			if err != nil {
				log.Fatal(err)
			}
			bodies[i] = string(b)
		})
	}
	all.Wait()
	mu.Lock()
	defer mu.Unlock()
	fmt.Println(bodies, opened, "streams")
	// Output: [/0 /1 /2] 3 streams
}

// Frames by hand, with no engine to keep the rules: a request in them, and what the
// server makes of it.
func ExampleFramer() {
	server, nc := cleartext(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	defer server.Close()
	defer nc.Close()

	fr := h2.NewFramer(nc, 1<<14)
	block := h2.NewFieldEncoder(h2.EncoderConfig{}).Append(nil, wire.Fields{
		{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "http"}, {Name: ":authority", Value: "example.org"}, {Name: ":path", Value: "/"},
	})
	b := append([]byte(h2.Preface), h2.AppendSettings(nil)...)
	b = h2.AppendHeaders(b, 1, block, h2.HeadersOptions{EndStream: true})
	if err := fr.WriteRaw(b); err != nil {
		log.Fatal(err)
	}
	for {
		f, err := fr.ReadFrame()
		if err != nil {
			log.Fatal(err)
		}
		if f.StreamID == 1 {
			fmt.Print(f.Type, " ")
		}
		if f.Type == h2.FrameData {
			fmt.Printf("%q\n", f.Data())
		}
		if f.StreamID == 1 && f.EndStream() {
			break
		}
	}
	// Output: HEADERS DATA "hello"
}

// A frame that breaks a rule can be written and read. Whether it is legal is another
// question.
func ExampleFrame_Check() {
	b := h2.AppendRaw(nil, h2.FrameHeader{Length: 3, Type: h2.FrameWindowUpdate, StreamID: 3}, []byte{0, 0, 0})
	f, n, err := h2.ParseFrame(b, 1<<14)
	fmt.Println(f, n == len(b), err)
	fmt.Println(f.Check())
	// Output:
	// WINDOW_UPDATE stream=3 length=3 true <nil>
	// h2: connection error FRAME_SIZE_ERROR: WINDOW_UPDATE stream=3 length=3 (RFC 9113 §6.9: a WINDOW_UPDATE frame has 4 octets)
}
