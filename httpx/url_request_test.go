package httpx_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
)

func TestQueryOfRequests(t *testing.T) {
	c := newClient(t, httpx.WithQuery("page", 1, "key", "k"))
	for _, tt := range []struct {
		name, url, want string
		opts            []httpx.RequestOption
	}{
		{"A9.13 the URL's own pairs stay", "http://e.org/?a=%7e&page=9", "http://e.org/?a=%7e&page=9&page=1&key=k", nil},
		{"A9.13 the request's replace the client's per key", "http://e.org/?a=1", "http://e.org/?a=1&key=k&page=2&page=3", []httpx.RequestOption{httpx.WithQuery("page", []int{2, 3})}},
		{"A9.13 no parameters strip nothing", "http://e.org/?a=1", "http://e.org/?a=1&page=1&key=k", []httpx.RequestOption{httpx.WithQuery()}},
		{"A9.13 QueryParams and url.Values", "http://e.org/", "http://e.org/?page=1&key=k&z=1&a=2&b=3&b=4", []httpx.RequestOption{
			httpx.WithQuery(httpx.Q("z", 1, "a", 2)), httpx.WithQuery(url.Values{"b": {"3", "4"}}),
		}},
		{"A9.13 SetQuery replaces all", "http://e.org/?a=1#f", "http://e.org/?b=2#f", []httpx.RequestOption{httpx.WithQuery("c", 3), httpx.SetQuery("b", 2)}},
		{"A9.13 WithQuery behind SetQuery adds", "http://e.org/?a=1", "http://e.org/?b=2&page=5", []httpx.RequestOption{httpx.SetQuery("b", 2), httpx.WithQuery("page", 5)}},
		{"A9.13 SetQuery of nothing strips", "http://e.org/?a=1", "http://e.org/", []httpx.RequestOption{httpx.SetQuery()}},
		{"A8.6 space as %20", "http://e.org/", "http://e.org/?page=1&key=k&a%20b=c%20%2B", []httpx.RequestOption{httpx.WithQuery("a b", "c +"), httpx.SpaceAsPercent20()}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := c.NewRequest("GET", tt.url, tt.opts...)
			if err != nil || r.URL.String() != tt.want {
				t.Errorf("%v, %v; want %s", r.URL, err, tt.want)
			}
		})
	}
	t.Run("A9.13 options of a send", func(t *testing.T) {
		s := peer.Listen(t, echoTarget)
		r, err := c.NewRequest("GET", "http://"+s.Addr+"/?own=1", httpx.SetQuery("a", 1))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.Send(context.Background(), r, httpx.WithQuery("b", 2))
		if err != nil || resp.Text() != "/?a=1&b=2" {
			t.Errorf("%v, %v", resp, err)
		}
		resp, err = c.Send(context.Background(), r, httpx.SetQuery("c", 3))
		if err != nil || resp.Text() != "/?c=3" || r.URL.Target() != "/?a=1" {
			t.Errorf("%v, %v; the request has %s", resp, err, r.URL.Target())
		}
	})
	t.Run("A9.13 bad arguments", func(t *testing.T) {
		for _, o := range []httpx.RequestOption{httpx.SetQuery("a"), httpx.SetQuery(1, 2), httpx.WithQuery(httpx.Q("a")), httpx.WithQuery(map[string]string{})} {
			if r, err := c.NewRequest("GET", "http://e.org/", o); err == nil {
				t.Error(r.URL)
			}
		}
	})
}

// echoTarget answers every request with its target.
func echoTarget(nc net.Conn) {
	buf := make([]byte, 4096)
	for {
		n, err := nc.Read(buf)
		if err != nil {
			return
		}
		target := strings.Fields(string(buf[:n]))[1]
		fmt.Fprintf(nc, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(target), target)
	}
}

func TestUserinfoIsDecoded(t *testing.T) {
	t.Run("A9.8 user information is sent as Basic, decoded", func(t *testing.T) {
		heads := make(chan string, 1)
		s := peer.Listen(t, func(nc net.Conn) {
			buf := make([]byte, 4096)
			n, _ := nc.Read(buf)
			heads <- string(buf[:n])
			io.WriteString(nc, "HTTP/1.1 204 No Content\r\n\r\n")
		})
		if _, err := newClient(t).Get(context.Background(), "http://u%2Fx:p@%zz:+@"+s.Addr+"/"); err != nil {
			t.Fatal(err)
		}
		want := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("u/x:p@%zz:+")) + "\r\n"
		if head := <-heads; !strings.Contains(head, want) || !strings.HasPrefix(head, "GET / HTTP/1.1\r\nHost: "+s.Addr+"\r\n") {
			t.Errorf("%q, want %q", head, want)
		}
	})
}

func TestPathAsIs(t *testing.T) {
	s := peer.Listen(t, echoTarget)
	base := "http://" + s.Addr
	get := func(c *httpx.Client, url string, opts ...httpx.RequestOption) string {
		t.Helper()
		resp, err := c.Get(context.Background(), url, opts...)
		if err != nil {
			t.Fatal(err)
		}
		return resp.Text()
	}
	t.Run("A9.9 path as is", func(t *testing.T) {
		c := newClient(t)
		for got, want := range map[string]string{
			get(c, base+"/a/../b/./c"):                                                     "/b/c",
			get(c, base+"/a/../b/./c", httpx.PathAsIs()):                                   "/a/../b/./c",
			get(c, base+"/a/../x?y", httpx.WithQuery("z", 1), httpx.PathAsIs()):            "/a/../x?y&z=1",
			get(newClient(t, httpx.PathAsIs()), base+"/../q"):                              "/../q",
			get(newClient(t, httpx.WithBaseURL(base+"/v/../w")), "../p", httpx.PathAsIs()): "/w/../p",
			get(newClient(t, httpx.PathAsIs(), httpx.WithBaseURL(base+"/v/../w")), "/r"):   "/v/../w/r",
		} {
			if got != want {
				t.Errorf("sent %s, want %s", got, want)
			}
		}
		r, err := c.NewRequest("GET", base+"/a/../b", httpx.PathAsIs())
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := c.Send(context.Background(), r, httpx.PathAsIs()); err != nil || resp.Text() != "/a/../b" {
			t.Error(resp, err)
		}
		r, _ = c.NewRequest("GET", base+"/a/../b")
		if _, err := c.Send(context.Background(), r, httpx.PathAsIs()); err == nil || !strings.Contains(err.Error(), "NewRequest") {
			t.Errorf("too late for a prepared request: %v", err)
		}
	})
}

func TestBaseURLJoin(t *testing.T) {
	for _, tt := range []struct{ name, base, ref, want string }{
		{"one slash between", "https://e.org/v1", "items", "https://e.org/v1/items"},
		{"one slash of two", "https://e.org/v1/", "/items", "https://e.org/v1/items"},
		{"empty reference adds no slash", "https://e.org/v1", "", "https://e.org/v1"},
		{"empty reference, empty path", "https://e.org", "", "https://e.org"},
		{"query alone", "https://e.org/v1", "?x=1", "https://e.org/v1?x=1"},
		{"base with a query", "https://e.org/v1?z=1", "/x", "https://e.org/v1/x?z=1"},
		{"both with a query", "https://e.org/v1?z=1", "/x?y=2", "https://e.org/v1/x?z=1&y=2"},
		{"two slashes lose no path", "https://e.org/v1", "//x", "https://e.org/v1/x"},
		{"dots are resolved after the join", "https://e.org/v1/", "../x", "https://e.org/x"},
		{"dots above the root", "https://e.org/v1/", "../../../x", "https://e.org/x"},
		{"absolute URL ignores the base", "https://e.org/v1?z=1", "http://f.org", "http://f.org"},
		{"the base's fragment goes", "https://e.org/v1#f", "x", "https://e.org/v1/x"},
		{"the base's user information stays", "https://u:p@e.org/v1", "x", "https://u:p@e.org/v1/x"},
		{"escaped slash at the end", "https://e.org/v1%2F", "x", "https://e.org/v1%2F/x"},
	} {
		t.Run("A9.14 "+tt.name, func(t *testing.T) {
			r, err := newClient(t, httpx.WithBaseURL(tt.base)).NewRequest("GET", tt.ref)
			if err != nil || r.URL.String() != tt.want {
				t.Errorf("%s + %s = %v, %v; want %s", tt.base, tt.ref, r, err, tt.want)
			}
		})
	}
}
