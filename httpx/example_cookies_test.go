package httpx_test

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"

	"gohttpx.dev/httpx"
)

// A jar can be listed, changed and saved. It is a http.CookieJar, so that
// net/http's client takes it too.
func ExampleCookies() {
	jar := httpx.NewCookies(httpx.CookiesConfig{})
	_ = &http.Client{Jar: jar}

	// What a response would set.
	page, err := url.Parse("https://www.example.org/shop/")
	if err != nil {
		log.Fatal(err)
	}
	jar.SetCookies(page, []*http.Cookie{
		{Name: "cart", Value: "7", MaxAge: 3600},
		{Name: "lang", Value: "en", Domain: "example.org", Path: "/", MaxAge: 3600},
		{Name: "lang", Value: "fr", MaxAge: 3600},
		{Name: "tracker", Value: "x", Domain: "co.uk"}, // for others: refused
	})
	for c := range jar.All() {
		fmt.Println(c.Domain, c.Path, c.Name)
	}

	_, err = jar.Get("lang")
	fmt.Println(errors.Is(err, httpx.ErrCookieConflict))
	c, err := jar.Get("lang", httpx.Domain("example.org"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Value, "deleted:", jar.Delete("lang", httpx.Path("/shop")))

	var file bytes.Buffer // or a file of mode 0600
	if err := jar.Save(&file); err != nil {
		log.Fatal(err)
	}
	another := httpx.NewCookies(httpx.CookiesConfig{})
	if err := another.Load(&file); err != nil {
		log.Fatal(err)
	}
	fmt.Println(another)
	fmt.Println(another.Cookies(page))
	// Output:
	// .example.org / lang
	// www.example.org /shop cart
	// www.example.org /shop lang
	// true
	// en deleted: 1
	// httpx.Cookies(2)
	// [cart=7 lang=en]
}
