package httpx

import "gohttpx.dev/internal/digest"

// Challenge is what a server asks for in WWW-Authenticate, or a proxy in
// Proxy-Authenticate.
type Challenge struct {
	// Scheme is as the server wrote it, "Basic" or "digest"; schemes fold case.
	Scheme string
	// Token68 is what some schemes have in place of parameters.
	Token68 string
	// Params are the parameters, their names in lower case, quotes and
	// backslashes removed. Of a name that is there twice the first counts. Nil
	// for none.
	Params map[string]string
}

// ParseChallenges reads the values of one name's fields, as Header.Values returns
// them: several challenges may stand in one field, and several fields be there
// (RFC 9110 §11.6.1). A challenge that breaks the grammar is left out.
func ParseChallenges(values []string) []Challenge {
	var list []Challenge
	for _, c := range digest.ParseChallenges(values) {
		list = append(list, Challenge(c))
	}
	return list
}
