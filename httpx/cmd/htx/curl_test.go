package main

import (
	"strings"
	"testing"

	"gohttpx.dev/httpx"
)

// What --curl prints. The commands were run once: curl sends what htx sends.
func TestCurlCommands(t *testing.T) {
	// What every command has of the client's own fields.
	const own = "--compressed -H 'Accept: */*' -H 'Accept-Encoding: gzip, deflate, br, zstd' -H 'User-Agent: htx/" + httpx.Version + "' "
	for _, tc := range []struct{ args, want string }{
		{"http://a/", "curl " + own + "http://a/"},
		{"http://a/ -m HEAD", "curl --head " + own + "http://a/"},
		{"http://a/ --auth ann it's", `curl ` + own + `http://a/ --user 'ann:it'\''s'`},
		{"http://a/ --auth ann -", "curl " + own + "http://a/ --user ann"},
		{"http://a/ --bearer t", "curl " + own + "http://a/ --oauth2-bearer t"},
		{"http://a/ --netrc", "curl " + own + "http://a/ --netrc"},
		{"http://a/ --cookies a 1 --cookies b 2", "curl " + own + "http://a/ --cookie 'a=1; b=2'"},
		{`http://a/ --form a @b"c.txt -d n @1`, "curl -X POST " + own + `http://a/ --form 'a=@"b\"c.txt";filename="b\"c.txt"' --form-string n=@1`},
		{"http://a/ --content-file - -h Content-Type text/plain", "curl -X POST " + own + "-H 'Content-Type: text/plain' http://a/ --data-binary @-"},
		{"http://a/ --content-file big", "curl -X POST " + own + "http://a/ --data-binary @big -H Content-Type:"},
		{"http://a/ --proxy socks5h://u:p@b:1 --http1 --follow-redirects", "curl --location " + own + "http://a/ --proxy socks5h://u:p@b:1 --http1.1"},
		{"http://a/ --connect-to ::b:1 --resolve *:80:1.2.3.4", "curl " + own + "http://a/ --connect-to ::b:1 --connect-to :80:1.2.3.4:80"},
		{"https://a/ --no-verify --h2c", "curl " + own + "https://a/ --insecure --http2-prior-knowledge"},
		{"http://a/ --max-time 1.5 --retry 2 -o f -i --http2", "curl " + own + "http://a/ --http2 --max-time 1.5 --retry 2 --output f --include"},
	} {
		args := append(strings.Fields(tc.args), "--curl", "--show-secrets")
		if r := htx(t, args...); r.code != exitOK || r.out != tc.want+"\n" || r.err != "" {
			t.Errorf("got  %s\nwant %s\n%s", r.out, tc.want, r.err)
		}
	}
	for _, args := range []string{
		"--auth ann s3cret", "--bearer s3cret", "--cookies a s3cret", "--proxy http://u:s3cret@b:1",
		"-h Authorization s3cret", "-h Cookie s3cret", "-p q s3cret",
	} {
		r := htx(t, append(strings.Fields(args), "http://u:s3cret@a/?x=s3cret", "--curl")...)
		if r.code != exitOK || strings.Contains(r.out+r.err, "s3cret") || !strings.Contains(r.err, "--show-secrets") {
			t.Errorf("%s: %v", args, r)
		}
	}
}
