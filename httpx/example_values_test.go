package httpx_test

import (
	"fmt"
	"log"

	"gohttpx.dev/httpx"
)

// A URL is normalised when it is parsed, and does not change from then on.
func ExampleParseURL() {
	u, err := httpx.ParseURL("HTTPS://user:secret@Faß.de:443/a/./b/../c d?q=1#top")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(u.Scheme(), u.Host(), u.UnicodeHost(), u.Path(), u.RawQuery(), u.Fragment())
	fmt.Println(u.AddQuery("page", "2").WithFragment("").WithUser(""))
	fmt.Println(u.Redacted()) // for logs

	_, err = httpx.ParseURL("https://e.org:99999/")
	fmt.Println(err)
	// Output:
	// https xn--fa-hia.de faß.de /a/c%20d q=1 top
	// https://xn--fa-hia.de/a/c%20d?q=1&page=2
	// https://xn--fa-hia.de/a/c%20d?q=…
	// httpx: invalid URL: the port is not a number from 0 to 65535
}

// Resolve reads a reference as a browser reads a link. A client's base URL works
// otherwise: below it, paths are appended.
func ExampleURL_Resolve() {
	page, err := httpx.ParseURL("https://e.org/docs/guide/start?lang=en")
	if err != nil {
		log.Fatal(err)
	}
	for _, ref := range []string{"next", "../api", "/", "?lang=de", "//f.org/x"} {
		u, err := page.Resolve(ref)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(u)
	}
	// Output:
	// https://e.org/docs/guide/next
	// https://e.org/docs/api
	// https://e.org/
	// https://e.org/docs/guide/start?lang=de
	// https://f.org/x
}

// Parameters keep their order, and every method that changes them returns a copy.
func ExampleQueryParams() {
	all := httpx.Q("tag", []string{"new", "red"}, "page", 1, "q", httpx.OmitZero(""))
	next := all.Set("page", 2).Add("sort", "name asc")
	fmt.Println(all.Encode())
	fmt.Println(next.Encode())
	fmt.Println(next.EncodePercent20())

	r, err := httpx.NewRequest("GET", "https://e.org/items?own=1", httpx.WithQuery(next))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.URL)
	r, err = httpx.NewRequest("GET", "https://e.org/items?own=1", httpx.SetQuery(next.Del("tag")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.URL)
	// Output:
	// tag=new&tag=red&page=1
	// tag=new&tag=red&page=2&sort=name+asc
	// tag=new&tag=red&page=2&sort=name%20asc
	// https://e.org/items?own=1&tag=new&tag=red&page=2&sort=name+asc
	// https://e.org/items?page=2&sort=name+asc
}

// A Header keeps order and case, and can be printed without giving secrets away.
func ExampleHeader_lists() {
	var h httpx.Header
	h.Add("X-Request-ID", "42")
	h.Add("Authorization", "Bearer secret")
	h.Add("vary", `Accept, "a, b"`)
	h.Add("Vary", "Cookie")

	fmt.Println(h.Get("VARY"))
	fmt.Println(h.Join("Vary"))
	fmt.Printf("%q\n", h.Tokens("Vary"))
	for name, value := range h.All() {
		if name == "X-Request-ID" {
			fmt.Println(name, value)
		}
	}
	fmt.Print(h)
	// Output:
	// Accept, "a, b"
	// Accept, "a, b", Cookie
	// ["Accept" "\"a, b\"" "Cookie"]
	// X-Request-ID 42
	// X-Request-ID: 42
	// Authorization: [secure]
	// vary: Accept, "a, b"
	// Vary: Cookie
}
