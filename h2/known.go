package h2

import "strings"

// Most fields of most messages have one of a hundred names. Of these it is known
// beforehand what would else be found out byte by byte for each message: that they
// are tokens, how they are written in lower case, and what kind of field they are.
// A name that is not here is looked at; what is decided is the same.

// knownName is one of them, in one way of writing it.
type knownName struct {
	name   string
	lower  string
	kind   fieldKind
	secret bool
}

// The names of fields in requests, each of which may also be written in lower case,
// and those of responses, which may not be written otherwise (RFC 9113 §8.2).
const (
	requestNames = "Accept Accept-Charset Accept-Encoding Accept-Language Authorization Cache-Control Connection " +
		"Content-Encoding Content-Language Content-Length Content-Location Content-Type Cookie Date Expect From Host " +
		"Idempotency-Key If-Match If-Modified-Since If-None-Match If-Range If-Unmodified-Since Keep-Alive " +
		"Last-Event-Id Link Origin Pragma Prefer Priority Proxy-Authorization Proxy-Connection Range Referer Te " +
		"Traceparent Tracestate Trailer Transfer-Encoding Upgrade User-Agent Via X-Api-Key X-Forwarded-For " +
		"X-Request-Id X-Requested-With"
	responseNames = "accept-ranges access-control-allow-credentials access-control-allow-headers " +
		"access-control-allow-methods access-control-allow-origin access-control-expose-headers " +
		"access-control-max-age age allow alt-svc content-disposition content-range content-security-policy " +
		"cross-origin-opener-policy cross-origin-resource-policy etag expires last-modified location nel " +
		"permissions-policy proxy-authenticate referrer-policy report-to retry-after server server-timing " +
		"set-cookie strict-transport-security timing-allow-origin vary www-authenticate x-cache " +
		"x-content-type-options x-frame-options x-powered-by x-xss-protection"
)

// knownNames finds them: from the hash on, the first place that is empty is the end.
// There are more than twice as many places as names.
type knownNames struct {
	places [512]uint8 // index in list, 0: empty
	list   []knownName
}

var known = newKnownNames()

func newKnownNames() *knownNames {
	k := &knownNames{list: make([]knownName, 1, 160)}
	for _, name := range strings.Fields(requestNames) {
		k.add(name)
		k.add(strings.ToLower(name))
	}
	for _, name := range strings.Fields(responseNames) {
		k.add(name)
	}
	return k
}

func (k *knownNames) add(name string) {
	i := hashName(name)
	for k.places[i] != 0 {
		i = (i + 1) % uint32(len(k.places))
	}
	k.places[i] = uint8(len(k.list))
	k.list = append(k.list, knownName{name, strings.ToLower(name), kindOf(name), isSecret(name)})
}

// find returns what is known of a name, nil if nothing is.
func (k *knownNames) find(name string) *knownName {
	for i := hashName(name); k.places[i] != 0; i = (i + 1) % uint32(len(k.places)) {
		if n := &k.list[k.places[i]]; n.name == name {
			return n
		}
	}
	return nil
}

// hashName looks at the length and a few bytes.
func hashName(name string) uint32 {
	n := len(name)
	if n == 0 {
		return 0
	}
	h := uint32(n)*37 + uint32(name[0])*101 + uint32(name[n-1])*59 + uint32(name[n/2])*197 + uint32(name[n*3/4])*13
	return (h ^ h>>9) % 512
}
