package httpx

import "context"

// DoJSON sends a request and decodes the JSON of its response. client may be nil:
// then it is the default one. Accept: application/json is set unless opts say
// another. A status that is not 2xx, or not among those of Accept, is a
// *StatusError. A 204 or 205, which have no content, leave the zero value.
func DoJSON[T any](ctx context.Context, client *Client, method, url string, opts ...RequestOption) (T, error) {
	var v T
	if client == nil {
		client = Default()
	}
	all := make([]RequestOption, 0, len(opts)+1)
	all = append(append(all, WithHeader("Accept", "application/json")), opts...)
	resp, err := client.Do(ctx, method, url, all...)
	if err != nil {
		return v, err
	}
	if err := resp.Err(); err != nil {
		return v, err
	}
	if resp.StatusCode == 204 || resp.StatusCode == 205 {
		return v, nil
	}
	return Decode[T](resp)
}

// GetJSON is DoJSON with GET.
//
//	item, err := httpx.GetJSON[Item](ctx, client, "/items/{id}", httpx.WithPathParam("id", 7))
func GetJSON[T any](ctx context.Context, client *Client, url string, opts ...RequestOption) (T, error) {
	return DoJSON[T](ctx, client, "GET", url, opts...)
}

// PostJSON is DoJSON with POST and the JSON text of in as the body.
//
//	made, err := httpx.PostJSON[Item](ctx, client, "/items", Item{Name: "lamp"})
func PostJSON[Out any](ctx context.Context, client *Client, url string, in any, opts ...RequestOption) (Out, error) {
	return DoJSON[Out](ctx, client, "POST", url, append([]RequestOption{JSON(in)}, opts...)...)
}

// PutJSON is DoJSON with PUT and the JSON text of in as the body.
func PutJSON[Out any](ctx context.Context, client *Client, url string, in any, opts ...RequestOption) (Out, error) {
	return DoJSON[Out](ctx, client, "PUT", url, append([]RequestOption{JSON(in)}, opts...)...)
}

// PatchJSON is DoJSON with PATCH and the JSON text of in as the body.
func PatchJSON[Out any](ctx context.Context, client *Client, url string, in any, opts ...RequestOption) (Out, error) {
	return DoJSON[Out](ctx, client, "PATCH", url, append([]RequestOption{JSON(in)}, opts...)...)
}
