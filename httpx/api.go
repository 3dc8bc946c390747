package httpx

import (
	"context"
	"sync/atomic"
)

var defaultClient atomic.Pointer[Client]

// Default returns the client behind the package-level functions. It is made on
// first use, with the default options and without a cookie jar.
func Default() *Client {
	if c := defaultClient.Load(); c != nil {
		return c
	}
	c, err := New(WithCookieJar(nil)) // shared by all code of a process
	if err != nil {
		panic(err) // no option was given that could be wrong
	}
	for !defaultClient.CompareAndSwap(nil, c) {
		if other := defaultClient.Load(); other != nil {
			c.Close() // it holds nothing yet
			return other
		}
	}
	return c
}

// SetDefault replaces the client behind the package-level functions and returns
// the one before, which is not closed; nil if there was none.
func SetDefault(c *Client) (old *Client) { return defaultClient.Swap(c) }

// Do sends a request with the default client and buffers the response.
func Do(ctx context.Context, method, url string, opts ...RequestOption) (*Response, error) {
	return Default().Do(ctx, method, url, opts...)
}

// Stream sends a request with the default client and leaves the body on the
// connection. The response must be closed.
func Stream(ctx context.Context, method, url string, opts ...RequestOption) (*Response, error) {
	return Default().Stream(ctx, method, url, opts...)
}

// StreamFunc sends a request with the default client, gives the response to f
// with its body still on the connection, and closes it when f returns, whose
// error it returns. See Client.StreamFunc.
func StreamFunc(ctx context.Context, method, url string, f func(*Response) error, opts ...RequestOption) error {
	return Default().StreamFunc(ctx, method, url, f, opts...)
}

// Get sends a GET request with the default client.
func Get(ctx context.Context, url string, opts ...RequestOption) (*Response, error) {
	return Do(ctx, "GET", url, opts...)
}

// Head sends a HEAD request with the default client.
func Head(ctx context.Context, url string, opts ...RequestOption) (*Response, error) {
	return Do(ctx, "HEAD", url, opts...)
}

// Options sends an OPTIONS request with the default client.
func Options(ctx context.Context, url string, opts ...RequestOption) (*Response, error) {
	return Do(ctx, "OPTIONS", url, opts...)
}

// Delete sends a DELETE request with the default client.
func Delete(ctx context.Context, url string, opts ...RequestOption) (*Response, error) {
	return Do(ctx, "DELETE", url, opts...)
}

// Post sends a POST request with the default client.
func Post(ctx context.Context, url string, opts ...RequestOption) (*Response, error) {
	return Do(ctx, "POST", url, opts...)
}

// Put sends a PUT request with the default client.
func Put(ctx context.Context, url string, opts ...RequestOption) (*Response, error) {
	return Do(ctx, "PUT", url, opts...)
}

// Patch sends a PATCH request with the default client.
func Patch(ctx context.Context, url string, opts ...RequestOption) (*Response, error) {
	return Do(ctx, "PATCH", url, opts...)
}
