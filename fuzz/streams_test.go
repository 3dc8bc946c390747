package fuzz_test

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"gohttpx.dev/httpx"
)

// FuzzLinks reads links, writes what it understood and reads that. A line feed in
// the input divides fields.
func FuzzLinks(f *testing.F) {
	for _, s := range []string{
		`<https://a.example/?page=2>; rel="next", </first>; rel=first; title="one, \"two\""`,
		"<?p=3>;rel=\"a B\thttps://C/\";anchor=\"#x\"\n<>; title*=UTF-8'de'n%c3%a4chstes; hreflang=de; hreflang=en",
		"x<a>, , <mailto:a@b>;;rel , <b;rel=\"", "<//h:99999>;rel=x,<%zz>; a = b c ; d=\\\"", "<a>;rel=a;rel=b;title=\"\\",
	} {
		f.Add(s)
	}
	base, err := httpx.ParseURL("https://user:pw@h.example/dir/file?q#f")
	if err != nil {
		f.Fatal(err)
	}
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	f.Fuzz(func(t *testing.T, in string) {
		fields := strings.Split(in, "\n")
		got := httpx.ParseLinks(base, fields)
		if len(got) > 500 || len(got) > strings.Count(in, "<") {
			t.Fatalf("%q: %d links", in, len(got))
		}
		var again []string
		for _, l := range got {
			s := "<" + l.URL + ">"
			if len(l.Rel) > 0 {
				s += ` ; rel="` + quote.Replace(strings.Join(l.Rel, " ")) + `"`
			}
			if l.Anchor != "" {
				s += `;anchor="` + quote.Replace(l.Anchor) + `"`
			}
			for _, p := range l.Params {
				s += ` ;; ` + strings.ToUpper(p.Name) + ` = "` + quote.Replace(p.Value) + `"`
				if !utf8.ValidString(p.Value) {
					continue
				}
				if text := (httpx.LinkParam{Name: p.Name, Value: p.Value}).Text(); !utf8.ValidString(text) {
					t.Errorf("%q: %q", in, text)
				}
			}
			for _, rel := range l.Rel {
				if !l.HasRel(rel) {
					t.Errorf("%q: no %q", in, rel)
				}
			}
			again = append(again, s)
		}
		for _, w := range [][]string{again, {strings.Join(again, ", ")}} {
			if back := httpx.ParseLinks(base, w); len(got) > 0 && !reflect.DeepEqual(back, got) {
				t.Fatalf("%q:\n%+v\nwritten as %q:\n%+v", in, got, w, back)
			}
		}
	})
}

// FuzzEvents reads a stream of events whole and byte by byte, writes what it
// understood and reads that.
func FuzzEvents(f *testing.F) {
	for _, s := range []string{
		"data: a\n\n", "\ufeffid: 1\r\nevent: x\rdata: a\ndata: b\r\n\r\n: c\n\nretry: 10\ndata\n\n", "data: \xff\xe2\x82\n\n\ndata: cut",
		"id: a\x00b\nid\n\ndata:\r\r\ndata:x\n\r", "retry: 99999999999999999999\ndata: 1\n\n", "\xff\xfed\x00", "data: " + strings.Repeat("x", 300) + "\n\n",
	} {
		f.Add(s)
	}
	const most = 200
	read := func(r io.Reader) (events []httpx.Event, err error) {
		for e, e2 := range httpx.ReadEvents(r, most) {
			if err = e2; err == nil {
				events = append(events, e)
			}
		}
		return events, err
	}
	f.Fuzz(func(t *testing.T, in string) {
		got, err := read(strings.NewReader(in))
		slow, err2 := read(iotest.OneByteReader(strings.NewReader(in)))
		if !reflect.DeepEqual(got, slow) || (err == nil) != (err2 == nil) {
			t.Fatalf("%q:\n%+v %v\nbyte by byte:\n%+v %v", in, got, err, slow, err2)
		}
		if err != nil && !errors.Is(err, httpx.ErrEventTooLarge) {
			t.Fatalf("%q: %v", in, err)
		}
		var b strings.Builder
		for _, e := range got {
			if len(e.ID)+len(e.Data)+len(e.Type) > most+len("message") || !utf8.ValidString(e.ID+e.Type+e.Data) || e.Type == "" || e.Retry < 0 ||
				strings.ContainsAny(e.ID+e.Type, "\r\n") || strings.ContainsAny(e.ID, "\x00") || strings.Contains(e.Data, "\r") {
				t.Fatalf("%q: %+v", in, e)
			}
			fmt.Fprintf(&b, "id: %s\nevent: %s\n", e.ID, e.Type)
			if e.Retry > 0 {
				fmt.Fprintf(&b, "retry: %d\n", e.Retry.Milliseconds())
			}
			fmt.Fprintf(&b, "data: %s\n\n", strings.ReplaceAll(e.Data, "\n", "\ndata: "))
		}
		back := make([]httpx.Event, 0, len(got))
		for e, err := range httpx.ReadEvents(strings.NewReader(b.String()), httpx.Unlimited) {
			if err != nil {
				t.Fatal(err)
			}
			back = append(back, e)
		}
		for i, e := range got {
			if e.Retry > 1<<62 { // more than can be written in milliseconds
				got[i].Retry, back[i].Retry = 0, 0
			}
		}
		if len(got) != len(back) || len(got) > 0 && !reflect.DeepEqual(got, back) {
			t.Fatalf("%q:\n%+v\nback:\n%+v", in, got, back)
		}
	})
}
