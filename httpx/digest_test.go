package httpx_test

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"gohttpx.dev/httpx"
)

// verifier is a server that checks Digest by the letter of RFC 7616 §3.4, with no
// code of the client's.
type verifier struct {
	t              *testing.T
	user, password string
	realm          string
	// challenge holds the values of WWW-Authenticate, with NONCE for the nonce.
	challenge []string
	uses      int    // of one nonce, then it is stale; 0: any number
	shared    bool   // all challenges have one nonce
	info      string // Authentication-Info, with NEXT and RSPAUTH; "": none

	mu     sync.Mutex
	made   int                        // nonces
	nonces map[string]map[string]bool // the counts seen of each nonce
	log    []string                   // "path nc", "path -" without credentials, "path bad"
	last   map[string]string          // the parameters last received
}

func (v *verifier) start(t *testing.T) string {
	v.t = t
	if v.user == "" {
		v.user, v.password, v.realm = "Mufasa", "Circle of Life", "here"
	}
	s := httptest.NewServer(v)
	t.Cleanup(s.Close)
	return s.URL
}

func (v *verifier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		v.t.Error(err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	value := r.Header.Get("Authorization")
	if value == "" {
		v.note(r, "-")
		v.refuse(w, "false")
		return
	}
	p := parseCredentials(v.t, value)
	v.last = p
	counts, known := v.nonces[p["nonce"]]
	if !known {
		v.note(r, "old")
		v.refuse(w, "true")
		return
	}
	if _, ok := p["qop"]; ok {
		if counts[p["nc"]] {
			v.t.Errorf("count %s of nonce %s a second time", p["nc"], p["nonce"])
		}
		counts[p["nc"]] = true
	}
	rspauth, ok := v.check(r, p, body)
	if !ok {
		v.note(r, "bad")
		v.refuse(w, "false")
		return
	}
	if v.uses > 0 && len(counts) > v.uses {
		v.note(r, "used")
		v.refuse(w, "true")
		return
	}
	v.note(r, strings.TrimLeft(p["nc"], "0"))
	if v.info != "" {
		next := ""
		if strings.Contains(v.info, "NEXT") {
			next = v.nonce()
		}
		w.Header().Set("Authentication-Info", strings.NewReplacer("NEXT", next, "RSPAUTH", rspauth).Replace(v.info))
	}
	if r.URL.Path == "/from" {
		http.Redirect(w, r, "/to?x=1", http.StatusTemporaryRedirect)
		return
	}
	w.Write(body)
}

func (v *verifier) note(r *http.Request, what string) { v.log = append(v.log, r.URL.Path+" "+what) }

func (v *verifier) take() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	log := v.log
	v.log = nil
	return log
}

func (v *verifier) nonce() string {
	if v.nonces == nil {
		v.nonces = map[string]map[string]bool{}
	}
	n := fmt.Sprintf(`n/%d==`, v.made)
	v.made++
	if v.shared {
		n = "the same"
	}
	if v.nonces[n] == nil {
		v.nonces[n] = map[string]bool{}
	}
	return n
}

func (v *verifier) refuse(w http.ResponseWriter, stale string) {
	n := v.nonce()
	for _, c := range v.challenge {
		w.Header().Add("WWW-Authenticate", strings.NewReplacer("NONCE", n, "STALE", stale).Replace(c))
	}
	w.WriteHeader(401)
	io.WriteString(w, "who are you?")
}

var credential = regexp.MustCompile(`^([a-z]+\*?)=(?:"((?:[^"\\]|\\.)*)"|([^",\\ ]+))(?:, |$)`)

func parseCredentials(t *testing.T, value string) map[string]string {
	rest, ok := strings.CutPrefix(value, "Digest ")
	if !ok {
		t.Errorf("credentials %q", value)
	}
	p := map[string]string{}
	for rest != "" {
		m := credential.FindStringSubmatch(rest)
		if m == nil {
			t.Errorf("credentials %q, at %q", value, rest)
			return p
		}
		if _, twice := p[m[1]]; twice {
			t.Errorf("%s twice: %s", m[1], value)
		}
		p[m[1]] = regexp.MustCompile(`\\(.)`).ReplaceAllString(m[2], "$1") + m[3]
		quoted := strings.HasPrefix(rest[len(m[1]):], `="`)
		switch m[1] { // §3.4: which are quoted and which must not be
		case "username", "realm", "nonce", "uri", "response", "cnonce", "opaque":
			if !quoted {
				t.Errorf("%s is not quoted: %s", m[1], value)
			}
		default:
			if quoted {
				t.Errorf("%s is quoted: %s", m[1], value)
			}
		}
		rest = rest[len(m[0]):]
	}
	return p
}

func (v *verifier) check(r *http.Request, p map[string]string, body []byte) (rspauth string, ok bool) {
	algorithm, sess := strings.CutSuffix(strings.ToUpper(p["algorithm"]), "-SESS")
	newHash, ok := map[string]func() hash.Hash{
		"MD5": md5.New, "SHA": sha1.New, "SHA-256": sha256.New, "SHA-512": sha512.New, "SHA-512-256": sha512.New512_256,
	}[algorithm]
	if !ok {
		v.t.Errorf("algorithm %q", p["algorithm"])
		return "", false
	}
	h := func(s string) string {
		x := newHash()
		x.Write([]byte(s))
		return hex.EncodeToString(x.Sum(nil))
	}
	name := p["username"]
	if ext, ok := p["username*"]; ok {
		name, _ = url.PathUnescape(strings.TrimPrefix(ext, "UTF-8''"))
	}
	want := v.user
	if p["userhash"] == "true" {
		want = h(v.user + ":" + v.realm)
	}
	if name != want || p["realm"] != v.realm || p["uri"] != r.RequestURI {
		v.t.Logf("username %q, realm %q, uri %q of %q", name, p["realm"], p["uri"], r.RequestURI)
		return "", false
	}
	ha1 := h(v.user + ":" + v.realm + ":" + v.password)
	if sess {
		ha1 = h(ha1 + ":" + p["nonce"] + ":" + p["cnonce"])
	}
	a2 := ":" + r.RequestURI
	if p["qop"] == "auth-int" {
		a2 += ":" + h(string(body))
	}
	kd := func(a2 string) string {
		if qop, ok := p["qop"]; ok {
			return h(ha1 + ":" + p["nonce"] + ":" + p["nc"] + ":" + p["cnonce"] + ":" + qop + ":" + h(a2))
		}
		return h(ha1 + ":" + p["nonce"] + ":" + h(a2))
	}
	return kd(":" + r.RequestURI), p["response"] == kd(r.Method+a2)
}

func TestDigest(t *testing.T) {
	ctx := context.Background()
	const plain = `Digest realm="here", nonce="NONCE", qop="auth", stale=STALE`
	auth := func(opts ...httpx.DigestOption) *httpx.Client {
		return newClient(t, httpx.WithFollowRedirects(true), httpx.WithAuth(httpx.DigestAuth("Mufasa", "Circle of Life", opts...)))
	}
	get := func(t *testing.T, c *httpx.Client, url string, status int) *httpx.Response {
		t.Helper()
		resp, err := c.Get(ctx, url)
		if err != nil || resp.StatusCode != status {
			t.Fatalf("%v, %v", resp, err)
		}
		return resp
	}
	logged := func(t *testing.T, v *verifier, want ...string) {
		t.Helper()
		if got := v.take(); !slices.Equal(got, want) {
			t.Errorf("the server saw %q, want %q", got, want)
		}
	}

	t.Run("A12.3 the nonce count rises, and a new challenge resets it", func(t *testing.T) {
		v := &verifier{challenge: []string{plain}}
		u, c := v.start(t), auth()
		resp := get(t, c, u, 200)
		if len(resp.History) != 1 || resp.History[0].StatusCode != 401 {
			t.Errorf("history %v", resp.History)
		}
		get(t, c, u+"/a?b=c%20d", 200)
		get(t, c, u, 200)
		logged(t, v, "/ -", "/ 1", "/a 2", "/ 3")
		v.mu.Lock()
		v.nonces = nil // and knows no nonce any more
		v.mu.Unlock()
		get(t, c, u, 200)
		get(t, c, u, 200)
		logged(t, v, "/ old", "/ 1", "/ 2")
	})

	t.Run("A12.3 one retry a request", func(t *testing.T) {
		v := &verifier{challenge: []string{plain}}
		u := v.start(t)
		c := newClient(t, httpx.WithAuth(httpx.DigestAuth("Mufasa", "wrong")))
		get(t, c, u, 401)
		get(t, c, u, 401)
		logged(t, v, "/ -", "/ bad", "/ -", "/ bad")
	})

	t.Run("A12.3 many goroutines, and no count twice", func(t *testing.T) {
		for _, v := range []*verifier{{challenge: []string{plain}}, {challenge: []string{plain}, shared: true}, {challenge: []string{plain}, info: `nextnonce="NEXT"`}} {
			u, c := v.start(t), auth()
			var wg sync.WaitGroup
			for range 64 {
				wg.Go(func() {
					for range 4 {
						if resp, err := c.Post(ctx, u, httpx.String("x")); err != nil || resp.StatusCode != 200 || resp.Text() != "x" {
							t.Errorf("%v, %v", resp, err)
						}
					}
				})
			}
			wg.Wait()
			if n := len(v.take()); n > 2*256 {
				t.Errorf("%d requests for 256", n)
			}
		}
	})

	t.Run("A12.4 algorithms", func(t *testing.T) {
		for _, a := range []string{"MD5", "SHA", "SHA-256", "SHA-512", "SHA-512-256", "sha-256", `"SHA-256"`} {
			for _, sess := range []string{"", "-sess"} {
				for _, qop := range []string{`, qop="auth"`, ""} {
					name := strings.TrimSuffix(a+sess, `"`)
					if a[0] == '"' {
						name = `"SHA-256` + sess + `"`
					}
					v := &verifier{challenge: []string{`Digest realm="here", nonce="NONCE", algorithm=` + name + qop}}
					u, c := v.start(t), auth()
					get(t, c, u, 200)
					get(t, c, u, 200)
					if log := v.take(); len(log) != 3 {
						t.Errorf("%s%s: %q", name, qop, log)
					}
				}
			}
		}
	})

	t.Run("A12.4 an unknown algorithm is passed over, or an error", func(t *testing.T) {
		v := &verifier{challenge: []string{`Digest realm="here", nonce="NONCE", algorithm=SHA3-512, qop=auth`, plain}}
		u, c := v.start(t), auth()
		get(t, c, u, 200)
		v.challenge = v.challenge[:1]
		v.nonces = nil
		_, err := c.Get(ctx, u)
		var e *httpx.Error
		if !errors.As(err, &e) || e.Op != "auth" || !strings.Contains(err.Error(), `"SHA3-512" is not known`) {
			t.Error(err)
		}
	})

	t.Run("A12.5 without qop it is RFC 2069", func(t *testing.T) {
		v := &verifier{challenge: []string{`Digest realm="here", nonce="NONCE", opaque="o\"x"`}}
		u, c := v.start(t), auth()
		get(t, c, u, 200)
		for _, name := range []string{"qop", "nc", "cnonce"} {
			if _, ok := v.last[name]; ok {
				t.Errorf("%s was sent", name)
			}
		}
		if v.last["opaque"] != `o"x` {
			t.Errorf("opaque %q", v.last["opaque"])
		}
	})

	t.Run("A12.5 auth before auth-int", func(t *testing.T) {
		for _, qop := range []string{"auth,auth-int", "auth-int, auth", "x,auth-int,auth"} {
			v := &verifier{challenge: []string{`Digest realm="here", nonce="NONCE", qop="` + qop + `"`}}
			u, c := v.start(t), auth()
			get(t, c, u, 200)
			if v.last["qop"] != "auth" {
				t.Errorf("%s: %s", qop, v.last["qop"])
			}
		}
	})

	t.Run("A12.5 auth-int hashes the body", func(t *testing.T) {
		v := &verifier{challenge: []string{`Digest realm="here", nonce="NONCE", qop="auth-int", algorithm=SHA-256`}}
		u, c := v.start(t), auth()
		get(t, c, u, 200)
		for range 2 {
			resp, err := c.Post(ctx, u, httpx.String("the body"))
			if err != nil || resp.StatusCode != 200 || resp.Text() != "the body" {
				t.Errorf("%v, %v", resp, err)
			}
		}
		logged(t, v, "/ -", "/ 1", "/ 2", "/ 3")
		if resp, err := c.Post(ctx, u, httpx.Multipart(httpx.FieldPart("a", "b"))); err != nil || resp.StatusCode != 200 {
			t.Errorf("multipart: %v, %v", resp, err)
		}
		logged(t, v, "/ 4")
		// The nonce is known, so that nothing has been sent.
		body := &onceReader{r: strings.NewReader("x")}
		_, err := c.Post(ctx, u, httpx.Reader(body))
		var e *httpx.Error
		if !errors.Is(err, httpx.ErrBodyNotReplayable) || !errors.As(err, &e) || e.Op != "auth" || body.closed != 1 {
			t.Errorf("%v, body closed %d times", err, body.closed)
		}
		logged(t, v)
	})

	t.Run("a body that can be sent once", func(t *testing.T) {
		v := &verifier{challenge: []string{plain}}
		u, c := v.start(t), auth()
		body := &onceReader{r: strings.NewReader("x")}
		if _, err := c.Post(ctx, u, httpx.Reader(body)); !errors.Is(err, httpx.ErrBodyNotReplayable) || body.closed != 1 {
			t.Errorf("%v, body closed %d times", err, body.closed)
		}
		get(t, c, u, 200)
		v.take()
		if resp, err := c.Post(ctx, u, httpx.Reader(io.MultiReader(strings.NewReader("x")))); err != nil || resp.Text() != "x" {
			t.Error(err)
		}
		logged(t, v, "/ 2")
	})

	t.Run("A12.6 stale", func(t *testing.T) {
		v := &verifier{challenge: []string{plain}, uses: 2}
		u, c := v.start(t), auth()
		for range 4 {
			get(t, c, u, 200)
		}
		logged(t, v, "/ -", "/ 1", "/ 2", "/ used", "/ 1", "/ 2")
	})

	t.Run("A12.6 stale a second time, and no third", func(t *testing.T) {
		hits := 0
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			hits++
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Digest realm="r", nonce="%d", qop=auth, stale=true`, hits))
			w.WriteHeader(401)
		}))
		defer s.Close()
		get(t, auth(), s.URL, 401)
		if hits != 3 {
			t.Errorf("%d requests", hits)
		}
	})

	t.Run("A12.6 userhash, charset and quotes in the name", func(t *testing.T) {
		for _, user := range []string{"Mufasa", "J\u00e4s\u00f8n Doe", `a"b\c`, "a:b"} {
			for _, more := range []string{"", ", charset=UTF-8", ", userhash=true", ", charset=UTF-8, userhash=true, algorithm=SHA-512-256"} {
				v := &verifier{user: user, password: "Secret, or not?", realm: `a "realm"`, challenge: []string{`Digest realm="a \"realm\"", nonce="NONCE", qop=auth` + more}}
				u := v.start(t)
				get(t, newClient(t, httpx.WithAuth(httpx.DigestAuth(user, "Secret, or not?"))), u, 200)
				if strings.Contains(more, "userhash") && (strings.Contains(v.last["username"], user) || v.last["userhash"] != "true") {
					t.Errorf("%q%s: %v", user, more, v.last)
				}
			}
		}
	})

	t.Run("A12.6 domain", func(t *testing.T) {
		v := &verifier{challenge: []string{plain + `, domain="/in http://elsewhere.example/all SELF/too //elsewhere.example/x :bad"`}}
		u, c := v.start(t), auth()
		v.challenge[0] = strings.Replace(v.challenge[0], "SELF", u, 1)
		for _, path := range []string{"/in/1", "/in/2", "/too", "/out", "/out", "/in/3", "/all"} {
			get(t, c, u+path, 200)
		}
		logged(t, v, "/in/1 -", "/in/1 1", "/in/2 2", "/too 3", "/out -", "/out 1", "/out -", "/out 1", "/in/3 2", "/all -", "/all 1")
	})

	t.Run("A12.6 several challenges, the strongest is answered", func(t *testing.T) {
		for _, fields := range [][]string{
			{`Basic realm="b", ` + plain + `, algorithm=SHA-256`},
			{plain + `, algorithm=MD5, ` + plain + `, algorithm=SHA-256, Negotiate`},
			{`Negotiate, Bearer realm="x"`, plain, plain + `, algorithm=SHA-256`, plain + `, algorithm=SHA`},
		} {
			v := &verifier{challenge: fields}
			u, c := v.start(t), auth()
			get(t, c, u, 200)
			if v.last["algorithm"] != "SHA-256" {
				t.Errorf("%q: %v", fields, v.last)
			}
		}
		v := &verifier{challenge: []string{`Basic realm="b"`}}
		u, c := v.start(t), auth()
		if resp := get(t, c, u, 401); resp.Text() != "who are you?" {
			t.Errorf("the challenge was %q", resp.Text())
		}
		logged(t, v, "/ -")
	})

	t.Run("A12.7 what is sent", func(t *testing.T) {
		v := &verifier{challenge: []string{`Digest realm="here", nonce="NONCE", opaque="o", qop=auth`}}
		u, c := v.start(t), auth()
		resp := get(t, c, u+"/a%20b?c=%2f&d=%22#e", 200)
		f := resp.Request.Header.Get("Authorization")
		for _, want := range []string{
			`Digest username="Mufasa", realm="here", nonce="n/0==", uri="/a%20b?c=%2f&d=%22", response="`,
			`", algorithm=MD5, opaque="o", qop=auth, nc=00000001, cnonce="`,
		} {
			if !strings.Contains(f, want) {
				t.Errorf("%s is not in %s", want, f)
			}
		}
		first := v.last["cnonce"]
		get(t, c, u, 200)
		if len(first) < 22 || v.last["cnonce"] == first {
			t.Errorf("cnonces %q and %q", first, v.last["cnonce"])
		}
		if strings.Contains(resp.Request.Header.String(), "Mufasa") {
			t.Error("the field is printed")
		}
	})

	t.Run("A12.7 cookies of the 401 go with the retry", func(t *testing.T) {
		var cookies []string
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			cookies = append(cookies, r.Header.Get("Cookie"))
			if r.Header.Get("Authorization") == "" {
				http.SetCookie(w, &http.Cookie{Name: "session", Value: "7"})
				w.Header().Set("WWW-Authenticate", `Digest realm="r", nonce="n", qop=auth`)
				w.WriteHeader(401)
			}
		}))
		defer s.Close()
		get(t, auth(), s.URL, 200)
		if !slices.Equal(cookies, []string{"", "session=7"}) {
			t.Errorf("%q", cookies)
		}
	})

	t.Run("A12.7 the request target is as it is sent", func(t *testing.T) {
		v := &verifier{challenge: []string{`Digest realm="here", nonce="NONCE", qop=auth`}}
		u, c := v.start(t), auth()
		for _, target := range []string{"/a/../b?%zz", u + "/absolute", "*"} {
			resp, err := c.Do(ctx, "OPTIONS", u, httpx.WithRequestTarget(target))
			if err != nil || resp.StatusCode != 200 {
				t.Errorf("%s: %v, %v", target, resp, err)
			}
		}
	})

	t.Run("A12.11 a redirect within the origin is answered for its own target", func(t *testing.T) {
		v := &verifier{challenge: []string{plain}}
		u, c := v.start(t), auth()
		resp, err := c.Post(ctx, u+"/from", httpx.String("x"))
		if err != nil || resp.StatusCode != 200 || resp.Text() != "x" || len(resp.History) != 2 {
			t.Errorf("%v, %v, history %v", resp, err, resp.History)
		}
		logged(t, v, "/from -", "/from 1", "/to 2")
	})

	t.Run("nextnonce", func(t *testing.T) {
		for _, more := range []string{"", ", algorithm=SHA-256"} {
			v := &verifier{challenge: []string{plain + more}, info: `nextnonce="NEXT", qop=auth`, uses: 1}
			u, c := v.start(t), auth()
			for range 3 {
				get(t, c, u, 200)
			}
			logged(t, v, "/ -", "/ 1", "/ 1", "/ 1")
		}
	})

	t.Run("nextnonce beyond what a challenge may have", func(t *testing.T) {
		for n, want := range map[int][]string{4 << 10: {"/ -", "/ 1", "/ old", "/ 1"}, 4<<10 + 1: {"/ -", "/ 1", "/ 2"}} {
			v := &verifier{challenge: []string{plain}, info: `nextnonce="` + strings.Repeat("n", n) + `", qop=auth`}
			u, c := v.start(t), auth()
			get(t, c, u, 200)
			get(t, c, u, 200)
			logged(t, v, want...)
		}
	})

	t.Run("DigestMutual", func(t *testing.T) {
		for info, ok := range map[string]bool{
			`rspauth="RSPAUTH", qop=auth`: true,
			``:                            false,
			`rspauth="00000000000000000000000000000000"`:  false,
			`rspauth="RSPAUTH", qop=auth, cnonce="other"`: false,
		} {
			v := &verifier{challenge: []string{plain}, info: info}
			u := v.start(t)
			_, err := auth(httpx.DigestMutual()).Get(ctx, u)
			if (err == nil) != ok {
				t.Errorf("%s: %v", info, err)
			}
			get(t, auth(), u, 200) // which did not ask
		}
		v := &verifier{challenge: []string{`Digest realm="here", nonce="NONCE", qop=auth-int`}}
		u := v.start(t)
		if _, err := auth(httpx.DigestMutual()).Get(ctx, u); err == nil || !strings.Contains(err.Error(), "auth-int") {
			t.Error(err)
		}
		logged(t, v, "/ -")
	})
}

func TestParseChallenges(t *testing.T) {
	t.Run("A12.6 challenges for flows of one's own", func(t *testing.T) {
		list := httpx.ParseChallenges([]string{`Bearer realm="x", error="invalid_token"`, "Negotiate YQ=="})
		if len(list) != 2 || list[0].Params["error"] != "invalid_token" || list[1].Scheme != "Negotiate" || list[1].Token68 != "YQ==" {
			t.Errorf("%+v", list)
		}
		if list := httpx.ParseChallenges(nil); list != nil {
			t.Errorf("%+v", list)
		}
	})
}
