package httpx

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"

	"gohttpx.dev/h1"
)

// config is what a client is made from.
type config struct {
	settings
	derived    *Client // the client that this one is derived from; nil: none
	base       *URL
	noDefaults bool
	transport  Transport // nil: the network
	mounts     []mount
	middleware []func(Transport) Transport
	jar        http.CookieJar
	jarSet     bool
	cookies    []*http.Cookie

	// Of the network.
	conn           connOptions
	limits         Limits
	rules          h1.Rules
	dialer         net.Dialer
	dialContext    func(ctx context.Context, network, addr string) (net.Conn, error)
	connectRetries int
	maxInFlight    int // 0: no bound
	filters        dialFilter
	hosts          map[string][]netip.Addr // nil: none; never changed in place
	resolver       Resolver                // nil: dialer.Resolver
	cache          *DNSCache               // nil: none
	dump           *dumper                 // nil: none

	onProxyConnect  func(ctx context.Context, proxyURL, target string) (Header, error)
	onProxyResponse func(ctx context.Context, proxyURL, target string, status int, h Header) error
}

// newConfig is what holds where no option says otherwise.
func newConfig() *config { return &config{conn: connOptions{http2: true}} }

// apply runs opts.
func (c *config) apply(opts []ClientOption) error {
	for _, o := range opts {
		if o == nil {
			return errNilOption
		}
		if err := o.applyClient(c); err != nil {
			return err
		}
	}
	return nil
}

func errOwnPool(option string) error {
	return fmt.Errorf("%s: a derived client shares the pool of the client it comes from: give the option to New", option)
}

// WithBaseURL makes relative URLs possible. The path of a request is appended to
// the base's, with one slash between them. An absolute URL is sent where it says,
// and with the client's headers: mind credentials among them. There is none by
// default. One without a scheme is ErrInvalidURL.
func WithBaseURL(s string) ClientOption {
	return clientOption(func(c *config) error {
		u, err := ParseURLWith(s, URLRules{PathAsIs: c.pathAsIs})
		if err != nil {
			return err
		}
		if !u.IsAbs() {
			return invalidURL("the base URL %q has no scheme: write it as https://example.org/v1", u.Redacted())
		}
		c.base = u
		return nil
	})
}

// WithoutDefaultHeaders leaves out Accept, Accept-Encoding and User-Agent, unless
// they were given another value.
func WithoutDefaultHeaders() ClientOption {
	return clientOption(func(c *config) error { c.noDefaults = true; return nil })
}

// WithTransport makes t carry the requests, in place of the network. The client
// closes it, if it is an io.Closer. nil is an error.
func WithTransport(t Transport) ClientOption {
	return poolOption("WithTransport", func(c *config) error {
		if t == nil {
			return fmt.Errorf("WithTransport: nil")
		}
		c.transport = t
		return nil
	})
}

// WithMiddleware wraps what carries the requests. The first given is the
// outermost: it sees a request first and its response last. It sees every request
// that goes out, those of redirects and authentication too. nil is an error.
func WithMiddleware(wrap func(next Transport) Transport) ClientOption {
	return clientOption(func(c *config) error {
		if wrap == nil {
			return fmt.Errorf("WithMiddleware: nil")
		}
		c.middleware = append(c.middleware, wrap)
		return nil
	})
}
