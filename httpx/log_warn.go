package httpx

import "context"

// warn tells the client's logger of what is allowed and yet unwise.
func (c *config) warn(t *HTTPTransport) {
	if c.more == nil || c.more.logger == nil {
		return
	}
	l, ctx := c.more.logger, context.Background()
	if o := &c.conn.tls; o.InsecureSkipVerify || o.Base != nil && o.Base.InsecureSkipVerify {
		l.WarnContext(ctx, "TLS verification is off: anybody can pose as any server", "option", "InsecureSkipVerify")
	}
	routes := &t.dialer.routes
	if ignored := routes.env.ignored; len(ignored) > 0 && routes.base.proxies.asksEnv() {
		l.WarnContext(ctx, "NO_PROXY has entries that match nothing", "entries", ignored)
	}
}
