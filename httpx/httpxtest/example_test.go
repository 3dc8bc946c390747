package httpxtest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"testing"

	"gohttpx.dev/httpx"
	"gohttpx.dev/httpx/httpxtest"
)

// item asks a shop for the name of an item.
func item(ctx context.Context, client *httpx.Client, id int) (string, error) {
	resp, err := client.Get(ctx, fmt.Sprintf("https://shop.test/items/%d", id))
	if err != nil {
		return "", err
	}
	if err := resp.Err(); err != nil {
		return "", err
	}
	v, err := httpx.Decode[struct{ Name string }](resp)
	return v.Name, err
}

// A table of routes stands for the server.
func ExampleRouter() {
	var t testing.TB = new(testing.T) // that of the test
	routes := httpxtest.NewRouter()
	routes.On("GET shop.test/items/{id}").
		Respond(200, httpxtest.JSON(map[string]string{"Name": "tea"})).
		Respond(404).
		Fail(httpx.ErrConnect)
	client, err := httpx.New(httpx.WithTransport(routes))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	fmt.Println(item(ctx, client, 7))
	_, err = item(ctx, client, 8)
	var se *httpx.StatusError
	fmt.Println(errors.As(err, &se))
	_, err = item(ctx, client, 9)
	fmt.Println(errors.Is(err, httpx.ErrConnect))

	routes.AssertDone(t)
	for _, call := range routes.Calls() {
		fmt.Println(call, call.PathValue("id"))
	}
	// Output:
	// tea <nil>
	// true
	// true
	// GET https://shop.test/items/7 7
	// GET https://shop.test/items/8 8
	// GET https://shop.test/items/9 9
}

// One function answers everything.
func ExampleFunc() {
	client, err := httpx.New(httpx.WithTransport(httpxtest.Func(func(r *httpx.Request) (*httpx.Response, error) {
		return httpxtest.Response(200, httpxtest.Text(r.Method+" "+string(httpxtest.Body(r)))), nil
	})))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	resp, err := client.Post(ctx, "https://shop.test/", httpx.String("two, please"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Text())
	// Output: POST two, please
}

// A response for a function under test that takes one.
func ExampleResponse() {
	resp := httpxtest.Response(418, httpxtest.JSON("short and stout"), httpxtest.Header("X-Pot", "tea"))
	s, err := httpx.Decode[string](resp)
	fmt.Println(resp.Status(), resp.Header.Get("x-pot"), s, err)
	// Output: 418 I'm a teapot tea short and stout <nil>
}

// What a server has answered once is kept, and answers again without it.
func ExampleRecord() {
	server := httpxtest.Func(func(r *httpx.Request) (*httpx.Response, error) {
		return httpxtest.Response(200, httpxtest.Text("tea at "+r.URL.Path())), nil
	}) // a network transport in a test of one's own
	record := httpxtest.Record(server)
	for _, transport := range []func() httpx.Transport{
		func() httpx.Transport { return record },
		func() httpx.Transport { return httpxtest.Replay(record.Exchanges()) },
	} {
		client, err := httpx.New(httpx.WithTransport(transport()))
		if err != nil {
			log.Fatal(err)
		}
		defer client.Close()
		resp, err := client.Get(ctx, "https://shop.test/items/7")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(resp.Text())
	}
	// Output:
	// tea at /items/7
	// tea at /items/7
}
