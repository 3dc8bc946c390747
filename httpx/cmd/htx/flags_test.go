package main

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"gohttpx.dev/httpx"
)

// flagCase is a command line, with "{name}" for what testServers gives that
// name, and what comes of it, in a pipe and on a terminal.
type flagCase struct {
	name  string
	args  string // words; a word in '…' may have spaces
	env   []string
	stdin string
	asked string

	code     int
	says     []string // in standard output or standard error
	saysNot  []string
	echo     *echoedBack // what go-httpbin understood
	pipe     string      // standard output in a pipe, exactly
	terminal []string    // on a terminal only
}

// echoedBack is what go-httpbin's /anything answers; empty members are not
// compared.
type echoedBack struct {
	Args    map[string][]string `json:"args"`
	Headers http.Header         `json:"headers"`
	Method  string              `json:"method"`
	Data    string              `json:"data"`
	Files   map[string][]string `json:"files"`
	Form    map[string][]string `json:"form"`
}

type values = map[string][]string

var flagCases = []flagCase{
	{name: "A25.1 GET without a word", args: "{http}/anything", echo: &echoedBack{Method: "GET", Headers: http.Header{"User-Agent": {"htx/" + httpx.Version}}}},
	{name: "A25.1 method", args: "-m DELETE {http}/anything", echo: &echoedBack{Method: "DELETE"}},
	{name: "A25.1 method over content", args: "{http}/anything --method PUT -c x", echo: &echoedBack{Method: "PUT"}},
	{name: "A25.1 a method of one's own", args: "-mPURGE {bare}", code: exitOK, says: []string{"PURGE"}},

	{name: "A25.2 params", args: "-p a 1 --params a '2 &' --params=b=c=d {http}/anything?z=9", echo: &echoedBack{Args: values{"a": {"1", "2 &"}, "b": {"c=d"}, "z": {"9"}}}},
	{name: "A25.2 headers", args: "-h X-A 1 --headers X-A 2 --headers=X-B:3 '-hX-C: 4' {http}/anything", echo: &echoedBack{Headers: http.Header{"X-A": {"1", "2"}, "X-B": {"3"}, "X-C": {"4"}}}},
	{name: "A25.2 cookies", args: "--cookies a 1 --cookies b 2 {http}/anything", echo: &echoedBack{Headers: http.Header{"Cookie": {"a=1; b=2"}}}},

	{name: "A25.3 content", args: "-c 'a b' {http}/anything", echo: &echoedBack{Method: "POST", Data: "data:application/octet-stream;base64,YSBi"}},
	{name: "A25.3 content, long", args: "--content 'a b' -h Content-Type text/plain {http}/anything", echo: &echoedBack{Method: "POST", Data: "a b"}},
	{name: "A25.3 a file as content", args: "--content-file {dir}/note.txt -h Content-Type text/plain {http}/anything", echo: &echoedBack{Method: "POST", Data: "a note\n"}},
	{name: "A25.3 standard input as content", args: "--content-file - -h Content-Type text/plain {http}/anything", stdin: "typed\n\x04", echo: &echoedBack{Method: "POST"}, says: []string{`"typed\n`}},
	{name: "A25.3 data", args: "-d n 1 --data n 'a b' {http}/anything", echo: &echoedBack{Method: "POST", Form: values{"n": {"1", "a b"}}, Headers: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}}},
	{name: "A25.3 files with data", args: "-f up {dir}/note.txt --files two {dir}/note.txt -d n 1 {http}/anything", echo: &echoedBack{Method: "POST", Form: values{"n": {"1"}}, Files: values{"up": {"a note\n"}, "two": {"a note\n"}}}},
	{name: "A25.3 form", args: "--form n @{dir}/note.txt --form=m=1 {http}/anything", echo: &echoedBack{Method: "POST", Form: values{"m": {"1"}}, Files: values{"n": {"a note\n"}}}},
	{name: "A25.3 json", args: `-j '{"a": [1.10, "<"]}' {http}/anything`, echo: &echoedBack{Method: "POST", Data: `{"a":[1.10,"<"]}`, Headers: http.Header{"Content-Type": {"application/json"}}}},
	{name: "A25.3 json, long", args: `--json null {http}/anything`, echo: &echoedBack{Method: "POST", Data: `null`}},
	{name: "A25.3 json that is none", args: `-j '{a:1}' {http}/anything`, code: exitUsage, says: []string{"--json: invalid character"}},
	{name: "A25.3 a file that is not there", args: `-f up {dir}/none {http}/anything`, code: exitFailed, says: []string{"none: "}},

	{name: "A25.4 auth", args: "--auth ann s3cret {http}/basic-auth/ann/s3cret", says: []string{`"authorized": true`}},
	{name: "A25.4 auth in one argument", args: "--auth=ann:s3cret {http}/basic-auth/ann/s3cret", says: []string{`"authorized": true`}},
	{name: "A25.4 auth asks", args: "--auth ann - {http}/basic-auth/ann/s3cret", stdin: "s3cret\n", asked: "password of ann: ", says: []string{`"authorized": true`}, saysNot: []string{"s3cret"}},
	{name: "A25.4 auth is wrong", args: "--auth ann no {http}/basic-auth/ann/s3cret", code: exitFailed},
	{name: "A25.4 bearer", args: "--bearer t0ken {http}/bearer", says: []string{`"token": "t0ken"`}},
	{name: "A25.4 bearer asks", args: "--bearer - {http}/bearer", stdin: "t0ken\n", asked: "token: ", says: []string{`"token": "t0ken"`}},
	{name: "A25.4 netrc", args: "--netrc {http}/basic-auth/ned/s3cret", env: []string{"NETRC={dir}/netrc"}, says: []string{`"authorized": true`}},

	{name: "A25.5 proxy", args: "--proxy {proxy} http://far.example/anything", echo: &echoedBack{Headers: http.Header{"Host": {"far.example"}, "X-Through": {"proxy"}}}},
	{name: "A25.5 the environment's proxy", args: "http://far.example/anything", env: []string{"HTTP_PROXY={proxy}"}, echo: &echoedBack{Headers: http.Header{"X-Through": {"proxy"}}}},
	{name: "A25.5 resolve", args: "--resolve far.example:{port}:127.0.0.1 http://far.example:{port}/anything", echo: &echoedBack{Headers: http.Header{"Host": {"far.example:{port}"}}}},
	{name: "A25.5 connect-to", args: "--connect-to far.example:80:127.0.0.1:{port} http://far.example/anything", echo: &echoedBack{Headers: http.Header{"Host": {"far.example"}}}},
	{name: "A25.5 connect-to, all hosts", args: "--connect-to ::127.0.0.1:{port} http://far.example/anything", echo: &echoedBack{Headers: http.Header{"Host": {"far.example"}}}},
	{name: "A25.5 timeout", args: "--timeout 0.05 {silent}", code: exitFailed, says: []string{"read timeout", "hint: --timeout SECONDS waits longer"}},
	{name: "A25.5 max-time", args: "--max-time 0.05 --timeout 0 {silent}", code: exitFailed, says: []string{"the time of --max-time is over", "hint: --max-time"}},
	{name: "A25.5 redirects are shown", args: "{http}/redirect/2", code: exitFailed, terminal: []string{" 302 Found", "Location: "}},
	{name: "A25.5 redirects are followed", args: "--follow-redirects {http}/redirect/2", code: exitOK, says: []string{`"url": "{http}/get"`}},
	{name: "A25.5 retry", args: "--retry 2 {twice}", code: exitOK, says: []string{"at last"}},
	{name: "A25.5 no retry", args: "{thrice}", code: exitFailed, says: []string{"not yet"}},

	{name: "A25.6 a certificate that nobody knows", args: "{https}/get", code: exitFailed, says: []string{"not trusted", "hint: --cacert FILE", "--no-verify"}},
	{name: "A25.6 no-verify", args: "--no-verify {https}/get", says: []string{`"url": "{https}/get"`}},
	{name: "A25.6 cacert", args: "--cacert {dir}/cert.pem {https}/get", says: []string{`"url": "{https}/get"`}},
	{name: "A25.6 cert and key", args: "--cacert {dir}/cert.pem --cert {dir}/cert.pem --key {dir}/key.pem {mutual}/get", says: []string{`"url": "{mutual}/get"`}},
	{name: "A25.6 a certificate is wanted", args: "--cacert {dir}/cert.pem {mutual}/get", code: exitFailed, says: []string{"client certificate", "hint: --cert FILE and --key FILE"}},
	{name: "A25.6 another name", args: "--cacert {dir}/cert.pem --resolve far.example:{tlsport}:127.0.0.1 https://far.example:{tlsport}/get", code: exitFailed, says: []string{"far.example", "hint: use a name that the certificate has"}},

	{name: "A25.7 HTTP/2 where the server chooses", args: "-i --no-verify {https}/get", says: []string{"HTTP/2 200 OK"}},
	{name: "A25.7 http2", args: "-i --http2 --no-verify {https}/get", says: []string{"HTTP/2 200 OK"}},
	{name: "A25.7 http1", args: "-i --http1 --no-verify {https}/get", says: []string{"HTTP/1.1 200 OK"}},
	{name: "A25.7 h2c", args: "-i --h2c {h2c}", says: []string{"HTTP/2 200 OK", "HTTP/2.0 it is"}},

	{name: "A25.8 download", args: "-o {dir}/{unique} {http}/bytes/100000?seed=1", says: []string{"100 %, 97.7 KiB of 97.7 KiB"}},
	{name: "A25.8 download, long", args: "--download {dir}/{unique} {http}/status/404", code: exitFailed, says: []string{"404 Not Found; not written to"}},

	{name: "A25.9 verbose", args: "-v --auth ann s3cret -h X-A 1 {http}/anything?q=hidden", says: []string{
		"* connecting to 127.0.0.1:", "* connected to 127.0.0.1:", "> GET /anything?q=… HTTP/1.1", "> Host: 127.0.0.1:", "> X-A: 1", "> Authorization: [secure]", "first byte ", " bytes of content",
	}},
	{name: "A25.9 verbose, TLS", args: "--verbose --cacert {dir}/cert.pem {https}/get", says: []string{
		"* TLS 1.3, TLS_", ", ALPN h2", "* certificate of localhost, 127.0.0.1", "*   subject CN=htx demo", "*   issuer CN=htx demo", "*   valid from 20", "> GET /get HTTP/2",
	}},
	{name: "A25.9 every frame", args: "-vv --no-verify {https}/get", says: []string{"#1 * HTTP/2 to 127.0.0.1:", "#1 > SETTINGS", "#1 > HEADERS", "  :path: /get", "#1 < DATA"}},
	{name: "A25.9 every byte", args: "-vv {http}/get", says: []string{"#1 > GET /get HTTP/1.1", "#1 < HTTP/1.1 200 OK"}},
	{name: "A25.9 secrets on demand", args: "-v --show-secrets --auth ann s3cret {http}/anything?q=shown", says: []string{"> GET /anything?q=shown HTTP/1.1", "> Authorization: Basic YW5uOnMzY3JldA=="}},
	{name: "A25.9 redirects and challenges", args: "-v --follow-redirects {http}/redirect/1", says: []string{"< HTTP/1.1 302 Found", "* following the redirect", "> GET /get HTTP/1.1"}},
	{name: "A25.9 trace", args: "--trace {http}/get", says: []string{"* connect ", "first byte ", "total ", " bytes of content"}},
	{name: "A25.9 curl", args: "--curl -m PUT -c x --auth ann s3cret --max-time 3 --proxy http://u:p@127.0.0.1:1 http://far.example/a?q=1", says: []string{
		"curl -X PUT ", "--data-raw x ", "--user 'ann:[secure]'", "--proxy http://127.0.0.1:1", "--max-time 3", "--show-secrets",
	}, saysNot: []string{"s3cret", "u:p"}},
	{name: "A25.9 curl with secrets", args: "--curl --show-secrets --auth ann s3cret http://far.example/a?q=1", says: []string{"'http://far.example/a?q=1' --user ann:s3cret"}, saysNot: []string{"masked"}},

	{name: "A25.10 include", args: "-i {plain}", pipe: "HTTP/1.1 200 OK\nContent-Type: text/plain\nDate: today\nContent-Length: 9\n\none\r\ntwo\r", terminal: []string{"\none\ntwo\n"}},
	{name: "A25.10 include, long", args: "--include {plain}", pipe: "HTTP/1.1 200 OK\nContent-Type: text/plain\nDate: today\nContent-Length: 9\n\none\r\ntwo\r"},
	{name: "A25.10 the body alone in a pipe", args: "{plain}", pipe: "one\r\ntwo\r", terminal: []string{"HTTP/1.1 200 OK\n"}},
	{name: "A25.10 json-lines of an array", args: "--json-lines {array}", pipe: "{\"a\":1}\n[2]\n\"\x7f\"\n", terminal: []string{"{\"a\":1}\n[2]\n\"\ufffd\"\n"}},
	{name: "A25.10 json-lines of lines", args: "--json-lines {http}/stream/3", says: []string{`"id":0,`, `"id":1,`, `"id":2,`}},
	{name: "A25.10 json-lines of something else", args: "--json-lines {plain}", code: exitFailed, says: []string{"--json-lines: value 1: invalid character"}},
	{name: "A25.10 no-color", args: "--no-color {http}/get", says: []string{`"url": "{http}/get"`}},

	{name: "A25.11 exit codes", args: "--exit-codes {http}/status/500", code: curlStatus},
	{name: "A25.11 exit code of a timeout", args: "--exit-codes --timeout 0.05 {silent}", code: 28},
	{name: "A25.11 exit code of nobody there", args: "--exit-codes {gone}", code: 7, says: []string{"hint: is the server running"}},

	{name: "A25.12 help", args: "--help", says: []string{"Usage:", "--params NAME VALUE", "--exit-codes"}},
	{name: "A25.12 version", args: "--version", pipe: "htx " + httpx.Version + "\n"},
}

var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

func TestFlags(t *testing.T) {
	names := testServers(t)
	for _, tc := range flagCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, w := range everywhere {
				t.Run(w.name, func(t *testing.T) {
					tc.test(t, w, names)
				})
			}
		})
	}
}

func (tc flagCase) test(t *testing.T, w where, names func(string) string) {
	unique := strings.NewReplacer("/", "_", " ", "_").Replace(t.Name())
	fill := func(s string) string { return names(strings.ReplaceAll(s, "{unique}", unique)) }
	i := invocation{stdin: tc.stdin}
	for _, word := range words(tc.args) {
		i.args = append(i.args, fill(word))
	}
	for _, e := range tc.env {
		i.env = append(i.env, fill(e))
	}
	if w.terminal {
		i.asked = tc.asked
	}
	r := w.run(t, i)
	if r.code != tc.code {
		t.Errorf("want exit code %d\n%v", tc.code, r)
	}
	coloured := sgr.MatchString(r.out)
	if coloured && (!w.terminal || strings.Contains(tc.args, "--no-color")) {
		t.Errorf("colours: %q", r.out)
	}
	all := sgr.ReplaceAllString(r.out+r.err, "")
	for _, s := range tc.says {
		if s = fill(s); !strings.Contains(all, s) && !strings.Contains(strings.ReplaceAll(all, `": `, `":`), strings.ReplaceAll(s, `": `, `":`)) {
			t.Errorf("no %q in\n%v", s, r)
		}
	}
	for _, s := range tc.saysNot {
		if strings.Contains(all, fill(s)) {
			t.Errorf("%q in\n%v", s, r)
		}
	}
	if tc.pipe != "" && !w.terminal && r.out != tc.pipe {
		t.Errorf("got  %q\nwant %q", r.out, tc.pipe)
	}
	for _, s := range tc.terminal {
		if w.terminal && !strings.Contains(all, fill(s)) {
			t.Errorf("no %q in\n%q", s, all)
		}
	}
	if tc.echo != nil {
		body := sgr.ReplaceAllString(r.out, "")
		if _, after, ok := strings.Cut(body, "\n\n"); ok && w.terminal {
			body = after
		}
		tc.echo.compare(t, body, fill)
	}
}

func (want *echoedBack) compare(t *testing.T, body string, fill func(string) string) {
	t.Helper()
	var got echoedBack
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	if want.Method != "" && got.Method != want.Method {
		t.Errorf("method %q; want %q", got.Method, want.Method)
	}
	if want.Data != "" && got.Data != want.Data {
		t.Errorf("data %q; want %q", got.Data, want.Data)
	}
	for what, m := range map[string][2]values{"args": {got.Args, want.Args}, "headers": {got.Headers, want.Headers}, "form": {got.Form, want.Form}, "files": {got.Files, want.Files}} {
		for k, v := range m[1] {
			if g, w := strings.Join(m[0][k], "|"), fill(strings.Join(v, "|")); g != w {
				t.Errorf("%s %s: %q; want %q", what, k, g, w)
			}
		}
	}
}

// words splits at spaces that are not within '…'.
func words(s string) []string {
	var list []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		var word string
		if s[0] == '\'' {
			word, s, _ = strings.Cut(s[1:], "'")
		} else {
			word, s, _ = strings.Cut(s, " ")
		}
		list = append(list, word)
	}
	return list
}

// Every flag that there is has a case above, by its long name and, if it has
// one, by its letter.
func TestEveryFlagHasACase(t *testing.T) {
	used := map[string]bool{}
	for _, tc := range flagCases {
		for _, w := range words(tc.args) {
			if strings.HasPrefix(w, "--") {
				name, _, _ := strings.Cut(w, "=")
				used[name] = true
			} else if len(w) > 1 && w[0] == '-' {
				used[w[:2]] = true
			}
		}
	}
	fs, _ := newFlagSet(new(flags))
	n := 0
	fs.VisitAll(func(f *pflag.Flag) {
		n++
		if !used["--"+f.Name] {
			t.Errorf("no case has --%s", f.Name)
		}
		if f.Shorthand != "" && !used["-"+f.Shorthand] {
			t.Errorf("no case has -%s", f.Shorthand)
		}
	})
	t.Run("A25.12 every flag is in the README", func(t *testing.T) {
		readme, err := os.ReadFile("README.md")
		if err != nil {
			t.Fatal(err)
		}
		fs.VisitAll(func(f *pflag.Flag) {
			if !strings.Contains(string(readme), "`--"+f.Name) {
				t.Errorf("README.md does not tell of --%s", f.Name)
			}
		})
	})
	if n < 38 {
		t.Errorf("%d flags", n)
	}
}
