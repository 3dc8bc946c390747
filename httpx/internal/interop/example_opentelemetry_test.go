package interop

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"gohttpx.dev/httpx"
)

// OpenTelemetry needs nothing of the client but its seams. Here its transport
// stands between our call and our network: redirects, retries and challenges
// have a span each.
func Example_openTelemetry() {
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/old" {
			http.Redirect(rw, r, "/new", http.StatusFound)
			return
		}
		io.WriteString(rw, "hello")
	}))
	defer server.Close()

	spans := tracetest.NewSpanRecorder()
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(spans))

	network, err := httpx.New(httpx.WithLimits(httpx.Limits{MaxConnections: 10}))
	if err != nil {
		log.Fatal(err)
	}
	defer network.Close()
	client, err := httpx.New(
		httpx.WithTransport(httpx.FromRoundTripper(otelhttp.NewTransport(network.RoundTripper(),
			otelhttp.WithTracerProvider(provider)))),
		httpx.WithFollowRedirects(true),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	resp, err := client.Get(context.Background(), server.URL+"/old")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Text())
	for _, span := range spans.Ended() {
		for _, a := range span.Attributes() {
			if a.Key == "http.response.status_code" {
				fmt.Println(span.Name(), a.Value.String())
			}
		}
	}
	// Output:
	// hello
	// HTTP GET 302
	// HTTP GET 200
}
