package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"gohttpx.dev/httpx"
)

func TestGenerics(t *testing.T) {
	overBoth(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case r.URL.Path == "/problem":
			w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
			w.WriteHeader(422)
			io.WriteString(w, `{"type":"https://e.example/p","title":"No","status":"x","detail":"d","instance":5,"balance":30}`)
		case r.URL.Path == "/none":
			w.WriteHeader(204)
		case r.URL.Path == "/empty":
		case r.URL.Path == "/html":
			io.WriteString(w, "<html>")
		default:
			fmt.Fprintf(w, `{"name":%q}`, r.Method+" "+r.RequestURI+" "+r.Header.Get("Accept")+" "+string(body))
		}
	}, func(t *testing.T, c *httpx.Client, url string) {
		ctx := context.Background()
		t.Run("B32 GetJSON and its like", func(t *testing.T) {
			item, err := httpx.GetJSON[Item](ctx, c, url+"/a", httpx.WithQuery("b", 1))
			if err != nil || item.Name != "GET /a?b=1 application/json " {
				t.Errorf("%+v, %v", item, err)
			}
			for method, f := range map[string]func(context.Context, *httpx.Client, string, any, ...httpx.RequestOption) (Item, error){
				"POST": httpx.PostJSON[Item], "PUT": httpx.PutJSON[Item], "PATCH": httpx.PatchJSON[Item],
			} {
				item, err := f(ctx, c, url+"/a", []int{1}, httpx.WithHeader("Accept", "x/y"))
				if err != nil || item.Name != method+" /a x/y [1]" {
					t.Errorf("%+v, %v", item, err)
				}
			}
			if item, err := httpx.DoJSON[*Item](ctx, c, "DELETE", url+"/none"); item != nil || err != nil {
				t.Errorf("204: %v, %v", item, err)
			}
			for _, path := range []string{"/empty", "/html"} {
				_, err := httpx.GetJSON[Item](ctx, c, url+path)
				var e *httpx.Error
				if !errors.As(err, &e) || e.Op != "decode" {
					t.Errorf("%s: %v", path, err)
				}
			}
			if _, err := httpx.PostJSON[Item](ctx, c, url, func() {}); err == nil {
				t.Error("what is no JSON was sent")
			}
		})
		t.Run("B32 problem details", func(t *testing.T) {
			_, err := httpx.GetJSON[Item](ctx, c, url+"/problem")
			var se *httpx.StatusError
			if !errors.As(err, &se) || se.Response.StatusCode != 422 {
				t.Fatal(err)
			}
			p, ok := se.Problem()
			if !ok || p.Type != "https://e.example/p" || p.Title != "No" || p.Status != 422 || p.Detail != "d" || p.Instance != "" ||
				len(p.Extensions) != 1 || string(p.Extensions["balance"]) != "30" {
				t.Errorf("%+v, %v", p, ok)
			}
			for ct, content := range map[string]string{"application/json": "{}", "application/problem+json": "[]", "Application/Problem+JSON ": "null"} {
				resp := received(t, false, false, ct, content, httpx.Accept(500))
				errors.As(resp.Err(), &se)
				if _, ok := se.Problem(); ok {
					t.Errorf("%s %s is one", ct, content)
				}
			}
			errors.As(received(t, false, false, "application/problem+json", "{}", httpx.Accept(500)).Err(), &se)
			if p, ok := se.Problem(); !ok || p.Type != "about:blank" || p.Status != 200 {
				t.Errorf("%+v", p)
			}
		})
	})
	t.Run("B32 the default client", func(t *testing.T) {
		s := echoServer(t)
		e, err := httpx.GetJSON[echoed](context.Background(), nil, s.URL+"/a")
		if err != nil || e.Target != "/a" {
			t.Errorf("%+v, %v", e, err)
		}
		if old := httpx.SetDefault(nil); old != nil {
			old.Close()
		}
	})
	t.Run("B32 path parameters", func(t *testing.T) {
		p := httpx.WithPathParam
		for _, tt := range []struct {
			url    string
			params []httpx.RequestOption
			want   string // the target, or what the error says
		}{
			{"/items/{id}", []httpx.RequestOption{p("id", 7)}, "/v1/items/7"},
			{"/{a}/{b}/{a}", []httpx.RequestOption{p("a", "x"), p("b", true)}, "/v1/x/true/x"},
			{"/{a}.{b};v={b}", []httpx.RequestOption{p("a", "x"), p("b", 1.5)}, "/v1/x.1.5;v=1.5"},
			{"/{a}", []httpx.RequestOption{p("a", "a/b?c#d%2f ü:@!$&'()*+,;=[]{b}\\")}, "/v1/a%2Fb%3Fc%23d%252f%20%C3%BC%3A%40%21%24%26%27%28%29%2A%2B%2C%3B%3D%5B%5D%7Bb%7D%5C"},
			{"/{a}?q={a}#{a}", []httpx.RequestOption{p("a", "-._~")}, "/v1/-._~?q={a}"},
			{"http://other.example/{a}", []httpx.RequestOption{p("a", "x")}, "/x"},
			{"/{a}", []httpx.RequestOption{p("a", 1), p("a", 2)}, "/v1/2"},
			{"/{id}", nil, "/v1/%7Bid%7D"},
			{"/{a}/{b}", []httpx.RequestOption{p("a", 1)}, "no value for {b}"},
			{"/a", []httpx.RequestOption{p("a", 1)}, "no {a}"},
			{"/x?{a}", []httpx.RequestOption{p("a", 1)}, "no {a}"},
			{"http://{a}/", []httpx.RequestOption{p("a", 1)}, "no {a}"},
			{"http://{a}", []httpx.RequestOption{p("a", 1)}, "no {a}"},
			{"/{a", []httpx.RequestOption{p("a", 1)}, "has no }"},
			{"/users/{a}", []httpx.RequestOption{p("a", "")}, "is empty"},
			{"/users/{a}", []httpx.RequestOption{p("a", nil)}, "is empty"},
			{"/users/{a}/x", []httpx.RequestOption{p("a", "..")}, "another place"},
			{"/users/{a}", []httpx.RequestOption{p("a", ".")}, "another place"},
			{"/users/.{a}", []httpx.RequestOption{p("a", ".")}, "another place"},
			{"/users/%2E{a}", []httpx.RequestOption{p("a", ".")}, "another place"},
			{"/{a}", []httpx.RequestOption{p("a", "...")}, "/v1/..."},
		} {
			s := &script{answers: []answer{{status: 200}}}
			c := newClient(t, httpx.WithTransport(s), httpx.WithBaseURL("http://a.example/v1"))
			_, err := c.Get(context.Background(), tt.url, tt.params...)
			if strings.HasPrefix(tt.want, "/") {
				if err != nil || s.sent[0].URL.Target() != tt.want {
					t.Errorf("%s: %v, %v, want %s", tt.url, s.sent, err, tt.want)
				}
			} else if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.Is(err, httpx.ErrRequest) {
				t.Errorf("%s: %v, want %s", tt.url, err, tt.want)
			}
		}
		req, err := httpx.NewRequest("GET", "http://a.example/{a}", p("a", 1))
		if err != nil || req.URL.Target() != "/1" {
			t.Fatal(err)
		}
		if _, err := newClient(t).Send(context.Background(), req, p("a", 2)); err == nil || !strings.Contains(err.Error(), "no placeholders left") {
			t.Errorf("a prepared request has no placeholders: %v", err)
		}
	})
}

func TestStatusErrors(t *testing.T) {
	status := func(code int, body string, kv ...string) answer {
		return answer{status: code, header: header(kv...), body: strings.NewReader(body)}
	}
	get := func(t *testing.T, a answer, stream bool, opts ...httpx.RequestOption) (*httpx.Response, error) {
		c := newClient(t, httpx.WithTransport(&script{answers: []answer{a}}))
		if stream {
			return c.Stream(context.Background(), "GET", "http://u:pw@a.example/p?token=secret", opts...)
		}
		return c.Get(context.Background(), "http://u:pw@a.example/p?token=secret", opts...)
	}
	t.Run("A6.4 classes of status", func(t *testing.T) {
		for code, want := range map[int]string{199: "100000", 200: "010000", 299: "010000", 304: "001000", 404: "000101", 500: "000011", 600: "000000"} {
			r, s := &httpx.Response{StatusCode: code}, httpx.StatusCode(code)
			got := ""
			for _, is := range [][2]bool{
				{r.IsInformational(), s.IsInformational()},
				{r.IsSuccess(), s.IsSuccess()},
				{r.IsRedirect(), s.IsRedirect()},
				{r.IsClientError(), s.IsClientError()},
				{r.IsServerError(), s.IsServerError()},
			} {
				if is[0] != is[1] {
					t.Errorf("%d: the types differ", code)
				}
				got += map[bool]string{true: "1", false: "0"}[is[0]]
			}
			got += map[bool]string{true: "1", false: "0"}[r.IsError()]
			want = want[:5] + map[bool]string{true: "1", false: "0"}[code/100 == 4 || code/100 == 5]
			if got != want || s.IsError() != r.IsError() {
				t.Errorf("%d: %s, want %s", code, got, want)
			}
		}
		r := &httpx.Response{StatusCode: 302}
		if r.HasRedirectLocation() {
			t.Error("302 without a Location")
		}
		if r.Header.Set("Location", "/"); !r.HasRedirectLocation() {
			t.Error("302 with a Location")
		}
	})
	t.Run("A6.5 Err", func(t *testing.T) {
		for code, ok := range map[int]bool{200: true, 206: true, 299: true, 101: false, 304: false, 400: false, 500: false, 600: false} {
			resp, err := get(t, status(code, ""), false)
			if err != nil || (resp.Err() == nil) != ok {
				t.Errorf("%d: %v, %v", code, resp.Err(), err)
			}
		}
	})
	t.Run("A6.5 its text", func(t *testing.T) {
		long := strings.Repeat("x", 600)
		for _, tt := range []struct {
			answer answer
			want   string
		}{
			{status(404, ""), "httpx: GET http://a.example/p?token=…: 404 Not Found"},
			{status(404, "no\r\nsuch\x1bthing"), "404 Not Found: no  such.thing"},
			{status(500, "gr\xfcn", "Content-Type", "text/plain; charset=latin1"), ": grün"},
			{status(302, "", "Location", "/next?token=secret"), "302 Found: redirect location: http://a.example/next?token=…"},
			{status(302, "", "Location", "http://["), "302 Found: redirect location: a Location that is no URL"},
			{status(500, long), ": " + long[:512] + "…"},
		} {
			resp, err := get(t, tt.answer, false)
			if err != nil {
				t.Fatal(err)
			}
			var se *httpx.StatusError
			text := resp.Err().Error()
			if !errors.As(resp.Err(), &se) || se.Response != resp || !errors.Is(se, httpx.ErrHTTP) || errors.Is(se, httpx.ErrRequest) || !strings.HasSuffix(text, tt.want) || strings.Contains(text, "secret") || strings.Contains(text, "pw") {
				t.Errorf("%s\nwant %s", text, tt.want)
			}
		}
	})
	t.Run("A6.5 Accept", func(t *testing.T) {
		for _, tt := range []struct {
			code int
			opts []httpx.RequestOption
			ok   bool
		}{
			{404, []httpx.RequestOption{httpx.Accept(200, 404)}, true},
			{201, []httpx.RequestOption{httpx.Accept(200, 404)}, false},
			{201, []httpx.RequestOption{httpx.Accept(200, 404), httpx.Accept()}, true},
			{304, []httpx.RequestOption{httpx.Accept(304)}, true},
		} {
			resp, err := get(t, status(tt.code, ""), false, tt.opts...)
			if err != nil || (resp.Err() == nil) != tt.ok {
				t.Errorf("%+v: %v", tt, resp.Err())
			}
		}
	})
	t.Run("A6.5 FailOnStatus", func(t *testing.T) {
		for _, stream := range []bool{false, true} {
			resp, err := get(t, status(404, "no such thing"), stream, httpx.FailOnStatus())
			var se *httpx.StatusError
			if resp != nil || !errors.As(err, &se) || se.Response.Text() != "no such thing" || !strings.HasSuffix(err.Error(), "no such thing") {
				t.Errorf("%v, %v", resp, err)
			}
			resp, err = get(t, status(404, ""), stream, httpx.FailOnStatus(), httpx.Accept(404))
			if err != nil || resp.Close() != nil {
				t.Error(err)
			}
			if resp, err = get(t, status(200, ""), stream, httpx.FailOnStatus()); err != nil || resp.Close() != nil {
				t.Error(err)
			}
		}
		s := &script{answers: []answer{status(302, "", "Location", "/x"), status(200, "")}}
		c := newClient(t, httpx.WithTransport(s), httpx.FailOnStatus(), httpx.WithFollowRedirects(true))
		if _, err := c.Get(context.Background(), "http://a.example/"); err != nil || len(s.sent) != 2 {
			t.Errorf("a redirect that is followed: %v", err)
		}
	})
	t.Run("A6.5 StatusOK", func(t *testing.T) {
		if resp, err := httpx.StatusOK(get(t, status(200, "x"), false)); err != nil || resp.Text() != "x" {
			t.Error(err)
		}
		if resp, err := httpx.StatusOK(get(t, status(500, "x"), true)); err == nil || resp != nil {
			t.Error("no error")
		}
		if _, err := httpx.StatusOK(get(t, answer{err: io.ErrClosedPipe}, true)); !errors.Is(err, io.ErrClosedPipe) {
			t.Error(err)
		}
	})
	overBoth(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(500)
		for i := 0; r.Context().Err() == nil; i++ {
			if _, err := w.Write([]byte(strings.Repeat("x", 1000))); err != nil || i > 10 && r.URL.Path == "/slow" {
				<-r.Context().Done()
				return
			}
			w.(http.Flusher).Flush()
		}
	}, func(t *testing.T, c *httpx.Client, url string) {
		t.Run("A6.5 an endless body of an error", func(t *testing.T) {
			for path, size := range map[string]int{"": 64 << 10, "/slow": 11_000} {
				_, err := c.Stream(context.Background(), "GET", url+path, httpx.FailOnStatus())
				var se *httpx.StatusError
				if !errors.As(err, &se) || len(se.Response.Bytes()) != size {
					t.Errorf("%.100v, %d bytes", err, len(se.Response.Bytes()))
				}
			}
		})
	})
}
