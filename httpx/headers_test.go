package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/wire"
)

func headerText(h httpx.Header) string {
	var b strings.Builder
	for k, v := range h.All() {
		fmt.Fprintf(&b, "%s:%s|", k, v)
	}
	return b.String()
}

func makeHeader(nameValue ...string) (h httpx.Header) {
	for i := 0; i < len(nameValue); i += 2 {
		h.Add(nameValue[i], nameValue[i+1])
	}
	return h
}

func TestHeader(t *testing.T) {
	t.Run("A7.1 order, case and duplicates", func(t *testing.T) {
		h := makeHeader("B", "1", "x-Custom", "2", "A", "3", "b", "4")
		if headerText(h) != "B:1|x-Custom:2|A:3|b:4|" {
			t.Error(headerText(h))
		}
		std := h.ToStd()
		if !slices.Equal(std["B"], []string{"1", "4"}) || std.Get("X-Custom") != "2" || len(std) != 3 {
			t.Error(std)
		}
		back := httpx.FromStdHeader(http.Header{"B": {"1", "4"}, "A": {"3"}, "odd name": {"2"}, "None": nil})
		if headerText(back) != "A:3|B:1|B:4|odd name:2|" {
			t.Error(headerText(back))
		}
		if !httpx.FromStdHeader(std).Equal(h) {
			t.Error(headerText(httpx.FromStdHeader(std)))
		}
		std.Set("B", "changed")
		if c := h.Clone(); headerText(c) != headerText(h) || h.Get("b") != "1" {
			t.Error(headerText(c))
		}
		if h := httpx.FromStdHeader(nil); h.Len() != 0 {
			t.Error(h)
		}
	})
	t.Run("A7.1 as they are sent", func(t *testing.T) {
		heads := make(chan string, 1)
		s := peer.Listen(t, func(nc net.Conn) {
			buf := make([]byte, 4096)
			n, _ := nc.Read(buf)
			heads <- string(buf[:n])
			io.WriteString(nc, "HTTP/1.1 204 No Content\r\n\r\n")
		})
		r, err := httpx.NewRequest("GET", "http://"+s.Addr+"/", httpx.WithHeaders(makeHeader("zZ", "1", "a", "\xfc", "ZZ", "ü")))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := newClient(t).Send(context.Background(), r); err != nil {
			t.Fatal(err)
		}
		if head := <-heads; !strings.Contains(head, "\r\nzZ: 1\r\na: \xfc\r\nZZ: ü\r\n\r\n") {
			t.Errorf("%q", head)
		}
	})
	t.Run("A7.2 first value, joined values", func(t *testing.T) {
		h := makeHeader("Accept", "a", "accept", "b, c", "Set-Cookie", "x=1", "set-cookie", "y=2", "Cookie", "p=1", "Cookie", "q=2")
		for got, want := range map[string]string{
			h.Get("ACCEPT"): "a", h.Join("ACCEPT"): "a, b, c", h.Join("SET-COOKIE"): "x=1", h.Join("cookie"): "p=1; q=2", h.Get("None") + h.Join("None"): "",
		} {
			if got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
	})
	t.Run("A7.3 values and list elements", func(t *testing.T) {
		h := makeHeader("L", `a , "b, \", c";q="1,2" ,, `, "l", "", "L", "\td;x=\"y", "Date", "Sun, 06 Nov 1994 08:49:37 GMT")
		if got := h.Tokens("l"); !slices.Equal(got, []string{"a", `"b, \", c";q="1,2"`, `d;x="y`}) {
			t.Errorf("%q", got)
		}
		if got := h.Values("date"); !slices.Equal(got, []string{"Sun, 06 Nov 1994 08:49:37 GMT"}) {
			t.Errorf("%q", got)
		}
		if got := h.Values("L"); len(got) != 3 || h.Values("None") != nil || h.Tokens("None") != nil {
			t.Errorf("%q", got)
		}
		// RFC 9110 §5.6.1.2: the examples of a list of 1#example-list-elmt.
		for in, want := range map[string][]string{
			`"foo,bar"`: {`"foo,bar"`}, `foo ,bar,`: {"foo", "bar"}, `foo , ,bar,charlie`: {"foo", "bar", "charlie"}, ``: nil, `,`: nil, `,   ,`: nil,
			`a,"b`: {"a", `"b`}, `a,"b\`: {"a", `"b\`}, `a,"b\"`: {"a", `"b\"`}, `"a""b",c`: {`"a""b"`, "c"}, `\,a`: {`\`, "a"},
		} {
			if got := makeHeader("L", in).Tokens("L"); !slices.Equal(got, want) {
				t.Errorf("%q → %q, want %q", in, got, want)
			}
		}
	})
	t.Run("A7.4 set replaces the first in place", func(t *testing.T) {
		h := makeHeader("A", "1", "B", "2", "a", "3", "C", "4")
		h.Set("a", "9")
		if headerText(h) != "a:9|B:2|C:4|" {
			t.Error(headerText(h))
		}
		h.Set("D", "5")
		h.Del("b")
		if headerText(h) != "a:9|C:4|D:5|" || h.Has("B") || !h.Has("c") {
			t.Error(headerText(h))
		}
	})
	t.Run("A7.5 merge removes the names and appends", func(t *testing.T) {
		h := makeHeader("A", "1", "B", "2", "a", "3")
		over := makeHeader("a", "8", "C", "9", "A", "7")
		h.Merge(over)
		if headerText(h) != "B:2|a:8|C:9|A:7|" || headerText(over) != "a:8|C:9|A:7|" {
			t.Error(headerText(h), headerText(over))
		}
		h.Merge(nil)
		h.Merge(h)
		if headerText(h) != "B:2|a:8|C:9|A:7|" {
			t.Error(headerText(h))
		}
	})
	t.Run("A7.6 iteration, raw lines and number", func(t *testing.T) {
		h := makeHeader("A", "1", "B", "2", "a", "3")
		raw := h.Raw()
		if h.Len() != 3 || !slices.Equal(raw, []wire.Field{{Name: "A", Value: "1"}, {Name: "B", Value: "2"}, {Name: "a", Value: "3"}}) {
			t.Error(h.Len(), raw)
		}
		raw[0].Value = "changed"
		n := 0
		for range h.All() {
			if n++; n == 2 {
				break
			}
		}
		if n != 2 || h.Get("A") != "1" || !slices.Equal(h.Names(), []string{"A", "B"}) {
			t.Error(n, h, h.Names())
		}
	})
	t.Run("A7.7 values are bytes", func(t *testing.T) {
		h := makeHeader("A", "ü", "B", "\xfc\xff")
		if h.Get("A") != "ü" || h.Get("B") != "\xfc\xff" {
			t.Errorf("%q %q", h.Get("A"), h.Get("B"))
		}
		if _, err := httpx.NewRequest("GET", "http://e.org/", httpx.WithHeaders(h)); err != nil {
			t.Error(err)
		}
	})
	t.Run("A7.8 equality and text", func(t *testing.T) {
		h := makeHeader("A", "1", "B", "2", "a", "3")
		for _, tt := range []struct {
			o    httpx.Header
			want bool
		}{
			{makeHeader("b", "2", "A", "3", "A", "1"), true},
			{h, true},
			{makeHeader("b", "2", "A", "3"), false},
			{makeHeader("A", "1", "B", "2", "a", "1"), false},
			{makeHeader("A", "1", "B", "2", "\u212a", "3"), false},
			{nil, false},
		} {
			if h.Equal(tt.o) != tt.want || tt.o.Equal(h) != tt.want {
				t.Errorf("%s equal to %s: want %v", headerText(h), headerText(tt.o), tt.want)
			}
		}
		if makeHeader("K", "1").Equal(makeHeader("\u212a", "1")) {
			t.Error("KELVIN SIGN is no k")
		}
		secret := makeHeader("AUTHORIZATION", "hunter2", "proxy-authorization", "hunter2", "Cookie", "hunter2", "Set-Cookie", "hunter2", "X-Api-Key", "hunter2", "A\r\nB", "c\x1b[2J\r\nd")
		secret = append(secret, wire.Field{Name: "X-Mine", Value: "hunter2", Sensitive: true})
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "h", secret)
		for _, s := range []string{secret.String(), log.String(), fmt.Sprintf("%v %+v", secret, secret), fmt.Sprintf("%#v", secret)} {
			if strings.Contains(s, "hunter2") || !strings.Contains(s, "AUTHORIZATION: [secure]") || strings.ContainsAny(s, "\x1b\r") {
				t.Errorf("%q", s)
			}
		}
		if got := strings.Count(secret.String(), "\n"); got != secret.Len() {
			t.Errorf("%d lines for %d fields", got, secret.Len())
		}
	})
}

func TestInvalidHeader(t *testing.T) {
	bad := []struct{ name, field, value, says string }{
		{"LF in the value", "X-A", "hunter2\nX-B: c", "0x0a at offset 7 of the value of X-A"},
		{"CR in the value", "X-A", "hunter2\r", "0x0d"},
		{"NUL in the value", "X-A", "hunter2\x00", "0x00"},
		{"DEL in the value", "X-A", "hunter2\x7f", "0x7f"},
		{"space in the name", "X A", "hunter2", "0x20 at offset 1 of the name"},
		{"colon in the name", "X-A: hunter2", "", "0x3a"},
		{"LF in the name", "X\nA", "hunter2", "0x0a"},
		{"non-ASCII in the name", "Xü", "hunter2", "0xc3"},
		{"empty name", "", "hunter2", "without a name"},
	}
	check := func(t *testing.T, what string, err error, says string) {
		t.Helper()
		var e *httpx.Error
		if !errors.Is(err, httpx.ErrInvalidHeader) || !errors.Is(err, httpx.ErrLocalProtocol) || !errors.Is(err, httpx.ErrRequest) || !errors.As(err, &e) || e.Sent {
			t.Errorf("%s: %v", what, err)
		} else if !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hunter2") || strings.ContainsAny(err.Error(), "\r\n\x00") {
			t.Errorf("%s: %v, want %q", what, err, says)
		}
	}
	var connections atomic.Int32
	s := peer.Listen(t, func(net.Conn) { connections.Add(1) })
	c := newClient(t)
	for _, tt := range bad {
		t.Run("A7.9 "+tt.name, func(t *testing.T) {
			_, err := httpx.New(httpx.WithHeader(tt.field, tt.value))
			check(t, "client", err, tt.says)
			_, err = httpx.New(httpx.WithHeaders(makeHeader(tt.field, tt.value)))
			check(t, "client, all", err, tt.says)
			_, err = c.Get(context.Background(), "http://"+s.Addr, httpx.WithHeader(tt.field, tt.value))
			check(t, "request", err, tt.says)
			_, err = c.Get(context.Background(), "http://"+s.Addr, httpx.WithAddedHeader(tt.field, tt.value))
			check(t, "request, added", err, tt.says)
			closed := false
			r, err := c.NewRequest("POST", "http://"+s.Addr, httpx.Reader(watchedBody{strings.NewReader("x"), &closed}))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Add(tt.field, tt.value)
			_, err = c.Send(context.Background(), r)
			check(t, "prepared", err, tt.says)
			if !closed {
				t.Error("the body of a request that failed stays open")
			}
		})
	}
	t.Run("A7.9 no connection is made for it", func(t *testing.T) {
		if n := connections.Load(); n != 0 || c.Stats().Dials != 0 {
			t.Errorf("%d connections, %+v", n, c.Stats())
		}
	})
}

type watchedBody struct {
	io.Reader
	closed *bool
}

func (c watchedBody) Close() error { *c.closed = true; return nil }
