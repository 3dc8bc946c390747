package httpx

import "encoding/json"

// Problem is what an API says of an error (RFC 9457).
type Problem struct {
	// Type is a URI that names the kind of problem, perhaps relative to the
	// response's URL. Default "about:blank": the status says all.
	Type string
	// Title is the kind of problem in words.
	Title string
	// Status is the status that the server meant to send; the response's own
	// where it does not say.
	Status int
	// Detail is what went wrong this time, in words.
	Detail string
	// Instance is a URI that names this occurrence.
	Instance string
	// Extensions are the other members.
	Extensions map[string]json.RawMessage
}

// Problem returns the problem details in the body, if it has the type
// application/problem+json and is in memory. A member of the wrong type is
// ignored (RFC 9457 §3.1).
func (e *StatusError) Problem() (*Problem, bool) {
	r := e.Response
	if mediaType(r.Header.Get("Content-Type")) != "application/problem+json" {
		return nil, false
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(jsonText(r.Bytes()), &members); err != nil || members == nil {
		return nil, false
	}
	p := new(Problem)
	take := func(name string, dst any) {
		_ = json.Unmarshal(members[name], dst) // the wrong type leaves dst alone
		delete(members, name)
	}
	take("type", &p.Type)
	take("title", &p.Title)
	take("status", &p.Status)
	take("detail", &p.Detail)
	take("instance", &p.Instance)
	if p.Type == "" {
		p.Type = "about:blank"
	}
	if p.Status < 100 || p.Status > 999 {
		p.Status = r.StatusCode
	}
	p.Extensions = members
	return p, true
}
