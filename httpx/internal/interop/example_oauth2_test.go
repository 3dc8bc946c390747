package interop

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"gohttpx.dev/httpx"
	"golang.org/x/oauth2"
)

// An oauth2.TokenSource renews tokens, here by a refresh token, and TokenAuth sends
// them. Both go through a client of ours.
func Example_oAuth2() {
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/token" && r.FormValue("refresh_token") == "refresh":
			rw.Header().Set("Content-Type", "application/json")
			io.WriteString(rw, `{"access_token":"renewed","token_type":"Bearer","expires_in":3600}`)
		default:
			fmt.Fprintf(rw, "%s with %q", r.URL.Path, r.Header.Get("Authorization"))
		}
	}))
	defer server.Close()

	client, err := httpx.New(httpx.WithBaseURL(server.URL))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, &http.Client{Transport: client.RoundTripper()})
	config := oauth2.Config{ClientID: "id", ClientSecret: "secret", Endpoint: oauth2.Endpoint{TokenURL: server.URL + "/token"}}
	source := config.TokenSource(ctx, &oauth2.Token{AccessToken: "old", RefreshToken: "refresh", Expiry: time.Unix(1, 0)})
	auth := httpx.TokenAuth(func(context.Context) (string, time.Time, error) {
		token, err := source.Token()
		if err != nil {
			return "", time.Time{}, err
		}
		return token.AccessToken, token.Expiry, nil
	})

	resp, err := client.Get(ctx, "/items", httpx.WithAuth(auth))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Text())
	// Output: /items with "Bearer renewed"
}
