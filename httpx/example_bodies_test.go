package httpx_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"gohttpx.dev/httpx"
)

// office tells what arrived.
func office() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
			mr, err := r.MultipartReader()
			for err == nil {
				p, perr := mr.NextPart()
				if perr != nil {
					return
				}
				b, _ := io.ReadAll(p)
				fmt.Fprintf(w, "%s, file %q, type %q: %s\n", p.FormName(), p.FileName(), p.Header.Get("Content-Type"), b)
			}
		}
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s, %d bytes announced", b, r.ContentLength)
	}))
}

// A form with files is sent part by part: a file is never in memory as a whole.
func ExampleMultipart() {
	server := office()
	defer server.Close()
	dir, err := os.MkdirTemp("", "httpx")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "letter.html")
	if err := os.WriteFile(path, []byte("<p>Dear all"), 0o600); err != nil {
		log.Fatal(err)
	}

	resp, err := httpx.Post(ctx, server.URL, httpx.Multipart(
		httpx.FieldPart("to", "everybody"),
		httpx.FilePart("letter", path),
		httpx.Part{Name: "meta", Body: httpx.JSON(map[string]int{"pages": 1})},
		httpx.Part{Name: "log", Filename: "log.bin", ContentType: "application/x-log", Body: httpx.Reader(strings.NewReader("from a reader"))},
	))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(resp.Text())
	// Output:
	// to, file "", type "": everybody
	// letter, file "letter.html", type "text/html; charset=utf-8": <p>Dear all
	// meta, file "", type "application/json": {"pages":1}
	// log, file "log.bin", type "application/x-log": from a reader
}

// What can seek is rewound for each send of the request.
func ExampleReadSeeker() {
	server := office()
	defer server.Close()
	text := strings.NewReader("skip this, send that")
	text.Seek(11, io.SeekStart)

	req, err := httpx.NewRequest("POST", server.URL, httpx.ReadSeeker(text), httpx.ContentType("text/plain"))
	if err != nil {
		log.Fatal(err)
	}
	client, err := httpx.New()
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	for range 2 {
		resp, err := client.Send(ctx, req)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(resp.Text())
	}
	// Output:
	// send that, 9 bytes announced
	// send that, 9 bytes announced
}

// A function makes the body anew for each send. With SizedBodyFunc its length is
// announced, too.
func ExampleBodyFunc() {
	server := office()
	defer server.Close()
	source := func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("made on demand")), nil
	}

	for _, body := range []httpx.Body{httpx.BodyFunc(source), httpx.SizedBodyFunc(14, source)} {
		resp, err := httpx.Post(ctx, server.URL, body)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(resp.Text())
	}
	// Output:
	// made on demand, -1 bytes announced
	// made on demand, 14 bytes announced
}

// A streaming body is read into memory once, to sign it or to send it again.
func ExampleRequest_ReadBody() {
	req, err := httpx.NewRequest("POST", "https://example.org/", httpx.Reader(io.LimitReader(strings.NewReader("signed and sealed"), 6)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(req.Body().Len(), req.Body().Replayable())
	b, err := req.ReadBody(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, %d, %v\n", b, req.Body().Len(), req.Body().Replayable())
	// Output:
	// -1 false
	// signed, 6, true
}

// An upload tells how far it is. What is known of its length comes with it.
func ExampleWithUploadProgress() {
	server := shop()
	defer server.Close()

	last := ""
	resp, err := httpx.Post(ctx, server.URL+"/v1/items", httpx.JSON(Item{Name: "lamp"}),
		httpx.WithUploadProgress(func(done, total int64) { last = fmt.Sprintf("%d of %d bytes", done, total) }))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.StatusCode, last)
	// Output: 201 15 of 15 bytes
}
