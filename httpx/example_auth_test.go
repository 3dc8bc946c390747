package httpx_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"gohttpx.dev/httpx"
)

// Basic goes with every request to the origin that the caller names, and to no
// other; a request may say otherwise.
func ExampleBasicAuth() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _, ok := r.BasicAuth()
		fmt.Fprintf(w, "user %q, %t", user, ok)
	}))
	defer server.Close()

	client, err := httpx.New(httpx.WithBaseURL(server.URL), httpx.WithAuth(httpx.BasicAuth("Aladdin", "open sesame")))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	for _, opt := range []httpx.RequestOption{httpx.WithAuth(httpx.BasicAuth("Morgiana", "oil")), httpx.NoAuth()} {
		resp, err := client.Get(ctx, "/cave", opt)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(resp.Text())
	}
	fmt.Println(httpx.BasicAuth("Aladdin", "open sesame"))
	// Output:
	// user "Morgiana", true
	// user "", false
	// httpx.BasicAuth(…)
}

// A token that does not change.
func ExampleBearerAuth() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header.Get("Authorization") == "Bearer t1")
	}))
	defer server.Close()

	resp, err := httpx.Get(ctx, server.URL, httpx.WithAuth(httpx.BearerAuth("t1")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Text())
	fmt.Println(httpx.BearerAuth("t1"))
	// Output:
	// true
	// httpx.BearerAuth(…)
}

// The server's 401 is answered at once and stands in the History. Later requests
// use its nonce without being asked.
func ExampleDigestAuth() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" { // a real one checks it
			w.Header().Add("WWW-Authenticate", `Digest realm="cave", nonce="7ypf", qop="auth", algorithm=MD5`)
			w.Header().Add("WWW-Authenticate", `Digest realm="cave", nonce="7ypf", qop="auth", algorithm=SHA-256`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		c := httpx.ParseChallenges(r.Header["Authorization"])[0] // the grammar is the same
		fmt.Fprintf(w, "%s %s %s %s", c.Params["username"], c.Params["algorithm"], c.Params["uri"], c.Params["nc"])
	}))
	defer server.Close()

	client, err := httpx.New(httpx.WithBaseURL(server.URL), httpx.WithAuth(httpx.DigestAuth("Mufasa", "Circle of Life")))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	for range 2 {
		resp, err := client.Get(ctx, "/dir/index.html?q=1")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(resp.Text(), len(resp.History))
	}
	// Output:
	// Mufasa SHA-256 /dir/index.html?q=1 00000001 1
	// Mufasa SHA-256 /dir/index.html?q=1 00000002 0
}

// Tokens are fetched when one is needed: by one goroutine for all, a little before
// the old one expires, and once when the server takes it no longer.
func ExampleTokenAuth() {
	var issued atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"access_token": "t%d", "expires_in": 3600}`, issued.Add(1))
	})
	mux.HandleFunc("GET /items", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer t2" { // t1 was revoked
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		io.WriteString(w, "three items")
	})
	server := httptest.NewServer(mux)
	defer server.Close()

	var client *httpx.Client
	fetch := func(ctx context.Context) (string, time.Time, error) {
		resp, err := client.Post(ctx, "/token", httpx.NoAuth())
		if err != nil {
			return "", time.Time{}, err
		}
		if err := resp.Err(); err != nil {
			return "", time.Time{}, err
		}
		answer, err := httpx.Decode[struct {
			Token   string `json:"access_token"`
			Seconds int    `json:"expires_in"`
		}](resp)
		return answer.Token, time.Now().Add(time.Duration(answer.Seconds) * time.Second), err
	}
	client, err := httpx.New(httpx.WithBaseURL(server.URL), httpx.WithAuth(httpx.TokenAuth(fetch)))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	resp, err := client.Get(ctx, "/items")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Text())
	fmt.Println(issued.Load(), "tokens")
	// Output:
	// three items
	// 2 tokens
}

// signer signs what is sent with a key: an Auth of one's own.
type signer struct{ key []byte }

// BufferedRequest says that the body is read: it is in memory by then, whatever
// it was made of.
func (signer) BufferedRequest() {}

func (s signer) Authenticate(ctx context.Context, req *httpx.Request, next func(context.Context, *httpx.Request) (*httpx.Response, error)) (*httpx.Response, error) {
	body, err := req.ReadBody(ctx)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, s.key)
	fmt.Fprintf(mac, "%s\n%s\n%s\n", req.Method, req.URL.Target(), body)
	req.Header.Set("X-Signature", hex.EncodeToString(mac.Sum(nil)))
	return next(ctx, req)
}

// A flow of one's own is straight-line code around the sending of the request.
func ExampleAuth() {
	key := []byte("not a very good key")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s\n%s\n%s\n", r.Method, r.RequestURI, body)
		fmt.Fprint(w, "signed: ", r.Header.Get("X-Signature") == hex.EncodeToString(mac.Sum(nil)))
	}))
	defer server.Close()

	resp, err := httpx.Post(ctx, server.URL+"/orders?dry=1", httpx.JSON(Item{Name: "lamp"}), httpx.WithAuth(signer{key}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Text())
	// Output: signed: true
}

// An API key is a field on every request.
func ExampleAuthFunc() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "key ", r.Header.Get("X-Api-Key"))
	}))
	defer server.Close()

	key := httpx.AuthFunc(func(r *httpx.Request) error {
		r.Header.Set("X-Api-Key", "k1")
		return nil
	})
	resp, err := httpx.Get(ctx, server.URL, httpx.WithAuth(key))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Text())
	// Output: key k1
}
