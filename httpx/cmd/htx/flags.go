package main

import (
	"encoding/json"
	"time"

	"github.com/spf13/pflag"
)

// flags is a command line that has been read and found good.
type flags struct {
	url    string
	method string

	params  []pair
	headers []pair
	cookies []pair

	content     string
	hasContent  bool
	contentFile string
	json        json.RawMessage // nil: none
	fields      []field

	auth   *pair // nil: none
	bearer string
	netrc  bool

	proxy     string
	connectTo []pair // host:port and addr:port
	timeout   time.Duration
	maxTime   time.Duration // httpx.Never: off
	retry     int
	follow    bool
	http1     bool
	http2     bool
	h2c       bool

	noVerify          bool
	cacert, cert, key string

	download  string // "": print the body
	include   bool
	jsonLines bool
	verbose   int
	trace     bool
	noColor   bool
	secrets   bool
	curl      bool
	exitCodes bool
	version   bool
	help      bool
}

type pair struct{ name, value string }

// field is a field of a form, or a file of one.
type field struct {
	pair
	multipart bool // it asks for multipart/form-data
	file      bool // value names a file
}

// asks is a value of --auth and --bearer: the secret is asked for.
const asks = "-"

// newFlagSet declares all flags. text receives what --json was given.
func newFlagSet(f *flags) (fs *pflag.FlagSet, text *string) {
	fs = pflag.NewFlagSet("htx", pflag.ContinueOnError)
	fs.SortFlags = false
	fs.Usage = func() {}
	f.timeout, f.maxTime = 5*time.Second, never
	text = new(string)

	fs.StringVarP(&f.method, "method", "m", "", "the `METHOD`; GET, or POST where there is content")
	fs.VarP(pairs(&f.params, "="), "params", "p", "a query parameter *")
	fs.VarP(pairs(&f.headers, ":"), "headers", "h", "a request header *")
	fs.Var(pairs(&f.cookies, "="), "cookies", "a cookie for the URL's origin *")

	fs.StringVarP(&f.content, "content", "c", "", "send `TEXT` as it is")
	fs.StringVar(&f.contentFile, "content-file", "", "send what is in `FILE`; - is standard input")
	fs.VarP(f.formFields(urlencoded), "data", "d", "send a form field *")
	fs.VarP(f.formFields(files), "files", "f", "send a file, in multipart/form-data *")
	fs.Var(f.formFields(mixed), "form", "send a field in multipart/form-data, @FILE for a file *")
	fs.StringVarP(text, "json", "j", "", "send `JSON`, which is checked first")

	fs.Var(onePair(&f.auth, "USER PASSWORD", ":"), "auth", "authenticate by Basic; - asks for the password")
	fs.StringVar(&f.bearer, "bearer", "", "send a bearer `TOKEN`; - asks for it")
	fs.BoolVar(&f.netrc, "netrc", false, "take user and password from ~/.netrc or the file that $NETRC names")

	fs.StringVar(&f.proxy, "proxy", "", "go through the proxy at `URL`: http, https, socks5 or socks5h")
	fs.Var(resolve{&f.connectTo}, "resolve", "connect to ADDR where HOST:PORT is meant *")
	fs.Var(connectTo{&f.connectTo}, "connect-to", "connect to HOST2:PORT2 where HOST1:PORT1 is meant *")
	fs.Var(seconds{&f.timeout}, "timeout", "longest wait to connect or for a byte; 0: no limit")
	fs.Var(seconds{&f.maxTime}, "max-time", "longest time for everything together; 0: no limit")
	fs.IntVar(&f.retry, "retry", 0, "send it again up to `N` times, where that may help and does no harm")
	fs.BoolVar(&f.follow, "follow-redirects", false, "go where redirects lead, 20 at the most")
	fs.BoolVar(&f.http1, "http1", false, "speak HTTP/1.1 only")
	fs.BoolVar(&f.http2, "http2", false, "speak HTTP/2 where the server chooses it, which is the default")
	fs.BoolVar(&f.h2c, "h2c", false, "speak HTTP/2 only, in cleartext too, without asking")

	fs.BoolVar(&f.noVerify, "no-verify", false, "accept any TLS certificate")
	fs.StringVar(&f.cacert, "cacert", "", "trust the authorities in `FILE` (PEM), not the system's")
	fs.StringVar(&f.cert, "cert", "", "present the client certificate in `FILE` (PEM)")
	fs.StringVar(&f.key, "key", "", "the certificate's key is in `FILE` (PEM), if not in --cert's")

	fs.StringVarP(&f.download, "download", "o", "", "write the body to `FILE` and show how it goes on")
	fs.BoolVarP(&f.include, "include", "i", false, "print status line and headers in a pipe too")
	fs.BoolVar(&f.jsonLines, "json-lines", false, "print each JSON value of the body, or of the array that it is, on a line as it comes")
	fs.CountVarP(&f.verbose, "verbose", "v", "``tell of connection, TLS and heads on standard error; -vv: of each frame too")
	fs.BoolVar(&f.trace, "trace", false, "tell at the end where the time went")
	fs.BoolVar(&f.noColor, "no-color", false, "no colours, like NO_COLOR=1 in the environment")
	fs.BoolVar(&f.secrets, "show-secrets", false, "mask nothing in what -v and --curl print")
	fs.BoolVar(&f.curl, "curl", false, "print curl's command for the request and send nothing")
	fs.BoolVar(&f.exitCodes, "exit-codes", false, "tell by curl's exit codes what went wrong; see below")
	fs.BoolVar(&f.version, "version", false, "print the version")
	fs.BoolVar(&f.help, "help", false, "print this")
	return fs, text
}
