package fuzz_test

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"gohttpx.dev/httpx"
)

// asked is a transport that keeps what it was asked and answers 401 until it has
// seen credentials.
type asked struct {
	challenge []string
	got       []*httpx.Request
	fields    []string // Authorization, as it stood then
}

func (a *asked) RoundTrip(_ context.Context, r *httpx.Request) (*httpx.Response, error) {
	v := r.Header.Get("Authorization")
	a.got, a.fields = append(a.got, r), append(a.fields, v)
	if v != "" || a.challenge == nil {
		return &httpx.Response{StatusCode: 200}, nil
	}
	var h httpx.Header
	for _, c := range a.challenge {
		h.Add("WWW-Authenticate", c)
	}
	return &httpx.Response{StatusCode: 401, Header: h}, nil
}

// netrcErrors are all that an error may say of the file: nothing that stands in it.
var netrcErrors = regexp.MustCompile(`netrc: FILE:\d+: (an entry after default, which must be the last` +
	`|neither machine, default, login, password, account nor macdef; write a value with blanks in quotes` +
	`|(machine|login|user|password|account|macdef) has no value|an empty machine name` +
	`|(login|user|password|account) before the first machine|the quote is not closed( on its line)?` +
	`|user and password may not have control characters \(RFC 7617 §2\)|a user with a colon cannot be sent by Basic \(RFC 7617 §2\))$`)

// FuzzNetRC reads files with any text. An entry that is put in front of it is
// found, with any name and password that Basic can send, unless the text is
// refused; so is one behind it. Errors quote nothing of the file.
func FuzzNetRC(f *testing.F) {
	dir, n := f.TempDir(), 0
	f.Fuzz(func(t *testing.T, text, login, password string) {
		read := func(text, host string) (string, error) {
			// Some file systems take long over a file that is written anew.
			n++
			path := filepath.Join(dir, strconv.Itoa(n))
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			defer os.Remove(path)
			a := &asked{}
			c, err := httpx.New(httpx.WithTransport(a), httpx.WithAuth(httpx.NetRC(path)))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err = c.Get(t.Context(), "http://"+host+"/"); err != nil {
				var e *httpx.Error
				if !errors.As(err, &e) || e.Op != "auth" || !netrcErrors.MatchString(strings.ReplaceAll(err.Error(), path, "FILE")) || len(a.got) > 0 {
					t.Fatalf("%q: %v after %d requests", text, err, len(a.got))
				}
				return "", err
			}
			return a.fields[0], nil
		}
		plain, err := read(text, "h.test")
		if plain != "" {
			b, bad := base64.StdEncoding.DecodeString(strings.TrimPrefix(plain, "Basic "))
			if bad != nil || !strings.Contains(string(b), ":") {
				t.Fatalf("%q: %q", text, plain)
			}
		}
		quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`)
		ours := "machine \"Ours.Test\"\n\tlogin \"" + quote.Replace(login) + "\" password \"" + quote.Replace(password) + "\"\n"
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte(login+":"+password))
		fine := !strings.Contains(login, ":") && strings.IndexFunc(login+password, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0

		// Alone, in front and behind.
		if got, err := read(ours, "ours.test"); fine && got != want || fine != (err == nil) {
			t.Fatalf("%q: %q, %v; want %q", ours, got, err, want)
		}
		// Without quotes, where that can be said.
		bare := func(s string) bool { return s != "" && s[0] != '"' && !strings.ContainsAny(s, " \\") }
		if fine && bare(login) && bare(password) {
			if got, err := read("machine ours.test login "+login+" password "+password+" account x", "ours.test"); got != want {
				t.Fatalf("%q, %q without quotes: %q, %v; want %q", login, password, got, err, want)
			}
		}
		if !fine || err != nil {
			return // an error may be one of the entry, and hide what follows
		}
		got, err := read(ours+text, "ours.test")
		if err == nil && got != want && !strings.Contains(text, "login") && !strings.Contains(text, "user") && !strings.Contains(text, "password") {
			t.Fatalf("%q: %q, want %q", ours+text, got, want)
		}
		if got, err = read(ours+"machine x\n"+text, "h.test"); err == nil && got != plain && !strings.HasPrefix(text, "\ufeff") {
			t.Fatalf("%q: %q, and with an entry in front %q", text, plain, got)
		}
		if strings.Contains(text, "default") || strings.Contains(text, `\`) || strings.Contains(strings.ToLower(text), "ours.test") {
			return // it must be the last; a backslash at the end takes what follows
		}
		if got, err := read(text+"\n\n\n"+ours, "ours.test"); err == nil && got != want {
			t.Fatalf("%q: %q, want %q", text+"\n\n\n"+ours, got, want)
		} else if err != nil {
			t.Fatalf("%q: %v, and without the last entry none", text+"\n\n\n"+ours, err)
		}
	})
}

// digests are the algorithms of RFC 7616 §6.1, and two that servers name beside.
var digests = map[string]struct {
	new      func() hash.Hash
	strength int
}{
	"md5": {md5.New, 1}, "sha": {sha1.New, 2}, "sha-256": {sha256.New, 3}, "sha-512-256": {sha512.New512_256, 4}, "sha-512": {sha512.New, 4},
}

// FuzzDigest answers any challenge and checks the answer as a server does: by RFC
// 7616 §3.4, worked out from what the answer says and the password. It answers one
// of the challenges that were made and the strongest, counts the nonce's uses, and
// shows the password to nobody.
func FuzzDigest(f *testing.F) {
	f.Fuzz(func(t *testing.T, challenges, user, password, path string, body []byte) {
		a := &asked{challenge: strings.Split(challenges, "\n")}
		c, err := httpx.New(httpx.WithTransport(a), httpx.WithAuth(httpx.DigestAuth(user, password)))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		req, err := c.NewRequest("POST", "http://e.test/"+path, httpx.Bytes(body))
		if err != nil {
			return
		}
		offers := digestOffers(a.challenge)
		resp, err := c.Send(t.Context(), req)
		if err != nil {
			var e *httpx.Error
			if !errors.As(err, &e) || e.Op != "auth" || len(password) > 3 && !strings.Contains(challenges+path+"user and password", password) && strings.Contains(err.Error(), password) {
				t.Fatalf("%q: %v", challenges, err)
			}
			if control := strings.IndexFunc(user+password, func(r rune) bool { return r < ' ' || r == 0x7f }) >= 0; len(offers) > 0 && !control {
				t.Fatalf("%q can be answered, yet %v", challenges, err)
			}
			return
		}
		if len(a.got) > 2 || (resp.StatusCode == 200) != (len(offers) > 0) {
			t.Fatalf("%q: %d after %d requests, %d of the challenges can be answered", challenges, resp.StatusCode, len(a.got), len(offers))
		}
		if resp.StatusCode != 200 {
			return
		}
		first := checkAnswer(t, a.fields[1], offers, "POST", req.URL.Target(), user, password, body, "00000001")
		if _, err = c.Send(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		if domain := first.offer["domain"]; domain != "" && a.fields[2] == "" {
			return // not of its protection space
		}
		second := checkAnswer(t, a.fields[2], offers, "POST", req.URL.Target(), user, password, body, "00000002")
		if session := strings.HasSuffix(strings.ToLower(first.params["algorithm"]), "-sess"); session != (first.params["cnonce"] == second.params["cnonce"]) && first.params["qop"] != "" {
			t.Fatalf("cnonce %q, then %q, with %q", first.params["cnonce"], second.params["cnonce"], first.params["algorithm"])
		}
	})
}

// digestOffers are the Digest challenges that can be answered.
func digestOffers(fields []string) (list []map[string]string) {
	for _, c := range httpx.ParseChallenges(fields) {
		p := c.Params
		size := 0
		for k, v := range p {
			size += len(k) + len(v)
		}
		_, hasRealm := p["realm"]
		_, hasNonce := p["nonce"]
		_, hasAlgorithm := p["algorithm"]
		qop := p["qop"] == ""
		for q := range strings.SplitSeq(strings.ToLower(p["qop"]), ",") {
			q = strings.Trim(q, " \t")
			qop = qop || q == "auth" || q == "auth-int"
		}
		known := digests[hashName(p["algorithm"])].new != nil || !hasAlgorithm
		if strings.EqualFold(c.Scheme, "Digest") && hasRealm && hasNonce && qop && known && size <= 4<<10 {
			list = append(list, p)
		}
	}
	return list
}

// hashName is the name of an algorithm in lower case and without -sess.
func hashName(algorithm string) string {
	return strings.TrimSuffix(strings.ToLower(algorithm), "-sess")
}

type digestAnswer struct{ params, offer map[string]string }

func checkAnswer(t *testing.T, field string, offers []map[string]string, method, target, user, password string, body []byte, count string) digestAnswer {
	t.Helper()
	list := httpx.ParseChallenges([]string{field})
	if len(list) != 1 || list[0].Scheme != "Digest" {
		t.Fatalf("not the grammar of credentials: %q", field)
	}
	p := list[0].Params
	var offer map[string]string
	for _, o := range offers {
		algorithm := o["algorithm"]
		if algorithm == "" {
			algorithm = "MD5"
		}
		if offer == nil && o["realm"] == p["realm"] && o["nonce"] == p["nonce"] && o["opaque"] == p["opaque"] && algorithm == p["algorithm"] &&
			(o["qop"] == "") == (p["qop"] == "") && strings.EqualFold(o["userhash"], "true") == (p["userhash"] == "true") {
			offer = o
		}
		if digests[hashName(algorithm)].strength > digests[hashName(p["algorithm"])].strength {
			t.Fatalf("%q answers a weaker challenge than %v", field, o)
		}
	}
	if offer == nil {
		t.Fatalf("%q answers none of %v", field, offers)
	}
	if p["qop"] != "" && p["qop"] != "auth" && p["qop"] != "auth-int" || p["qop"] == "" && (p["nc"] != "" || offer["qop"] != "") || p["qop"] != "" && p["nc"] != count ||
		p["uri"] != target {
		t.Fatalf("%q for %q, use %s", field, target, count)
	}
	sum := func(parts ...string) string {
		h := digests[hashName(p["algorithm"])].new()
		h.Write([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(h.Sum(nil))
	}
	name := p["username"]
	switch ext, isExt := p["username*"]; {
	case p["userhash"] == "true" && name != sum(user, p["realm"]), p["userhash"] != "true" && !isExt && name != user:
		t.Fatalf("%q for the user %q", field, user)
	case isExt:
		decoded, err := url.PathUnescape(strings.TrimPrefix(ext, "UTF-8''"))
		if err != nil || decoded != user || !strings.EqualFold(offer["charset"], "UTF-8") {
			t.Fatalf("%q for the user %q: %v", field, user, err)
		}
	}
	a1 := sum(user, p["realm"], password)
	if strings.HasSuffix(strings.ToLower(p["algorithm"]), "-sess") {
		a1 = sum(a1, p["nonce"], p["cnonce"])
	}
	a2 := sum(method, target)
	if p["qop"] == "auth-int" {
		a2 = sum(method, target, sum(string(body)))
	}
	want := sum(a1, p["nonce"], a2)
	if p["qop"] != "" {
		want = sum(a1, p["nonce"], p["nc"], p["cnonce"], p["qop"], a2)
	}
	if p["response"] != want {
		t.Fatalf("%q: the response is %s, RFC 7616 §3.4.1 says %s", field, p["response"], want)
	}
	return digestAnswer{p, offer}
}
