package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gohttpx.dev/httpx"
)

// newsroom starts a server of events, lines, pages and files.
func newsroom() *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("Last-Event-ID") {
		case "":
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, "retry: 10\n\nid: 1\ndata: good\ndata: morning\n\nid: 2\nevent: goal\ndata: 1:0\n\n")
		case "2":
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, "id: 3\nevent: goal\ndata: 1:1\n\n")
		default: // there is no more
			w.WriteHeader(http.StatusNoContent)
		}
	})
	mux.HandleFunc("/lines", func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); len(body) > 0 {
			w.Write(body)
			return
		}
		io.WriteString(w, "{\"id\":1,\"name\":\"lamp\"}\n\n{\"id\":2,\"name\":\"chair\"}\n")
	})
	mux.HandleFunc("GET /items/{id}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("id") != "7" {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprintf(w, `{"title":"No such item","detail":"there is no item %s"}`, r.PathValue("id"))
			return
		}
		io.WriteString(w, `{"id":7,"name":"lamp"}`)
	})
	mux.HandleFunc("POST /items", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusCreated)
		io.Copy(w, r.Body)
	})
	mux.HandleFunc("GET /pages/{n}", func(w http.ResponseWriter, r *http.Request) {
		n := r.PathValue("n")
		if n != "3" {
			w.Header().Set("Link", fmt.Sprintf(`<%c>; rel="next"; title="more, and more", </pages/1>; rel=first`, n[0]+1))
		}
		fmt.Fprint(w, "page ", n)
	})
	mux.HandleFunc("GET /report", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Disposition", `attachment; filename="../../report.csv"`)
		w.Header().Set("Content-Length", "200000")
		w.Write(make([]byte, 200_000))
	})
	mux.HandleFunc("GET /latin", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "gr\xfcn und wei\xdf")
	})
	mux.HandleFunc("GET /moved", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
		http.Redirect(w, r, "/pages/3", http.StatusFound)
	})
	return httptest.NewServer(mux)
}

// Server-sent events of one response, each as soon as it has come.
func ExampleResponse_Events() {
	server := newsroom()
	defer server.Close()

	resp, err := httpx.Stream(ctx, "GET", server.URL+"/events")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Close()
	for event, err := range resp.Events() {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s %s %q %v\n", event.ID, event.Type, event.Data, event.Retry)
	}
	// Output:
	// 1 message "good\nmorning" 10ms
	// 2 goal "1:0" 10ms
}

// Client.Events connects again where a stream ends, and goes on behind the last
// event, until the server says that there is no more.
func ExampleClient_Events() {
	server := newsroom()
	defer server.Close()
	client, err := httpx.New(httpx.WithReconnect(httpx.Reconnect{Attempts: 5, MaxDelay: 10 * time.Second}))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	for event, err := range client.Events(ctx, "GET", server.URL+"/events") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(event.ID, event.Type, strings.Fields(event.Data))
	}
	// Output:
	// 1 message [good morning]
	// 2 goal [1:0]
	// 3 goal [1:1]
}

func ExampleJSONLines() {
	server := newsroom()
	defer server.Close()

	resp, err := httpx.Stream(ctx, "GET", server.URL+"/lines")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Close()
	for item, err := range httpx.JSONLines[Item](resp) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(item.ID, item.Name)
	}
	// Output:
	// 1 lamp
	// 2 chair
}

func ExampleJSONLinesBody() {
	server := newsroom()
	defer server.Close()

	items := []Item{{1, "lamp"}, {2, "chair"}} // or whatever makes an iter.Seq
	resp, err := httpx.Post(ctx, server.URL+"/lines", httpx.JSONLinesBody(slices.Values(items)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(resp.Text())
	// Output:
	// {"id":1,"name":"lamp"}
	// {"id":2,"name":"chair"}
}

// A call and its JSON in one. The error of a bad status has what the server says
// of it.
func ExampleGetJSON() {
	server := newsroom()
	defer server.Close()
	client, err := httpx.New(httpx.WithBaseURL(server.URL))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	item, err := httpx.GetJSON[Item](ctx, client, "/items/{id}", httpx.WithPathParam("id", 7))
	fmt.Println(item.Name, err)

	_, err = httpx.GetJSON[Item](ctx, client, "/items/{id}", httpx.WithPathParam("id", 8))
	var se *httpx.StatusError
	if errors.As(err, &se) {
		if p, ok := se.Problem(); ok {
			fmt.Println(p.Status, p.Title+":", p.Detail)
		}
	}
	// Output:
	// lamp <nil>
	// 404 No such item: there is no item 8
}

func ExamplePostJSON() {
	server := newsroom()
	defer server.Close()

	made, err := httpx.PostJSON[Item](ctx, nil, server.URL+"/items", Item{8, "desk"}) // nil: the default client
	fmt.Println(made.ID, made.Name, err)
	// Output: 8 desk <nil>
}

// Pages that say where the next one is.
func ExampleResponse_Links() {
	server := newsroom()
	defer server.Close()

	for url := server.URL + "/pages/1"; url != ""; {
		resp, err := httpx.Get(ctx, url)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(resp.Text(), "has links:", len(resp.Links()))
		next, _ := resp.Link("next")
		url = next.URL
	}
	// Output:
	// page 1 has links: 2
	// page 2 has links: 2
	// page 3 has links: 0
}

// A download that is whole or not there, with its progress.
func ExampleResponse_SaveToFile() {
	server := newsroom()
	defer server.Close()
	dir, err := os.MkdirTemp("", "httpx")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	resp, err := httpx.Stream(ctx, "GET", server.URL+"/report")
	if err != nil {
		log.Fatal(err)
	}
	percent := int64(0)
	n, err := resp.SaveToFile(filepath.Join(dir, resp.Filename()), httpx.WithProgress(func(done, total int64) {
		percent = 100 * done / total
	}))
	if err != nil {
		log.Fatal(err)
	}
	_, err = os.Stat(filepath.Join(dir, "report.csv"))
	fmt.Println(n, "bytes,", percent, "%", err)
	// Output: 200000 bytes, 100 % <nil>
}

// Content whose charset the server does not say.
func ExampleWithDefaultCharset() {
	server := newsroom()
	defer server.Close()

	resp, err := httpx.Get(ctx, server.URL+"/latin", httpx.WithDefaultCharset("iso-8859-1"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Text(), resp.Charset(), resp.ContentCharset() == "")
	// Output: grün und weiß windows-1252 true
}

// FailOnStatus makes errors of bad statuses; Accept says which are none.
func ExampleFailOnStatus() {
	server := newsroom()
	defer server.Close()
	client, err := httpx.New(httpx.WithBaseURL(server.URL), httpx.FailOnStatus())
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	_, err = client.Get(ctx, "/items/8")
	var se *httpx.StatusError
	fmt.Println(errors.As(err, &se) && se.Response.StatusCode == 404)
	resp, err := client.Get(ctx, "/items/8", httpx.Accept(200, 404))
	fmt.Println(resp.StatusCode, err)
	// Output:
	// true
	// 404 <nil>
}

// What a response says of how it came about.
func ExampleResponse_history() {
	server := newsroom()
	defer server.Close()

	resp, err := httpx.Get(ctx, server.URL+"/moved", httpx.WithFollowRedirects(true))
	if err != nil {
		log.Fatal(err)
	}
	first := resp.History[0]
	fmt.Println(first.StatusCode, first.Cookies()[0].Name, "->", resp.URL.Path(), resp.Request.Method, resp.NextRequest == nil)

	resp, err = httpx.Get(ctx, server.URL+"/moved")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.StatusCode, resp.NextRequest.URL.Path())
	resp, err = httpx.Default().Send(context.Background(), resp.NextRequest)
	fmt.Println(resp.Text(), err)
	t := resp.Timings()
	fmt.Println(t.Pool >= 0, t.DNS == 0, t.Connect >= 0, t.TLS == 0, t.Write >= 0, t.FirstByte > 0, t.Total == resp.Elapsed())
	// Output:
	// 302 seen -> /pages/3 GET true
	// 302 /pages/3
	// page 3 <nil>
	// true true true true true true true
}
