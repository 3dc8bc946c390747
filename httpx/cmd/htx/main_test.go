package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gohttpx.dev/httpx"
)

// result is what a run of the command leaves.
type result struct {
	code     int
	out, err string
}

func (r result) String() string {
	return fmt.Sprintf("exit code %d\n--- out\n%s\n--- err\n%s", r.code, r.out, r.err)
}

// htx runs the command in this process, its output in a pipe.
func htx(t *testing.T, args ...string) result {
	t.Helper()
	return htxOn(t, &console{}, args...)
}

// onTerminal runs it as if a person looked.
func onTerminal(t *testing.T, args ...string) result {
	t.Helper()
	return htxOn(t, &console{outTerminal: true, errTerminal: true}, args...)
}

func htxOn(t *testing.T, con *console, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	con.out, con.err = &out, &errs
	code := run(t.Context(), args, con)
	return result{code, out.String(), errs.String()}
}

func server(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// echoServer answers with what it was asked, in JSON.
func echoServer(t *testing.T) string {
	return server(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{
			"method": r.Method, "uri": r.RequestURI, "header": r.Header, "body": string(body), "host": r.Host,
		})
	})
}

type echoed struct {
	Method string      `json:"method"`
	URI    string      `json:"uri"`
	Header http.Header `json:"header"`
	Body   string      `json:"body"`
	Host   string      `json:"host"`
}

func TestRequests(t *testing.T) {
	url := echoServer(t)
	for _, tc := range []struct {
		name   string
		args   []string
		method string
		uri    string
		header map[string]string
		body   string
	}{
		{name: "nothing but a URL", args: []string{"/a?b=c"}, method: "GET", uri: "/a?b=c", header: map[string]string{"User-Agent": "htx/" + httpx.Version, "Accept": "*/*"}},
		{name: "params are pairs of arguments", args: []string{"-p", "page", "2", "--params", "q", "a b&c", "/"}, method: "GET", uri: "/?page=2&q=a+b%26c"},
		{name: "a param that looks like a flag", args: []string{"-p", "-m", "--", "/"}, method: "GET", uri: "/?-m=--"},
		{name: "headers replace defaults, repeated ones join", args: []string{"/", "-h", "Accept", "text/plain", "-h", "X-A", "1", "--headers", "x-a", "2"}, method: "GET", uri: "/", header: map[string]string{"Accept": "text/plain", "X-A": "1, 2"}},
		{name: "JSON makes it POST", args: []string{"/", "-j", ` {"a": [1.10, "<"]} `}, method: "POST", uri: "/", header: map[string]string{"Content-Type": "application/json"}, body: `{"a":[1.10,"<"]}`},
		{name: "content as it is", args: []string{"-mput", "-c", "a=b\n", "/"}, method: "PUT", uri: "/", header: map[string]string{"Content-Type": ""}, body: "a=b\n"},
		{name: "empty content is content", args: []string{"-c", "", "/"}, method: "POST", uri: "/", header: map[string]string{"Content-Length": "0"}},
		{name: "a form", args: []string{"-d", "n", "1", "-d", "n", "a b", "/"}, method: "POST", uri: "/", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, body: "n=1&n=a+b"},
		{name: "a method of one's own", args: []string{"--method=PURGE", "/"}, method: "PURGE", uri: "/"},
		{name: "a cluster whose last flag takes pairs", args: []string{"-vp", "a", "1", "/"}, method: "GET", uri: "/?a=1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			args := append([]string(nil), tc.args...)
			for i, a := range args {
				if strings.HasPrefix(a, "/") {
					args[i] = url + a
				}
			}
			r := htx(t, args...)
			if r.code != exitOK {
				t.Fatal(r)
			}
			var e echoed
			if err := json.Unmarshal([]byte(r.out), &e); err != nil {
				t.Fatalf("in a pipe the body alone is printed: %v\n%v", err, r)
			}
			if e.Method != tc.method || e.URI != tc.uri || e.Body != tc.body {
				t.Errorf("got %s %s with %q", e.Method, e.URI, e.Body)
			}
			for name, want := range tc.header {
				if got := strings.Join(e.Header.Values(name), ", "); got != want {
					t.Errorf("%s is %q; want %q", name, got, want)
				}
			}
		})
	}
}

func TestUsage(t *testing.T) {
	for _, tc := range []struct {
		name string
		args []string
		says string
	}{
		{"nothing", nil, "no URL given"},
		{"two URLs", []string{"http://127.0.0.1/", "http://127.0.0.2/"}, `"http://127.0.0.2/"`},
		{"two arguments", []string{"http://127.0.0.1/", "s3cret"}, "there are 2 arguments"},
		{"a flag of curl's", []string{"http://127.0.0.1/", "-X", "PUT"}, "there is no flag -X; what curl calls so is -m here"},
		{"a long flag of curl's", []string{"http://127.0.0.1/", "--location"}, "is --follow-redirects here"},
		{"a password that took the URL", []string{"--auth", "ann:s3cret", "http://127.0.0.1/"}, "--auth takes two arguments"},
		{"no flag", []string{"http://127.0.0.1/", "--=x"}, "begins like a flag"},
		{"a flag that is not there", []string{"--http9", "http://127.0.0.1/"}, "--http9"},
		{"a pair without its value", []string{"http://127.0.0.1/", "-h", "Accept"}, "-h needs NAME VALUE"},
		{"a pair in one argument without a separator", []string{"http://127.0.0.1/", "--headers=Accept"}, "two arguments"},
		{"a pair that took the URL", []string{"-h", "Accept: text/plain", "http://127.0.0.1/"}, "--headers takes two arguments"},
		{"a flag without its value", []string{"http://127.0.0.1/", "-m"}, "needs an argument"},
		{"two bodies", []string{"http://127.0.0.1/", "-j", "1", "-c", "2"}, "exclude each other"},
		{"JSON that is none", []string{"http://127.0.0.1/", "-j", "{a:1}"}, "--json: "},
		{"JSON in a file, as curl has it", []string{"http://127.0.0.1/", "-j", "@file"}, "--content-file FILE -h Content-Type application/json"},
		{"a timeout that is no number", []string{"http://127.0.0.1/", "--timeout", "soon"}, "number of seconds"},
		{"a negative timeout", []string{"http://127.0.0.1/", "--timeout=-1"}, "number of seconds"},
		{"a download without a name", []string{"http://127.0.0.1/", "-o", ""}, "name of a file"},
		{"a URL without a scheme", []string{"example.org"}, "no scheme"},
		{"a scheme of another protocol", []string{"ftp://example.org"}, "ftp"},
		{"a URL without a scheme, in words of the command's", []string{"localhost/x"}, `"localhost/x" has no scheme: write http:// or https:// before it` + "\n"},
		{"a method with a space", []string{"http://127.0.0.1:1/", "-m", "G T"}, "--method must be one word"},
		{"a number that is none", []string{"http://127.0.0.1:1/", "--retry", "often"}, "--retry needs a whole number\n"},
		{"a count that is none", []string{"http://127.0.0.1:1/", "-v=much"}, "-v, --verbose needs a whole number\n"},
		{"a switch with a value", []string{"http://127.0.0.1:1/", "--netrc=file"}, "--netrc takes no value\n"},
		{"demo with an argument", []string{"demo", "fast"}, "no arguments"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := htx(t, tc.args...)
			if r.code != exitUsage || r.out != "" || !strings.Contains(r.err, tc.says) || !strings.HasPrefix(r.err, "htx: ") {
				t.Errorf("want exit code 2 and %q\n%v", tc.says, r)
			}
		})
	}
}

func TestHelpAndVersion(t *testing.T) {
	if r := htx(t, "--help"); r.code != exitOK || r.err != "" {
		t.Error(r)
	} else {
		for _, want := range []string{"htx demo", "--params NAME VALUE", "--json JSON", "--download FILE", "--timeout SECONDS", "(default 5)", "--help", "exit code"} {
			if !strings.Contains(r.out, want) {
				t.Errorf("no %q in\n%s", want, r.out)
			}
		}
		for line := range strings.Lines(r.out) {
			if len(line) > 101 {
				t.Errorf("a line of %d bytes: %s", len(line), line)
			}
		}
	}
	if r := htx(t, "--version"); r.code != exitOK || r.out != "htx "+httpx.Version+"\n" {
		t.Error(r)
	}
}

func TestExitCodeIsThatOfTheStatus(t *testing.T) {
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/204":
			w.WriteHeader(http.StatusNoContent)
		case "/301":
			http.Redirect(w, r, "/204", http.StatusMovedPermanently)
		case "/500":
			http.Error(w, "broken", http.StatusInternalServerError)
		}
	})
	for path, want := range map[string]int{"/200": exitOK, "/204": exitOK, "/301": exitFailed, "/500": exitFailed} {
		if r := htx(t, url+path); r.code != want {
			t.Errorf("%s: want %d\n%v", path, want, r)
		}
	}
	if r := htx(t, url+"/500"); r.out != "broken\n" || r.err != "" {
		t.Errorf("the body of an error is printed like any other\n%v", r)
	}
}

func TestFailedRequests(t *testing.T) {
	slow := server(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	short := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "abc")
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := "http://" + ln.Addr().String()
	ln.Close()
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "secret") }))
	secure.Config.ErrorLog = quiet()
	secure.StartTLS()
	defer secure.Close()

	if r := htx(t, slow, "--timeout", "0.05"); r.code != exitFailed || !strings.Contains(r.err, "read timeout") {
		t.Error(r)
	}
	if r := htx(t, gone); r.code != exitFailed || !strings.Contains(r.err, "dial") {
		t.Error(r)
	}
	if r := htx(t, short); r.code != exitFailed || r.out != "abc" || !strings.Contains(r.err, "body: ") {
		t.Error(r)
	}
	if r := htx(t, secure.URL); r.code != exitFailed || !strings.Contains(r.err, "certificate") {
		t.Error(r)
	}
	if r := htx(t, secure.URL, "--no-verify", "-v"); r.code != exitOK || r.out != "secret" || !strings.Contains(r.err, "TLS 1.3") || !strings.Contains(r.err, "* certificate of ") {
		t.Error(r)
	}

	ctx, cancel := context.WithCancel(t.Context())
	stuck := server(t, func(w http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	var out, errs bytes.Buffer
	if code := run(ctx, []string{stuck}, &console{out: &out, err: &errs}); code != exitFailed || !strings.Contains(errs.String(), "canceled") {
		t.Errorf("interrupted: %d %s", code, &errs)
	}
}

func TestVerbose(t *testing.T) {
	r := htx(t, "-v", echoServer(t)+"/x", "-h", "Authorization", "Bearer s3cret", "-j", "{}")
	for _, want := range []string{"> POST /x HTTP/1.1\n", "> Host: 127.0.0.1:", "> Content-Type: application/json\n", "> Authorization: [secure]\n", "* connected to 127.0.0.1:", "first byte ", " bytes of content"} {
		if !strings.Contains(r.err, want) {
			t.Errorf("no %q in\n%s", want, r.err)
		}
	}
	if strings.Contains(r.err, "s3cret") || !strings.Contains(r.out, "s3cret") {
		t.Errorf("a credential is sent but not shown\n%v", r)
	}
}

func TestTerminal(t *testing.T) {
	const csi = "\x1b[2J"
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		switch r.URL.Path {
		case "/json":
			h.Set("Content-Type", "application/problem+json; charset=utf-8")
			io.WriteString(w, `{"a":{"b":[1,2]},"e":"`+"\u009b"+`2J"}`)
		case "/badjson":
			h.Set("Content-Type", "application/json")
			io.WriteString(w, `{"a":`+csi)
		case "/text":
			h.Set("Content-Type", "text/plain")
			h.Set("X-Odd", "caf\xe9 \xc2\x9b")
			io.WriteString(w, "one\r\ntwo"+csi+"\xff\tthree")
		case "/binary":
			h.Set("Content-Type", "image/png")
			w.Write(make([]byte, 12345))
		case "/untyped":
			h["Content-Type"] = nil
			io.WriteString(w, "plain enough")
		case "/untyped-binary":
			h["Content-Type"] = nil
			w.Write([]byte{0, 1, 2, 3})
		case "/empty":
			w.WriteHeader(http.StatusNoContent)
		}
	})
	for path, want := range map[string]string{
		"/json":           "{\n    \"a\": {\n        \"b\": [\n            1,\n            2\n        ]\n    },\n    \"e\": \"\ufffd2J\"\n}\n",
		"/badjson":        "{\"a\":\ufffd[2J\n",
		"/text":           "one\ntwo\ufffd[2J\ufffd\tthree\n",
		"/binary":         "<12345 bytes of binary data>\n",
		"/untyped":        "plain enough\n",
		"/untyped-binary": "<4 bytes of binary data>\n",
		"/empty":          "",
	} {
		t.Run(path, func(t *testing.T) {
			r := onTerminal(t, url+path)
			head, body, _ := strings.Cut(r.out, "\n\n")
			if r.code != exitOK || !strings.HasPrefix(head, "HTTP/1.1 20") || !strings.Contains(head, "\nDate: ") {
				t.Errorf("no head\n%v", r)
			}
			if body != want {
				t.Errorf("got  %q\nwant %q", body, want)
			}
			if strings.ContainsAny(r.out, "\x1b\u009b\r") {
				t.Errorf("control bytes of the server's reach the terminal: %q", r.out)
			}
		})
	}
	t.Run("colour", func(t *testing.T) {
		r := htxOn(t, &console{outTerminal: true, colour: true}, url+"/empty")
		if !strings.Contains(r.out, "\x1b[32;1m204 No Content\x1b[") {
			t.Errorf("%q", r.out)
		}
	})
	t.Run("a pipe gets every byte", func(t *testing.T) {
		if r := htx(t, url+"/text"); r.out != "one\r\ntwo"+csi+"\xff\tthree" {
			t.Errorf("%q", r.out)
		}
		if r := htx(t, "-i", url+"/text"); !strings.HasPrefix(r.out, "HTTP/1.1 200 OK\n") || !strings.HasSuffix(r.out, "\n\none\r\ntwo"+csi+"\xff\tthree") {
			t.Errorf("%q", r.out)
		}
	})
}

// A stream is shown as it comes: the server sends its second line only once the
// first has been printed.
func TestTextIsShownAsItComes(t *testing.T) {
	for _, con := range []*console{{outTerminal: true}, {outTerminal: true, colour: true}, {}} {
		seen := make(chan struct{})
		url := server(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			io.WriteString(w, "first\n")
			w.(http.Flusher).Flush()
			select {
			case <-seen:
				io.WriteString(w, "second\n")
			case <-r.Context().Done():
			}
		})
		w := &watcher{want: "first\n", seen: seen}
		code := run(t.Context(), []string{url}, &console{out: w, err: io.Discard, outTerminal: con.outTerminal, colour: con.colour})
		if code != exitOK || !strings.HasSuffix(w.String(), "first\nsecond\n") {
			t.Errorf("terminal %v: exit code %d, %q", con.outTerminal, code, w)
		}
	}
}

// watcher closes seen once want has been written.
type watcher struct {
	got  bytes.Buffer
	want string
	seen chan struct{}
	done bool
}

func (w *watcher) String() string { return w.got.String() }

func (w *watcher) Write(p []byte) (int, error) {
	n, err := w.got.Write(p)
	if !w.done && strings.Contains(w.String(), w.want) {
		w.done = true
		close(w.seen)
	}
	return n, err
}

func TestDownload(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 64<<10) // 1 MiB
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/known":
			w.Header().Set("Content-Length", fmt.Sprint(len(content)))
			w.Write(content)
		case "/unknown":
			w.(http.Flusher).Flush()
			w.Write(content)
		case "/short":
			w.Header().Set("Content-Length", fmt.Sprint(len(content)+1))
			w.Write(content)
		case "/empty":
		default:
			http.NotFound(w, r)
		}
	})
	for _, tc := range []struct {
		path     string
		terminal bool
		says     []string
	}{
		{"/known", false, []string{" KiB of 1.0 MiB, ", "100 %, 1.0 MiB of 1.0 MiB, ", " MB/s\n"}},
		{"/known", true, []string{"\r", "100 %, 1.0 MiB of 1.0 MiB"}},
		{"/unknown", false, []string{"1.0 MiB, "}},
		{"/unknown", true, []string{"1.0 MiB, "}},
		{"/empty", false, []string{"0 B, 0.0 MB/s\n"}},
		{"/empty", true, []string{"0 B, 0.0 MB/s\n"}},
	} {
		t.Run(fmt.Sprint(tc.path, tc.terminal), func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "file")
			r := htxOn(t, &console{outTerminal: tc.terminal, errTerminal: tc.terminal}, url+tc.path, "-o", name)
			if r.code != exitOK || (r.out == "") == tc.terminal {
				t.Fatal(r)
			}
			want := content
			if tc.path == "/empty" {
				want = nil
			}
			if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if n := strings.Count(r.err, "\n"); !tc.terminal && n > 5 || strings.Contains(r.err, "\r") != tc.terminal {
				t.Errorf("%d lines in %q", n, r.err)
			}
			for _, want := range tc.says {
				if !strings.Contains(r.err, want) {
					t.Errorf("no %q in %q", want, r.err)
				}
			}
			onlyFile(t, name)
		})
	}

	t.Run("a file is replaced only by a whole one", func(t *testing.T) {
		name := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(name, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/short", "/missing"} {
			r := htx(t, url+path, "-o", name)
			if r.code != exitFailed || !strings.Contains(r.err, "htx: ") {
				t.Error(r)
			}
			if got, err := os.ReadFile(name); string(got) != "old" {
				t.Errorf("%s: %d bytes, %v", path, len(got), err)
			}
			onlyFile(t, name)
		}
		if r := htx(t, url+"/known", "-o", filepath.Dir(name)); r.code != exitFailed || !strings.Contains(r.err, "is a folder") {
			t.Error(r)
		}
	})
}

// onlyFile checks that nothing lies beside name.
func onlyFile(t *testing.T, name string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(name))
	if err != nil || len(entries) != 1 || entries[0].Name() != filepath.Base(name) {
		t.Errorf("%v, %v", entries, err)
	}
}
