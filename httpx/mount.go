package httpx

import (
	"context"
	"io"
	"reflect"
	"slices"

	"gohttpx.dev/proxy"
)

// WithMount has requests to what matches pattern carried by t in place of the
// client's transport; nil is the client's own after all, to make an exception of
// a wider pattern. It may be given several times; of equal patterns the last one
// holds.
//
// A pattern is scheme://host[:port]; the scheme may be "all", the host "*" or
// empty for any, "*.example.org" for the names below a domain, "*example.org" for
// the domain too. The most specific pattern wins: an exact host before a domain
// before any host, then one with a port, then one with a scheme.
//
// The patterns of WithMountProxy and of the environment's NO_PROXY and proxy
// variables stand in the same table: one that is more specific than pattern has
// the client's own transport carry the request, as it says; of equal ones WithMount
// holds. Where a request, or a derived client, has a say of its own in proxies
// (WithProxy, NoProxy, WithTrustEnv and the like), the patterns are those that are
// left by it.
//
// Every request that goes out is looked at, those of redirects too, below the
// middleware. Options of the connection, proxies among them, concern the client's
// own transport only. Client.Close closes t, if it is an io.Closer.
func WithMount(pattern string, t Transport) ClientOption {
	return poolOption("WithMount", func(c *config) error {
		p, err := proxy.ParsePattern(pattern)
		if err != nil {
			return err
		}
		c.mounts = slices.DeleteFunc(c.mounts, func(m mount) bool { return m.pattern == p })
		c.mounts = append(c.mounts, mount{p, t})
		return nil
	})
}

// mount is one entry of the table.
type mount struct {
	pattern   proxy.Pattern
	transport Transport // nil: the client's own
}

// router gives each request to the transport that is mounted for it. Immutable.
type router struct {
	mounts []mount // the most specific first
	own    Transport
}

// route puts the mounts, if there are any, before own.
func (c *config) route(own Transport) Transport {
	if len(c.mounts) == 0 {
		return own
	}
	slices.SortStableFunc(c.mounts, func(a, b mount) int { return proxy.Compare(a.pattern, b.pattern) })
	return &router{c.mounts, own}
}

// RoundTrip implements Transport.
func (r *router) RoundTrip(ctx context.Context, req *Request) (*Response, error) {
	return r.choose(req).RoundTrip(ctx, req)
}

func (r *router) choose(req *Request) Transport {
	if req == nil || req.URL == nil {
		return r.own // which says so
	}
	u := req.URL
	for i := range r.mounts {
		m := &r.mounts[i]
		if !m.pattern.Match(u.scheme, u.Host(), u.Port()) {
			continue
		}
		if own, ok := r.own.(*HTTPTransport); ok && m.transport != nil {
			routes := &own.dialer.routes
			o, err := routes.options(req.more)
			if err != nil {
				return own // which says so
			}
			if p := o.proxies.mount(u, &routes.env); p != nil && proxy.Compare(p.pattern, m.pattern) < 0 {
				return own
			}
		}
		if m.transport != nil {
			return m.transport
		}
		break
	}
	return r.own
}

// closers are what is to be closed of own and the mounts, each once.
func (c *config) closers(own Transport) []io.Closer {
	var all []io.Closer
	add := func(t Transport) {
		closer, ok := t.(io.Closer)
		if !ok {
			return
		}
		for _, have := range all {
			if reflect.TypeOf(have).Comparable() && have == closer {
				return
			}
		}
		all = append(all, closer)
	}
	add(own)
	for _, m := range c.mounts {
		if m.transport != nil {
			add(m.transport)
		}
	}
	return all
}
