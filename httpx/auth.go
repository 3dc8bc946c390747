package httpx

import (
	"context"
	"encoding/base64"

	"gohttpx.dev/wire"
)

// Auth sends a request with authentication: it calls next once or more, each
// time with a request, and returns the last response. req is a copy that may be
// changed. A response that is not returned must be closed.
type Auth interface {
	Authenticate(ctx context.Context, req *Request, next func(context.Context, *Request) (*Response, error)) (*Response, error)
}

type basicAuth struct{ value string }

// BasicAuth is the Basic scheme (RFC 7617).
func BasicAuth(user, password string) Auth {
	return basicAuth{"Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}
}

func (a basicAuth) Authenticate(ctx context.Context, req *Request, next func(context.Context, *Request) (*Response, error)) (*Response, error) {
	req.Header.Del("Authorization")
	req.Header = append(req.Header, wire.Field{Name: "Authorization", Value: a.value, Sensitive: true})
	return next(ctx, req)
}
