package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httptest"

	"gohttpx.dev/proxy"
)

// What HTTP_PROXY and the like say of an origin.
func ExampleFromEnvironment() {
	variables := map[string]string{
		"HTTPS_PROXY": "http://user:password@proxy.example:3128",
		"NO_PROXY":    ".internal.example,10.0.0.0/8",
	}
	env, err := proxy.FromEnvironment(func(name string) (string, bool) { v, ok := variables[name]; return v, ok })
	if err != nil {
		log.Fatal(err)
	}
	for _, host := range []string{"example.org", "db.internal.example", "10.1.2.3"} {
		u, err := env.ProxyFor("https", host, "443")
		fmt.Println(host, u, err)
	}
	// Output:
	// example.org http://proxy.example:3128 <nil>
	// db.internal.example <nil> <nil>
	// 10.1.2.3 <nil> <nil>
}

// A proxy refuses to make a tunnel, and the error has what it says.
func ExampleTunnel() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Reason", "not on a weekday")
		http.Error(w, r.Method+" "+r.Host, http.StatusForbidden)
	}))
	defer server.Close()

	nc, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	t := &proxy.Tunnel{Addr: "example.org:443"}
	_, err = t.Connect(context.Background(), nc) // nc is closed when it fails
	var refused *proxy.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Step, refused.StatusCode, refused.Fields.Get("X-Reason"))
		fmt.Printf("%q\n", refused.Body)
	}
	// Output:
	// connect 403 not on a weekday
	// "CONNECT example.org:443\n"
}
