package httpx_test

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"gohttpx.dev/httpx"
)

// badText has a text that cannot be made.
type badText struct{}

func (badText) MarshalText() ([]byte, error) { return nil, errors.New("no text today") }

func TestQueryParams(t *testing.T) {
	t.Run("A8.1 input", func(t *testing.T) {
		for name, q := range map[string]httpx.QueryParams{
			"keys and values": httpx.Q("a", "1", "b", []string{"2", "3"}, "c d", "é"),
			"a string":        httpx.ParseQuery("a=1&b=2&b=3&c+d=%C3%A9"),
			"question mark":   httpx.ParseQuery("?a=1&b=2&&b=3&c%20d=é&"),
			"net/url":         httpx.FromValues(url.Values{"c d": {"é"}, "b": {"2", "3"}, "a": {"1"}}),
			"another":         httpx.Q(httpx.Q("a", 1, "b", 2, "b", 3, "c d", "é")),
			"net/url in Q":    httpx.Q(url.Values{"c d": {"é"}, "b": {"2", "3"}, "a": {"1"}}),
		} {
			if got := q.Encode(); got != "a=1&b=2&b=3&c+d=%C3%A9" || q.Err() != nil {
				t.Errorf("%s: %s, %v", name, got, q.Err())
			}
		}
		if v := httpx.Q("a", 1, "b", 2, "a", 3).ToValues(); !maps.EqualFunc(v, url.Values{"a": {"1", "3"}, "b": {"2"}}, slices.Equal) {
			t.Error(v)
		}
		for _, q := range []httpx.QueryParams{httpx.Q("a"), httpx.Q(1, 2), httpx.Q("a", badText{}), httpx.Q("a", []badText{{}}), httpx.Q().Set("a", badText{}).Add("b", 1), httpx.Q("b", 1).Merge(httpx.Q("a"))} {
			if q.Err() == nil {
				t.Errorf("%s must remember an error", q.Encode())
			}
			if _, err := httpx.NewRequest("GET", "http://e.org/", httpx.WithQuery(q)); !errors.Is(err, q.Err()) {
				t.Errorf("the request says %v, want %v", err, q.Err())
			}
		}
		for _, in := range []string{"", "?", "&", "&&&", "?&"} {
			if q := httpx.ParseQuery(in); q.Len() != 0 || q.Encode() != "" {
				t.Errorf("%q: %s", in, q.Encode())
			}
		}
		for in, want := range map[string]string{"a": "a=", "a=": "a=", "=b": "=b", "a=b=c": "a=b%3Dc", "%zz=%": "%25zz=%25", "a;b=c": "a%3Bb=c", "a=%FF": "a=%FF", "??a": "%3Fa="} {
			if got := httpx.ParseQuery(in).Encode(); got != want {
				t.Errorf("%q → %q, want %q", in, got, want)
			}
		}
	})
	t.Run("A8.2 values", func(t *testing.T) {
		n, text := 7, "t"
		type named string
		type flag bool
		for _, tt := range []struct {
			v    any
			want string
		}{
			{true, "true"},
			{false, "false"},
			{nil, ""},
			{"", ""},
			{"s", "s"},
			{named("s"), "s"},
			{flag(true), "true"},
			{[]byte("b"), "b"},
			{1, "1"},
			{int8(-1), "-1"},
			{uint64(math.MaxUint64), "18446744073709551615"},
			{1.5, "1.5"},
			{1e6, "1000000"},
			{float32(0.1), "0.1"},
			{1e21, "1e+21"},
			{1e-7, "1e-07"},
			{0.0, "0"},
			{math.Inf(1), "+Inf"},
			{&n, "7"},
			{&text, "t"},
			{(*int)(nil), ""},
			{(*url.URL)(nil), ""},
			{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), "2026-01-02T03:04:05Z"},
			{time.Second, "1s"},
			{netip.MustParseAddr("::1"), "::1"},
			{net.IPv4(1, 2, 3, 4), "1.2.3.4"},
			{errors.New("e"), "e"},
			{struct{ A int }{1}, "{1}"},
		} {
			q := httpx.Q("k", tt.v)
			if got := q.Get("k"); got != tt.want || !q.Has("k") || q.Err() != nil {
				t.Errorf("%T %v: %q, %v; want %q", tt.v, tt.v, got, q.Err(), tt.want)
			}
		}
		if got := httpx.Q("k", []any{1, nil, "x"}, "a", [2]bool{true}, "none", []int{}).Encode(); got != "k=1&k=&k=x&a=true&a=false" {
			t.Error(got)
		}
		var zero *int
		for _, v := range []any{nil, "", 0, false, 0.0, []int{}, []string(nil), zero, time.Time{}, (*time.Time)(nil), netip.Addr{}.Is4()} {
			if q := httpx.Q("k", httpx.OmitZero(v), "l", 1); q.Encode() != "l=1" {
				t.Errorf("%T %v: %s", v, v, q.Encode())
			}
		}
		if got := httpx.Q("a", httpx.OmitZero("x"), "b", httpx.OmitZero([]int{0}), "c", httpx.OmitZero(true)).Encode(); got != "a=x&b=0&c=true" {
			t.Error(got)
		}
	})
	t.Run("A8.3 order", func(t *testing.T) {
		if got := httpx.Q("a", 1, "b", 2, "a", 3).Encode(); got != "a=1&b=2&a=3" {
			t.Error(got)
		}
		if got := httpx.ParseQuery("z=1&a=2&z=3&a=4").Encode(); got != "z=1&a=2&z=3&a=4" {
			t.Error(got)
		}
	})
	t.Run("A8.4 operations return copies", func(t *testing.T) {
		q := httpx.Q("a", 1, "b", 2, "a", 3)
		for want, got := range map[string]httpx.QueryParams{
			"a=9&b=2":             q.Set("a", 9),
			"a=8&a=9&b=2":         q.Set("a", []int{8, 9}),
			"a=1&b=2&a=3&c=9":     q.Set("c", 9),
			"b=2":                 q.Set("a", []int{}),
			"a=1&b=2&a=3&a=4":     q.Add("a", 4),
			"a=1&b=2&a=3":         q.Del("x"),
			"a=1&a=3":             q.Del("b"),
			"b=2&a=5&c=6&a=7":     q.Merge(httpx.Q("a", 5, "c", 6, "a", 7)),
			"a=1&b=2&a=3&n=&n=1":  q.Add("n", nil).Add("n", 1),
			"a=1&b=2&a=3&o=1&o=1": q.Add("o", []bool{}).Add("o", 1).Add("o", 1),
		} {
			if got.Encode() != want {
				t.Errorf("%s, want %s", got.Encode(), want)
			}
		}
		one, two := q.Add("x", 1), q.Add("y", 2) // of one origin, and apart
		if q.Encode() != "a=1&b=2&a=3" || one.Encode() != "a=1&b=2&a=3&x=1" || two.Encode() != "a=1&b=2&a=3&y=2" {
			t.Errorf("%s, %s, %s", q.Encode(), one.Encode(), two.Encode())
		}
		merged := httpx.QueryParams{}.Merge(q)
		merged.Del("a")
		if _ = merged.Del("b"); q.Encode() != "a=1&b=2&a=3" || merged.Encode() != q.Encode() {
			t.Errorf("%s, %s", q.Encode(), merged.Encode())
		}
	})
	t.Run("A8.5 reading", func(t *testing.T) {
		q := httpx.Q("b", 1, "a", 2, "b", 3)
		if q.Get("b") != "1" || q.Get("x") != "" || q.Get("B") != "" || !q.Has("a") || q.Has("x") || q.Len() != 2 {
			t.Errorf("%q %q %d", q.Get("b"), q.Get("x"), q.Len())
		}
		if !slices.Equal(q.Values("b"), []string{"1", "3"}) || q.Values("x") != nil || !slices.Equal(q.Keys(), []string{"b", "a"}) {
			t.Error(q.Values("b"), q.Values("x"), q.Keys())
		}
		var all []string
		for k, v := range q.All() {
			if all = append(all, k+v); len(all) == 2 {
				break
			}
		}
		if !slices.Equal(all, []string{"b1", "a2"}) {
			t.Error(all)
		}
		if !q.Equal(httpx.Q("b", 3, "b", 1, "a", 2)) || q.Equal(httpx.Q("b", 1, "a", 2, "a", 3)) || q.Equal(httpx.Q("b", 1, "a", 2)) {
			t.Error("equal, whatever the order")
		}
		secret := httpx.Q("token", "hunter2", "a b", "hunter2")
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "q", secret)
		for _, s := range []string{secret.String(), fmt.Sprintf("%v %+v %#v", secret, secret, secret), log.String()} {
			if strings.Contains(s, "hunter2") || !strings.Contains(s, "token=…&a%20b=…") {
				t.Error(s)
			}
		}
	})
	t.Run("A8.6 encoding", func(t *testing.T) {
		var every strings.Builder
		for c := range 256 {
			every.WriteByte(byte(c))
		}
		q := httpx.Q("k /~é", every.String(), "empty", "")
		if want := url.QueryEscape("k /~é") + "=" + url.QueryEscape(every.String()) + "&empty="; q.Encode() != want {
			t.Errorf("%s\nwant %s", q.Encode(), want)
		}
		if want := strings.ReplaceAll(q.Encode(), "+", "%20"); q.EncodePercent20() != want {
			t.Errorf("%s\nwant %s", q.EncodePercent20(), want)
		}
		if !httpx.ParseQuery(q.Encode()).Equal(q) || !httpx.ParseQuery(q.EncodePercent20()).Equal(q) {
			t.Error("what was encoded must be read back")
		}
	})
}
