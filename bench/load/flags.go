package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"gohttpx.dev/wire"
)

// options are the command line of a run.
type options struct {
	url string

	conns, streams int
	rate           float64       // requests per second; 0: closed loop
	duration       time.Duration // 0: no end but count
	count          int64         // 0: no end but duration
	warmup         time.Duration
	grace          time.Duration

	method, body, bodyFile, requests string
	rawFields                        []string // of -H
	fields                           wire.Fields

	http1, http2, h2c, insecure, fresh bool
	caCert, cert, key, sni, connectTo  string
	proxy                              string
	timeouts                           wire.Timeouts
	timeout                            time.Duration // of a whole request; 0: none
	checkStatus                        statusSet
	checkLen                           int64 // -1: any
	checkPrefix                        string
	quiet                              bool
	cpuProfile                         string
	outputs
}

// longest bounds durations, so that their sums stay far from the end of the range.
const longest = 10_000 * time.Hour

const usage = `Usage: load [flags] URL
       load [flags] -requests FILE [URL]
       load merge [-json FILE] [-html FILE] [-hist FILE] FILE.hist ...

Puts a server under load and reports latency, throughput and errors. Without
-rate each connection sends its next request when it has the last answer; with
it requests are due at fixed times, and latency counts from then.

Exit codes: 0 all answered; 1 some failed; 2 usage; 3 no connection could be
made; 4 the rate was not held; 130 interrupted.

Flags, which may also follow the URL:
`

// parseFlags reads the command line. Flags and the URL may come in any order.
func parseFlags(args []string, con console) (*options, error) {
	o := &options{checkLen: -1}
	fs := flag.NewFlagSet("load", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	o.define(fs)
	words, err := parseMixed(fs, args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(con.out, usage)
		fs.SetOutput(con.out)
		fs.PrintDefaults()
	}
	if err != nil {
		return nil, err
	}
	set := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { set[f.Name] = true })
	switch {
	case len(words) > 1:
		return nil, fmt.Errorf("one URL at a time; %q is left over", words[1])
	case len(words) == 1:
		o.url = words[0]
	case o.requests == "":
		return nil, errors.New("no URL")
	}
	if o.count > 0 && !set["d"] {
		o.duration = 0
	}
	return o, o.check(set)
}

// parseMixed parses flags among words and returns the words.
func parseMixed(fs *flag.FlagSet, args []string) (words []string, err error) {
	for {
		if err := fs.Parse(args); err != nil {
			return nil, err
		}
		rest := fs.Args()
		if len(rest) == 0 {
			return words, nil
		}
		if used := len(args) - len(rest); used > 0 && args[used-1] == "--" {
			return append(words, rest...), nil
		}
		words, args = append(words, rest[0]), rest[1:]
	}
}

func (o *options) define(fs *flag.FlagSet) {
	fs.IntVar(&o.conns, "c", 10, "connections")
	fs.IntVar(&o.streams, "streams", 1, "requests at once on each connection, over HTTP/2")
	fs.Float64Var(&o.rate, "rate", 0, "requests per `second` on all connections together, due at even intervals; 0 is a closed loop")
	fs.DurationVar(&o.duration, "d", 10*time.Second, "how long to send; without an end of its own if -n is given")
	fs.Int64Var(&o.count, "n", 0, "how many requests to send; with -d whichever is first")
	fs.DurationVar(&o.warmup, "warmup", 0, "send as long before anything is counted")
	fs.DurationVar(&o.grace, "grace", 2*time.Second, "how long requests under way at the end are waited for")

	fs.StringVar(&o.method, "X", "", "`method` (default GET, or POST with a body)")
	fs.Func("H", "`field`, \"Name: value\", any number of times; \"Name:\" leaves out a default", func(s string) error {
		o.rawFields = append(o.rawFields, s) // an error here would quote it
		return nil
	})
	fs.StringVar(&o.body, "b", "", "content of the requests, as it stands")
	fs.StringVar(&o.bodyFile, "body-file", "", "`file` with the content of the requests")
	fs.StringVar(&o.requests, "requests", "", "`file` of requests, sent in turn; - is standard input")

	fs.BoolVar(&o.http1, "http1", false, "speak HTTP/1.1 only")
	fs.BoolVar(&o.http2, "http2", false, "speak HTTP/2 only, over TLS")
	fs.BoolVar(&o.h2c, "h2c", false, "speak HTTP/2 in cleartext, by prior knowledge")
	fs.BoolVar(&o.insecure, "insecure", false, "take any certificate for any name")
	fs.StringVar(&o.caCert, "cacert", "", "PEM `file` of the authorities to trust instead of the system's")
	fs.StringVar(&o.cert, "cert", "", "PEM `file` with a client certificate")
	fs.StringVar(&o.key, "key", "", "PEM `file` with its key (default: in the same file)")
	fs.StringVar(&o.sni, "sni", "", "server `name` in the handshake and to verify, in place of the URL's")
	fs.StringVar(&o.connectTo, "connect-to", "", "connect to this `host:port` in place of the URL's")
	fs.StringVar(&o.proxy, "proxy", "", "proxy `URL`: http, https, socks5 or socks5h; the environment is not asked")
	fs.BoolVar(&o.fresh, "fresh", false, "a new connection for each request, which pays for it, resuming TLS sessions; HTTP/1.1 only")

	fs.DurationVar(&o.timeouts.Connect, "connect-timeout", 5*time.Second, "until a connection is there, TLS included")
	fs.DurationVar(&o.timeouts.Write, "write-timeout", 10*time.Second, "without progress while a request is written; negative: none")
	fs.DurationVar(&o.timeouts.Read, "read-timeout", 10*time.Second, "without a byte of the answer; negative: none")
	fs.DurationVar(&o.timeouts.Header, "header-timeout", 0, "from the request's end to the head of its answer; 0: none")
	fs.DurationVar(&o.timeout, "timeout", 0, "for a whole request, from when it is sent; 0: none; costs a timer each")

	fs.Func("check-status", "statuses that are right, `200,3xx,400-404`; any other counts as failed", o.checkStatus.parse)
	fs.Int64Var(&o.checkLen, "check-len", -1, "`bytes` of content that are right")
	fs.StringVar(&o.checkPrefix, "check-prefix", "", "how the content must begin")

	fs.BoolVar(&o.quiet, "quiet", false, "no progress on standard error")
	fs.StringVar(&o.cpuProfile, "cpuprofile", "", "write a CPU profile of load itself to `file`")
	o.outputs.define(fs)
}

// addField reads one -H. Its errors do not quote it: it may be a secret.
func (o *options) addField(s string) error {
	name, value, ok := strings.Cut(s, ":")
	value = strings.Trim(value, " \t")
	switch {
	case !ok:
		return errors.New(`-H must be "Name: value"`)
	case !wire.IsToken(name):
		return errors.New("-H: the name before the colon is no token (RFC 9110 §5.1)")
	case !wire.IsFieldValue(value):
		return errors.New("-H: the value has a control character (RFC 9110 §5.5)")
	}
	o.fields = append(o.fields, wire.Field{Name: name, Value: value, Sensitive: isSecret(name)})
	return nil
}

// isSecret keeps credentials out of HTTP/2's table.
func isSecret(name string) bool {
	return wire.EqualFold(name, "Authorization") || wire.EqualFold(name, "Proxy-Authorization") || wire.EqualFold(name, "Cookie")
}

// check refuses what makes no sense, before anything is sent.
func (o *options) check(set map[string]bool) error {
	for _, s := range o.rawFields {
		if err := o.addField(s); err != nil {
			return err
		}
	}
	switch {
	case o.conns < 1 || o.conns > 1<<20:
		return errors.New("-c must be from 1 to 1048576")
	case o.streams < 1 || o.streams > 1<<20 || o.conns*o.streams > 1<<22:
		return errors.New("-streams must be positive, and -c times -streams at most 4194304")
	case o.rate != 0 && !(o.rate >= 1e-3 && o.rate <= 1e8):
		return errors.New("-rate must be 0 or from 0.001 to 100000000")
	case o.duration < 0 || o.count < 0 || o.warmup < 0 || o.grace < 0 || o.timeout < 0 || o.timeouts.Header < 0:
		return errors.New("-d, -n, -warmup, -grace, -timeout and -header-timeout must not be negative")
	case o.duration > longest || o.warmup > longest || o.grace > longest || o.count > 1e15:
		return errors.New("-d, -warmup and -grace must be at most 10000h, and -n at most 1e15")
	case o.duration == 0 && o.count == 0:
		return errors.New("-d 0 needs -n: the run must end")
	case set["connect-timeout"] && o.timeouts.Connect <= 0:
		return errors.New("-connect-timeout must be positive")
	case set["read-timeout"] && o.timeouts.Read == 0, set["write-timeout"] && o.timeouts.Write == 0:
		return errors.New("-read-timeout and -write-timeout must not be 0; negative is none")
	case o.http1 && (o.http2 || o.h2c), o.http2 && o.h2c:
		return errors.New("-http1, -http2 and -h2c exclude each other")
	case o.fresh && (o.http2 || o.h2c):
		return errors.New("-fresh is for HTTP/1.1")
	case o.fresh && o.streams > 1 || o.http1 && o.streams > 1:
		return errors.New("-streams is for HTTP/2: HTTP/1.1 has one request at a time on a connection")
	case set["b"] && o.bodyFile != "":
		return errors.New("-b and -body-file exclude each other")
	case o.requests != "" && (o.method != "" || set["b"] || o.bodyFile != ""):
		return errors.New("-requests says method and content itself: leave out -X, -b and -body-file")
	case o.method != "" && !wire.IsToken(o.method):
		return errors.New("-X must be a token (RFC 9110 §9.1)")
	case o.method == "CONNECT":
		return errors.New("-X CONNECT makes a tunnel, which is no request to be answered")
	case o.checkLen < -1:
		return errors.New("-check-len must not be negative")
	case o.key != "" && o.cert == "":
		return errors.New("-key needs -cert")
	}
	if o.connectTo != "" {
		if _, port, err := net.SplitHostPort(o.connectTo); err != nil || port == "" {
			return fmt.Errorf("-connect-to must be host:port, not %q", o.connectTo)
		}
	}
	return o.outputs.check()
}

// statusSet is a set of status codes; the empty one is no check.
type statusSet struct {
	ranges [][2]int
}

func (s *statusSet) parse(text string) error {
	for word := range strings.SplitSeq(text, ",") {
		from, to, isRange := strings.Cut(word, "-")
		if class, ok := strings.CutSuffix(strings.ToLower(word), "xx"); ok {
			from, to, isRange = class+"00", class+"99", true
		}
		if !isRange {
			to = from
		}
		a, err1 := strconv.Atoi(from)
		b, err2 := strconv.Atoi(to)
		if err1 != nil || err2 != nil || a < 100 || b > 999 || a > b {
			return fmt.Errorf("%q is no status, class or range of 100 to 999", word)
		}
		s.ranges = append(s.ranges, [2]int{a, b})
	}
	return nil
}

func (s *statusSet) has(code int) bool {
	for _, r := range s.ranges {
		if r[0] <= code && code <= r[1] {
			return true
		}
	}
	return len(s.ranges) == 0
}

// startProfile begins a CPU profile if there is a file for it, and returns what
// ends it.
func startProfile(file string) (end func() error, err error) {
	if file == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error { pprof.StopCPUProfile(); return f.Close() }, nil
}
