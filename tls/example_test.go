package tls_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httptest"

	"gohttpx.dev/tls"
)

// A handshake on a connection that the caller has dialled, with a server of a private
// authority; and the error of a name that the certificate is not for.
func ExampleClient_Handshake() {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())

	client, err := tls.NewClient(tls.Options{RootCAs: roots, ALPN: []string{"http/1.1"}})
	if err != nil {
		log.Fatal(err)
	}
	for _, host := range []string{"example.com", "example.org"} {
		nc, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			log.Fatal(err)
		}
		conn, err := client.Handshake(context.Background(), nc, host)
		if err != nil {
			var name x509.HostnameError
			fmt.Println(host, errors.As(err, &name))
			continue
		}
		fmt.Println(host, conn.ConnectionState().NegotiatedProtocol, conn.Probe())
		conn.Close()
	}
	// Output:
	// example.com http/1.1 true
	// example.org true
}
