package httpx

import "errors"

// OnRequest adds a function that sees every request as it goes out: each one of a
// chain of redirects, each answer to a challenge, with the fields of
// authentication and cookies in place. It may change the request, which is a
// copy; if it leads the URL to another host, those fields go there too, unless it
// removes them. An error from it aborts the call. Functions run in the order
// given, the client's before the request's.
func OnRequest(f func(*Request) error) Option {
	return moreOption(func(m *more) error {
		if f == nil {
			return errors.New("OnRequest: nil")
		}
		m.onRequest = append(m.onRequest, f)
		return nil
	})
}

// OnResponse adds a function that sees every response when its head is there,
// those of redirects and challenges too, and before a redirect is followed. Its
// body is still on the connection: Response.Buffer reads it. An error from it
// ends the exchange and aborts the call.
func OnResponse(f func(*Response) error) Option {
	return moreOption(func(m *more) error {
		if f == nil {
			return errors.New("OnResponse: nil")
		}
		m.onResponse = append(m.onResponse, f)
		return nil
	})
}
