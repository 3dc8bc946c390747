package httpx

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// DNSCache says what a client remembers of names. Zero is the default of a field,
// negative switches it off, except where it says otherwise.
type DNSCache struct {
	// TTL is how long addresses are used without asking again. The resolvers of
	// operating systems do not tell the records' own. Default 30 s; it cannot be
	// switched off.
	TTL time.Duration
	// NegativeTTL is the same for a name that does not exist. Default 2 s.
	NegativeTTL time.Duration
	// StaleIfError is how long beyond TTL addresses are used where the resolver
	// fails; not where it says that the name does not exist. Default 10 min.
	StaleIfError time.Duration
	// MaxNames bounds the names remembered. Default 1024; it cannot be switched
	// off.
	MaxNames int
	// Rotate begins with another address of a name each time.
	Rotate bool
}

// maxLookup bounds one look-up of the cache's, which goes on when the request that
// began it has gone, because others may wait for it.
const maxLookup = 10 * time.Second

// WithDNSCache remembers what names resolve to. Look-ups of one name at the same
// time are one. Without it every dial asks the resolver; connections that are kept
// alive need none. With WithDialContext, which has its own way, it is an error,
// unless New is given a socks5:// proxy, whose targets are resolved here.
func WithDNSCache(d DNSCache) ClientOption {
	return poolOption("WithDNSCache", func(c *config) error { c.cache = &d; return nil })
}

// dnsCache is a Resolver that remembers.
type dnsCache struct {
	DNSCache          // defaults resolved
	up       Resolver // whom it asks
	flight   singleflight.Group

	mu sync.Mutex
	m  map[string]*dnsEntry // guarded by mu; by network and name
}

// dnsEntry is what is known of a name.
type dnsEntry struct {
	addrs   []netip.Addr
	err     error // if there are none
	fresh   time.Time
	stale   time.Time // usable until then where the resolver fails
	rotated int
}

func newDNSCache(d DNSCache, up Resolver) *dnsCache {
	def := func(t *time.Duration, d time.Duration) {
		if *t == 0 {
			*t = d
		}
		*t = max(*t, 0)
	}
	d.TTL, d.MaxNames = max(d.TTL, 0), max(d.MaxNames, 0)
	def(&d.TTL, 30*time.Second)
	def(&d.NegativeTTL, 2*time.Second)
	def(&d.StaleIfError, 10*time.Minute)
	if d.MaxNames == 0 {
		d.MaxNames = 1024
	}
	if std, ok := up.(*net.Resolver); up == nil || ok && std == nil {
		up = net.DefaultResolver
	}
	return &dnsCache{DNSCache: d, up: up, m: map[string]*dnsEntry{}}
}

func (c *dnsCache) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	key := network + " " + hostName(host)
	if e := c.get(key, time.Now(), false); e != nil {
		return e.addrs, e.err
	}
	found := c.flight.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxLookup)
		defer cancel()
		addrs, err := c.up.LookupNetIP(ctx, network, host)
		return c.put(key, addrs, err), nil
	})
	select {
	case r := <-found:
		e := r.Val.(*dnsEntry)
		return e.addrs, e.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// get returns what is known, if it is fresh or, where stale is set, still usable.
// It is a copy whose addresses must not be changed.
func (c *dnsCache) get(key string, now time.Time, stale bool) *dnsEntry {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.m[key]
	if e == nil || !now.Before(e.fresh) && !(stale && now.Before(e.stale)) {
		return nil
	}
	out := *e
	if n := len(e.addrs); c.Rotate && n > 1 {
		i := e.rotated % n
		out.addrs = append(append(make([]netip.Addr, 0, n), e.addrs[i:]...), e.addrs[:i]...)
		e.rotated++
	}
	return &out
}

// put remembers the outcome of a look-up and returns what is to be made of it.
func (c *dnsCache) put(key string, addrs []netip.Addr, err error) *dnsEntry {
	now := time.Now()
	e := &dnsEntry{addrs: addrs, err: err}
	var dns *net.DNSError
	switch {
	case err == nil && len(addrs) > 0:
		e.fresh = now.Add(c.TTL)
		e.stale = e.fresh.Add(c.StaleIfError)
		e.rotated = 1
	case err == nil || errors.As(err, &dns) && dns.IsNotFound:
		e.fresh = now.Add(c.NegativeTTL)
	default:
		if old := c.get(key, now, true); old != nil && old.err == nil {
			return old
		}
		return e // a failure is not remembered
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.m[key]; !ok && len(c.m) >= c.MaxNames {
		c.evictLocked(now)
	}
	c.m[key] = e
	out := *e // get may rotate e
	return &out
}

// evictLocked makes room: what is of no use any more goes, else any one name.
func (c *dnsCache) evictLocked(now time.Time) {
	for key, e := range c.m {
		if !now.Before(e.fresh) && !now.Before(e.stale) {
			delete(c.m, key)
		}
	}
	for key := range c.m {
		if len(c.m) < c.MaxNames {
			break
		}
		delete(c.m, key)
	}
}
