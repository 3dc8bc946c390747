package httpx

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"strings"
)

// newBoundary is too random to occur in a part: 128 bits.
func newBoundary() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// settle sees to it that h has the Content-Type of the body, or, for a multipart
// body with a Content-Type, that its boundary can be used.
func (c *content) settle(h *Header) error {
	if c.contentType == "" {
		return nil
	}
	if !h.Has("Content-Type") {
		h.Add("Content-Type", c.contentType)
		return nil
	}
	if c.form == nil {
		return nil
	}
	_, err := boundaryOf(*h)
	return err
}

// bound returns the content with the boundary that h names, so that a field which
// was changed after the request had been built still says the truth.
func (c *content) bound(h Header) (content, error) {
	bound := *c
	if c.form != nil && h.Has("Content-Type") {
		boundary, err := boundaryOf(h)
		if err != nil {
			return bound, err
		}
		if boundary != c.form.boundary {
			bound.use(boundary)
		}
	}
	return bound, nil
}

// boundaryOf returns the boundary of the Content-Type in h.
func boundaryOf(h Header) (string, error) {
	values := h.Values("Content-Type")
	if len(values) > 1 {
		return "", errors.New("two Content-Type fields: leave them out for a Multipart body, or give one")
	}
	kind, params, err := mime.ParseMediaType(values[0])
	if err != nil {
		return "", fmt.Errorf("the Content-Type given for a Multipart body: %w (RFC 9110 §8.3.1)", err)
	}
	if !strings.HasPrefix(kind, "multipart/") {
		return "", fmt.Errorf("the Content-Type given for a Multipart body is %q: leave it out, or give multipart/form-data with a boundary", kind)
	}
	boundary, ok := params["boundary"]
	if !ok {
		return "", errors.New("the Content-Type given for a Multipart body has no boundary: leave it out, or add one (RFC 2046 §5.1.1)")
	}
	if err := checkBoundary(boundary); err != nil {
		return "", err
	}
	return boundary, nil
}

// checkBoundary applies the grammar of RFC 2046 §5.1.1.
func checkBoundary(s string) error {
	const rule = "RFC 2046 §5.1.1"
	if len(s) == 0 || len(s) > 70 {
		return fmt.Errorf("the boundary in Content-Type has %d characters, where 1 to 70 may be (%s)", len(s), rule)
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("'()+_,-./:=? ", c) >= 0:
		default:
			return fmt.Errorf("the boundary in Content-Type has the character %q, which none may have (%s)", c, rule)
		}
	}
	if s[len(s)-1] == ' ' {
		return fmt.Errorf("the boundary in Content-Type ends with a space (%s)", rule)
	}
	return nil
}
