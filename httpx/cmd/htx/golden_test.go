//go:build linux || darwin

package main

import (
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/*.golden and docs/htx.svg anew")

// goldenServer has something of every kind. Its heads are the same every day.
func goldenServer(t *testing.T) string {
	return testServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Date", "today")
		send := func(contentType, content string) {
			h.Set("Content-Type", contentType)
			w.Write([]byte(content))
		}
		switch r.URL.Path {
		case "/json":
			send("application/json", `{"name":"lamp","watts":7.50,"on":true,"tags":["<a>","ünï"],"none":null,"nested":{}}`)
		case "/problem":
			h.Set("Content-Type", "application/problem+json; charset=utf-8")
			w.WriteHeader(http.StatusNotFound)
			w.Write([]byte(`{"title":"no such lamp","status":404}`))
		case "/html":
			send("text/html; charset=utf-8", "<!doctype html>\r\n<p class=\"a\">b &amp; c<!-- d -->\r\n<script>var a = 1;</script>")
		case "/xml":
			send("image/svg+xml", "<svg width=\"1\"><!-- c -->x</svg>\n")
		case "/css":
			send("text/css", "a { color: #fff }\n")
		case "/js":
			send("application/javascript", "function f() { return \"x\" } // y\n")
		case "/yaml":
			send("application/yaml", "a: 1\nb: [x, true]\n")
		case "/latin":
			send("text/plain; charset=iso-8859-1", "caf\xe9\n")
		case "/binary":
			send("image/png", strings.Repeat("\x00", 1234))
		case "/attack":
			h.Set("X-Odd", "\xc2\x9b2Jcaf\xe9")
			send("text/html", "<b>\x1b[2J\x1b]0;owned\x07\u009b31m\u202e</b>")
		case "/attack.json":
			send("application/json", "{\"a\":\"\u009b2J\u202e\x7f\",\"b\":\"\\u001b[2J\"}")
		case "/badjson":
			send("application/json", "{\"a\":\x1b[31m")
		case "/lines":
			send("application/x-ndjson", "{\"a\": 1}\n{\"a\": 2}\n")
		case "/moved":
			h.Set("Location", "/json")
			w.WriteHeader(http.StatusMovedPermanently)
		}
	}), nil)
}

// times are durations as short writes them.
var times = regexp.MustCompile(`[0-9.]+(ms|µs|s)\b`)

// What a terminal gets, colours included, is that of testdata.
func TestGolden(t *testing.T) {
	url := goldenServer(t)
	for _, tc := range []struct {
		name string
		args []string
		env  []string
		code int
	}{
		{"json", []string{"/json"}, nil, 0},
		{"json-no-color", []string{"/json", "--no-color"}, nil, 0},
		{"json-NO_COLOR", []string{"/json"}, []string{"NO_COLOR=1"}, 0},
		{"json-dumb", []string{"/json"}, []string{"TERM=dumb"}, 0},
		{"problem", []string{"/problem"}, nil, 1},
		{"html", []string{"/html"}, nil, 0},
		{"xml", []string{"/xml"}, nil, 0},
		{"css", []string{"/css"}, nil, 0},
		{"js", []string{"/js"}, nil, 0},
		{"yaml", []string{"/yaml"}, nil, 0},
		{"latin", []string{"/latin"}, nil, 0},
		{"binary", []string{"/binary"}, nil, 0},
		{"attack", []string{"/attack"}, nil, 0},
		{"attack-json", []string{"/attack.json"}, nil, 0},
		{"badjson", []string{"/badjson"}, nil, 0},
		{"lines", []string{"/lines", "--json-lines"}, nil, 0},
		{"head", []string{"/json", "-m", "HEAD"}, nil, 0},
		{"moved", []string{"/moved"}, nil, 1},
		{"moved-followed", []string{"/moved", "--follow-redirects"}, nil, 0},
		{"usage", []string{"/json", "-m"}, nil, 2},
		{"verbose", []string{"/json?secret=1", "-v", "-h", "Authorization", "Bearer x"}, nil, 0},
	} {
		t.Run("A25.10 "+tc.name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{url + tc.args[0]}, tc.args[1:]...)
			r := inTerminal(t, invocation{args: args, env: tc.env})
			if r.code != tc.code {
				t.Errorf("exit code %d; want %d", r.code, tc.code)
			}
			got := "--- out\n" + r.out + "--- err\n" + r.err
			host := strings.TrimPrefix(url, "http://")
			got = strings.ReplaceAll(got, host, "HOST")
			got = times.ReplaceAllString(got, "TIME")
			file := filepath.Join("testdata", tc.name+".golden")
			if *update {
				if err := os.MkdirAll("testdata", 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
			// Colours are all that may move a terminal.
			if left := sgr.ReplaceAllString(got, ""); strings.ContainsAny(left, "\x1b\u009b\u202e\x07\x7f") {
				t.Errorf("control characters: %q", left)
			}
		})
	}
}
