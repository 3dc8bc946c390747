package httpx_test

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"gohttpx.dev/httpx"
)

func TestLinks(t *testing.T) {
	base, err := httpx.ParseURL("https://api.example/v1/items?page=2#here")
	if err != nil {
		t.Fatal(err)
	}
	const at = "https://api.example"
	for _, tt := range []struct {
		name   string
		fields []string
		want   string // URL rel,rel [anchor] name=value …, joined by " | "
	}{
		{"one", []string{`<https://other.example/x>; rel="next"`}, "https://other.example/x next"},
		{"none", nil, ""},
		{"empty", []string{"", " , ,"}, ""},
		{
			"relative to the response",
			[]string{`<?page=3>;rel=next, </v1/items>;rel=first,<last>;rel=last, <>;rel=self,<//h.example>;rel=x, <../b/./c>;rel=y`},
			at + "/v1/items?page=3 next | " + at + "/v1/items first | " + at + "/v1/last last | " + at + "/v1/items?page=2 self | https://h.example x | " + at + "/b/c y",
		},
		{
			"commas and semicolons in quotes",
			[]string{`<a>; rel="next"; title="one, two; <b>; rel=\"x\" \\", <c>; rel=prev`},
			at + `/v1/a next title=one, two; <b>; rel="x" \ | ` + at + "/v1/c prev",
		},
		{"commas and semicolons in a target", []string{`<a,b;c>; rel=next`}, at + "/v1/a,b;c next"},
		{"several relation types", []string{`<a>; rel="next  NEXT https://Example/Rel"`}, at + "/v1/a next,next,https://Example/Rel"},
		{"several fields", []string{`<a>; rel=a`, `<b>; rel=b`}, at + "/v1/a a | " + at + "/v1/b b"},
		{
			"only the first rel, title and the like",
			[]string{`<a>; rel=a; rel=b; title=c; title=d; type=x/y; type=z; media=m; media=n; hreflang=de; hreflang=en`},
			at + "/v1/a a title=c type=x/y media=m hreflang=de hreflang=en",
		},
		{"no relation type", []string{`<a>`, `<b>; title=x`}, at + "/v1/a  | " + at + "/v1/b  title=x"},
		{"spaces and case", []string{" <  a >\t; \tREL = \"next\" ;; Foo = bar ; baz"}, at + "/v1/a next foo=bar baz="},
		{
			"an anchor",
			[]string{`<a>; rel=a; anchor="#sec", <b>; rel=b; anchor="?page=2", <c>; rel=c; anchor="/other"`},
			at + "/v1/a a [" + at + "/v1/items?page=2#sec] | " + at + "/v1/b b | " + at + "/v1/c c [" + at + "/other]",
		},
		{"other schemes", []string{`<mailto:a@b.example>; rel=author, <urn:isbn:1>; rel=x`}, "mailto:a@b.example author | urn:isbn:1 x"},
		{"what is no URL costs no other link", []string{`<https://[>; rel=a, <http:x>;rel=x, <b>; rel=b`}, at + "/v1/b b"},
		{"what is no link costs none", []string{`a; rel=a, <b>; rel=b, c, x <d>; rel=d, <e>; rel=e`}, at + "/v1/b b | " + at + "/v1/e e"},
		{"no end of the target", []string{`<a>; rel=a, <b; rel=b`}, at + "/v1/a a"},
		{"no end of the quotes", []string{`<a>; rel="a, <b>; rel=b`}, at + "/v1/a a,,<b>;,rel=b"},
		{"an escape at the end", []string{`<a>; rel="a\`}, at + "/v1/a a"},
		{"an unquoted value", []string{`<a>; rel=a/b:c; type=text/html, <b>; rel=b`}, at + "/v1/a a/b:c type=text/html | " + at + "/v1/b b"},
	} {
		t.Run("A6.13 "+tt.name, func(t *testing.T) {
			var got []string
			for _, l := range httpx.ParseLinks(base, tt.fields) {
				s := l.URL + " " + strings.Join(l.Rel, ",")
				if l.Anchor != "" {
					s += " [" + l.Anchor + "]"
				}
				for _, p := range l.Params {
					s += " " + p.Name + "=" + p.Value
				}
				got = append(got, s)
			}
			if strings.Join(got, " | ") != tt.want {
				t.Errorf("%s\nwant %s", strings.Join(got, " | "), tt.want)
			}
		})
	}
	t.Run("A6.13 extended values", func(t *testing.T) {
		for field, want := range map[string]string{
			`<a>; title="plain"; title*=UTF-8'de'n%c3%a4chstes%20Kapitel`: "nächstes Kapitel",
			`<a>; title*=iso-8859-1''n%e4chstes; title=plain`:             "nächstes",
			`<a>; title*=UTF-8''%ff; title=plain`:                         "plain",
			`<a>; title*=koi8-r''%ff; title=plain`:                        "plain",
			`<a>; title*=UTF-8''%f; title=plain`:                          "plain",
			`<a>; title*=nothing; title=plain`:                            "plain",
			`<a>`:                                                         "",
		} {
			if got := httpx.ParseLinks(base, []string{field})[0].Param("Title"); got != want {
				t.Errorf("%s: %q, want %q", field, got, want)
			}
		}
	})
	t.Run("A6.13 bounds", func(t *testing.T) {
		if n := len(httpx.ParseLinks(base, []string{strings.Repeat("<a>;rel=x,", 10_000), "<b>"})); n != 500 {
			t.Errorf("%d links", n)
		}
		l := httpx.ParseLinks(base, []string{"<a>" + strings.Repeat(";a=b", 10_000)})
		if len(l) != 1 || len(l[0].Params) != 50 {
			t.Errorf("%d links, %d parameters", len(l), len(l[0].Params))
		}
	})
	// The base may be long, by a redirect, and each link as long as that.
	t.Run("A6.13 short links that come to much", func(t *testing.T) {
		long, err := httpx.ParseURL("https://api.example/" + strings.Repeat("x", 60_000) + "/?q")
		if err != nil {
			t.Fatal(err)
		}
		for name, link := range map[string]string{
			"links":                  `<a>,`,
			"links with anchors":     `<a>;anchor=b,`,
			"no links":               `x <a>,`,
			"no links, for a target": `<http:a>,`,
			"no links, for anchors":  `<a>;anchor="http:b",`,
		} {
			var got []httpx.Link
			// 500 that are resolved, and all that it takes.
			if heap := allocated(func() { got = httpx.ParseLinks(long, []string{strings.Repeat(link, 250_000/len(link))}) }); heap > 256<<20 {
				t.Errorf("%s: %d bytes of memory", name, heap)
			}
			size := 0
			for _, l := range got {
				size += len(l.URL) + len(l.Anchor)
			}
			if size > 1<<20+2*64<<10 {
				t.Errorf("%s: %d bytes are kept", name, size)
			}
		}
	})
	t.Run("A6.13 without a base", func(t *testing.T) {
		l := httpx.ParseLinks(nil, []string{"</a>; rel=x"})
		if want := []httpx.Link{{URL: "/a", Rel: []string{"x"}}}; !reflect.DeepEqual(l, want) {
			t.Errorf("%+v", l)
		}
	})
	overBoth(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Link", `</p/3>; rel="next last"; title="x, y", </p/1>; rel=prev`)
		w.Header().Add("Link", `</elsewhere>; rel=up; anchor="/z", </p>; rel=up`)
	}, func(t *testing.T, c *httpx.Client, url string) {
		t.Run("A6.13 Link by its relation type", func(t *testing.T) {
			resp, err := c.Get(context.Background(), url+"/p/2")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, rel := range []string{"NEXT", "prev", "up", "nope"} {
				l, ok := resp.Link(rel)
				got = append(got, fmt.Sprint(strings.TrimPrefix(l.URL, url), ok))
			}
			if want := "/p/3true /p/1true /ptrue false"; strings.Join(got, " ") != want || len(resp.Links()) != 4 {
				t.Errorf("%q", got)
			}
		})
	})
}
