package subject

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"

	"golang.org/x/net/http2"

	"gohttpx.dev/bench/server"
)

// xNet is the HTTP/2 of golang.org/x/net used directly, without net/http's
// Transport around it: no timeout, no transparent gzip, the body into a buffer
// that the goroutine keeps. It pings nobody, as is its default.
var xNet = Subject{
	Name:      "xnet",
	What:      "x/net/http2.Transport under http.Client, no timeout, body into a reused buffer",
	HTTP2Only: true,
	Can:       func(o Options) bool { return canNetHTTP(o) && !o.Fresh },
	Open:      func(o Options) (Client, error) { return openXNet(o), nil },
}

func openXNet(o Options) *netHTTPClient {
	t := &http2.Transport{DisableCompression: o.Kind != server.KindGzip, IdleConnTimeout: IdleTimeout}
	if o.Roots != nil {
		t.TLSClientConfig = tlsOf(o)
	} else {
		t.AllowHTTP = true
		t.DialTLSContext = func(ctx context.Context, network, addr string, _ *tls.Config) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, addr)
		}
	}
	return &netHTTPClient{o: o, close: t.CloseIdleConnections, client: http.Client{Transport: t}}
}
