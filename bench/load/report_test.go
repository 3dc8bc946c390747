package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The report is well-formed, complete in itself and without scripts.
func testHTMLFile(t *testing.T) {
	n := 0
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		if n++; n%10 == 0 {
			w.WriteHeader(503)
		}
		w.Write([]byte("ok"))
	}, nil)
	dir := t.TempDir()
	for name, args := range map[string][]string{
		"closed": {s.URL + "/<b>&", "-c", "1", "-n", "200", "-check-status", "200"},
		"open":   {s.URL, "-c", "1", "-rate", "200", "-n", "100", "-check-status", "200"},
		"empty":  {s.URL, "-c", "1", "-n", "1", "-check-status", "200-299"},
	} {
		file := filepath.Join(dir, name)
		load(t, t.Context(), append(args, "-html", file)...)
		text := readFile(t, file)
		if got := strings.Count(text, "<svg "); got != 3 {
			t.Errorf("%s: %d plots", name, got)
		}
		for _, bad := range []string{"<script", "src=", "href=", "@import", "NaN", "Inf", "<b>"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s: the report has %q", name, bad)
			}
		}
		for _, good := range []string{"prefers-color-scheme: dark", "p99.9", "Latency over time", "Latency by percentile"} {
			if !strings.Contains(text, good) {
				t.Errorf("%s: the report has no %q", name, good)
			}
		}
		d := xml.NewDecoder(strings.NewReader(strings.NewReplacer("<!DOCTYPE html>", "", `<meta charset="utf-8">`, "", `<meta name="viewport" content="width=device-width">`, "").Replace(text)))
		for {
			_, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
				break
			}
		}
	}
}

// Two runs merged come to what one run with all of their requests would have come
// to.
func TestMerge(t *testing.T) {
	s := newSite(t, nil, nil)
	dir := t.TempDir()
	a, b, both := dir+"/a.hist", dir+"/b.hist", dir+"/both.hist"
	ra := load(t, t.Context(), s.URL, "-n", "300", "-c", "2", "-hist", a).want(t, exitOK)
	rb := load(t, t.Context(), s.URL, "-n", "100", "-c", "3", "-check-len", "3", "-hist", b).want(t, exitFailed)
	r := load(t, t.Context(), "merge", a, b, "-hist", both, "-html", dir+"/h").want(t, exitFailed)
	if r.Answered != 400 || r.Failed != 100 || r.Runs != 2 || r.Conns != 5 || r.Dials != 5 || r.Statuses[200] != 400 || r.Failures[kindLen].Count != 100 || r.Latency.Count != 400 {
		t.Errorf("%+v", r.result)
	}
	if r.Latency.Max != max(ra.Latency.Max, rb.Latency.Max) || r.Latency.Min != min(ra.Latency.Min, rb.Latency.Min) {
		t.Errorf("%v to %v of %v to %v and %v to %v", r.Latency.Min, r.Latency.Max, ra.Latency.Min, ra.Latency.Max, rb.Latency.Min, rb.Latency.Max)
	}
	if math.Abs(r.Throughput-ra.Throughput-rb.Throughput) > 1e-6*r.Throughput || r.BytesIn != ra.BytesIn+rb.BytesIn || r.Content != 800 {
		t.Errorf("%v is not %v and %v", r.Throughput, ra.Throughput, rb.Throughput)
	}
	n := int64(0)
	for _, s := range r.Slices {
		n += s.Answered
	}
	if n != 400 {
		t.Errorf("%d in the slices", n)
	}
	// A merged file can be merged again.
	if r := load(t, t.Context(), "merge", both, a); r.Answered != 700 || r.Runs != 3 {
		t.Errorf("%+v", r.result)
	}
	// Open and closed loops do not add up.
	load(t, t.Context(), s.URL, "-rate", "1000", "-n", "10", "-hist", dir+"/open").want(t, exitOK)
	if r := load(t, t.Context(), "merge", dir+"/open", dir+"/open").want(t, exitOK); r.Rate != 2000 || r.Offered != 20 {
		t.Errorf("%+v", r.result)
	}
	if r := load(t, t.Context(), "merge", a, dir+"/open").want(t, exitUsage); !strings.Contains(r.err, "do not add up") {
		t.Error(r.err)
	}
}

// Slices of different widths are brought to the same.
func TestMergeOfWidths(t *testing.T) {
	fine := &result{latency: newHist(histDigits), width: minWidth, slices: []slice{{answered: 1}, {answered: 2}, {answered: 3}}}
	wide := &result{latency: newHist(histDigits), width: 4 * minWidth, slices: []slice{{answered: 10}, {answered: 20, failed: 5}}}
	fine.merge(wide)
	if len(fine.slices) != 2 || fine.slices[0].answered != 16 || fine.slices[1].answered != 20 || fine.slices[1].failed != 5 || fine.width != 4*minWidth {
		t.Errorf("%+v of width %v", fine.slices, fine.width)
	}
}

// A long run has wide slices.
func TestSlicesHalve(t *testing.T) {
	c := &collector{r: &execution{shards: []*shard{{latency: newHist(histDigits)}}}, width: minWidth}
	c.r.during.width = minWidth
	c.r.during.until.Store(math.MaxInt64)
	const n = 3*maxSlices + 7
	for i := range n {
		at := time.Duration(i+1) * minWidth
		c.r.shards[0].record(&sample{due: at - time.Millisecond, sent: at, end: at, status: 200}, &c.r.during)
		if i%7 == 0 {
			c.collect()
		}
	}
	c.collect()
	sum := int64(0)
	for _, s := range c.slices {
		sum += s.answered
	}
	if sum != n || c.width != 4*minWidth || len(c.slices) != (n+3)/4 || c.slices[0].answered != 4 || c.r.shards[0].latency.TotalCount() != n {
		t.Errorf("%d in %d slices of %v, the first with %d", sum, len(c.slices), c.width, c.slices[0].answered)
	}
}

func TestUnits(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0", 1: "0.00 µs", 1234: "1.23 µs", 12340: "12.3 µs", 123400: "123 µs", 999_499: "999 µs", 999_500: "1.00 ms",
		1_234_000: "1.23 ms", 999_499_999: "999 ms", 999_500_000: "1.00 s", 61 * time.Second: "61.0 s", time.Hour: "1h0m0s",
	} {
		if got := brief(d); got != want {
			t.Errorf("%d ns: %q, expected %q", d, got, want)
		}
	}
	for n, want := range map[float64]string{0: "0 B", 999: "999 B", 1000: "1.00 kB", 123456: "123 kB", 999_600: "1.00 MB", 2.5e9: "2.50 GB", 7e13: "70.0 TB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%v bytes: %q, expected %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := count(n); got != want {
			t.Errorf("%d: %q, expected %q", n, got, want)
		}
	}
	for v, want := range map[float64]string{0: "0.00/s", 0.5: "0.50/s", 99.94: "99.9/s", 99.96: "100/s", 1234.5: "1,235/s"} {
		if got := rate(v); got != want {
			t.Errorf("%v: %q, expected %q", v, got, want)
		}
	}
}

func TestStatusSet(t *testing.T) {
	for text, c := range map[string]struct{ in, out []int }{
		"200":         {[]int{200}, []int{199, 201}},
		"2xx":         {[]int{200, 299}, []int{199, 300}},
		"9xx":         {[]int{900, 999}, []int{899}},
		"200,4XX":     {[]int{200, 404}, []int{201, 500}},
		"301-302,404": {[]int{301, 302, 404}, []int{300, 303}},
	} {
		var s statusSet
		if err := s.parse(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		for _, code := range c.in {
			if !s.has(code) {
				t.Errorf("%s has no %d", text, code)
			}
		}
		for _, code := range c.out {
			if s.has(code) {
				t.Errorf("%s has %d", text, code)
			}
		}
	}
	for _, text := range []string{"", "x", "0xx", "20", "1000", "200-", "-200", "200,,201", "2x0"} {
		if err := new(statusSet).parse(text); err == nil {
			t.Errorf("%q is no error", text)
		}
	}
}

func TestRequestFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/body", []byte("from a file"), 0o644); err != nil {
		t.Fatal(err)
	}
	parse := func(text string) ([]spec, error) {
		if err := os.WriteFile(dir+"/requests", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return readRequests(dir+"/requests", nil)
	}
	specs, err := parse("\ufeff# a comment\n" + "\n  GET\t/a \r\n" + `{"url": "/b", "body_file": "body"}` + "\n" + `{"url": "/c", "body_base64": "AP8="}` + "\n" + `{"method":"PUT","url":"/d","body":""}`)
	if err != nil || len(specs) != 4 {
		t.Fatal(specs, err)
	}
	if s := specs[0]; s.method != "GET" || s.url != "/a" || s.body != nil {
		t.Errorf("%+v", s)
	}
	if s := specs[1]; s.method != "" || string(s.body) != "from a file" {
		t.Errorf("%+v", s)
	}
	if s := specs[2]; string(s.body) != "\x00\xff" {
		t.Errorf("%+v", s)
	}
	if s := specs[3]; s.body == nil || len(s.body) != 0 {
		t.Errorf("%+v: an empty body is one", s)
	}
	if specs, err := readRequests("-", strings.NewReader("GET /")); err != nil || len(specs) != 1 {
		t.Error(specs, err)
	}
	for text, want := range map[string]string{
		"":                        "has no request",
		"# nothing\n":             "has no request",
		"GET":                     "line 1: a line is METHOD URL",
		"GET /\n\nGET / HTTP/1.1": "line 3: a line is METHOD URL",
		"G@T /":                   "token",
		"CONNECT a:1":             "tunnel",
		`{"url": "/"`:             "line 1",
		`{"url": "/"} x`:          "line 1",
		`{"urls": "/"}`:           "unknown field",
		`{"method": "GET"}`:       "no url",
		`{"url": "/", "body": "", "body_base64": ""}`: "exclude",
		`{"url": "/", "body_base64": "?"}`:            "body_base64",
		`{"url": "/", "body_file": "none"}`:           "none",
		`{"url": "/", "headers": {"A b": "c"}}`:       "header",
		`{"url": "/", "headers": {"A": "b\nc"}}`:      "header",
		`{"url": "/", "headers": {"A": 1}}`:           "line 1",
	} {
		if _, err := parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, expected %q", text, err, want)
		}
	}
	for name, c := range map[string]struct{ text, url, want string }{
		"another origin": {"GET http://a/\nGET http://b/", "", "request 2: it is for another origin"},
		"another port":   {"GET http://a:81/\n", "http://a", "request 1"},
		"relative alone": {"GET /x\n", "", "http:// or https://"},
	} {
		o := &options{requests: dir + "/requests", url: c.url}
		parse(c.text)
		if c.url != "" {
			os.WriteFile(dir+"/requests", []byte("GET /\n"+c.text), 0o644)
			c.want = "request 2"
		}
		if _, err := newPlan(o, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, expected %q", name, err, c.want)
		}
	}
}

// An IPv6 address and a default port end up where they belong.
func TestPlanAddr(t *testing.T) {
	for url, want := range map[string][3]string{
		"http://[::1]:8080/a":   {"[::1]:8080", "[::1]:8080", "/a"},
		"https://[fe80::1]/":    {"[fe80::1]:443", "[fe80::1]", "/"},
		"http://Example.COM":    {"example.com:80", "example.com", "/"},
		"https://a.b:443/?q#fr": {"a.b:443", "a.b", "/?q"},
	} {
		p, err := newPlan(&options{url: url}, nil)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if h := p.requests[0].head; p.addr() != want[0] || h.Authority != want[1] || h.Target != want[2] {
			t.Errorf("%s: connects to %s, asks %s for %s", url, p.addr(), h.Authority, h.Target)
		}
	}
}

// A file from somebody else does nothing to the terminal.
func TestEscapes(t *testing.T) {
	r := &result{Name: "a\x1b[2Jb\nc", latency: newHist(histDigits), width: minWidth, counts: counts{Failures: map[string]failure{"k\x07": {1, "e\x1b]0;x\x07"}}}}
	if text := string(r.text()); strings.ContainsAny(text, "\x1b\x07") || !strings.Contains(text, "a?[2Jb?c") {
		t.Errorf("%q", text)
	}
}
