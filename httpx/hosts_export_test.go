package httpx

// NewDNSCache makes the resolver of WithDNSCache by itself.
func NewDNSCache(d DNSCache, up Resolver) Resolver { return newDNSCache(d, up) }

// CachedNames is how many names such a resolver remembers.
func CachedNames(r Resolver) int {
	c := r.(*dnsCache)
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.m)
}
