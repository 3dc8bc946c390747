package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"gohttpx.dev/httpx"
)

// errHelp: the help text was asked for.
var errHelp = pflag.ErrHelp

// flags is a command line that has been read and found good.
type flags struct {
	url     string
	method  string
	params  []pair
	headers []pair
	form    []pair

	content    string
	hasContent bool
	json       json.RawMessage // nil: none

	timeout  time.Duration // httpx.Never: off
	noVerify bool
	verbose  bool
	include  bool
	download string // "": print the body
	version  bool
}

type pair struct{ name, value string }

// pairs is a flag that takes a name and a value as two arguments. joinPairs has
// made one of them.
type pairs struct{ list *[]pair }

// pairSep cannot stand in an argument of a process.
const pairSep = "\x00"

func (p pairs) String() string { return "" }
func (p pairs) Type() string   { return "NAME VALUE" }
func (p pairs) Set(s string) error {
	name, value, ok := strings.Cut(s, pairSep)
	if !ok {
		return errors.New("needs NAME VALUE as two arguments")
	}
	*p.list = append(*p.list, pair{name, value})
	return nil
}

// seconds is a flag in seconds, 0 for never.
type seconds struct{ d *time.Duration }

func (s seconds) String() string { return strconv.FormatFloat(s.d.Seconds(), 'g', -1, 64) }
func (s seconds) Type() string   { return "SECONDS" }
func (s seconds) Set(v string) error {
	f, err := strconv.ParseFloat(v, 64)
	switch {
	case err != nil || math.IsNaN(f) || f < 0:
		return errors.New("must be a number of seconds, 0 for no limit")
	case f == 0 || f > math.MaxInt64/float64(time.Second):
		*s.d = httpx.Never
	default:
		*s.d = max(time.Duration(f*float64(time.Second)), 1)
	}
	return nil
}

func newFlagSet(f *flags) (*pflag.FlagSet, *string) {
	fs := pflag.NewFlagSet("htx", pflag.ContinueOnError)
	fs.SortFlags = false
	fs.Usage = func() {}
	f.timeout = 5 * time.Second
	var text string
	fs.StringVarP(&f.method, "method", "m", "", "the `METHOD`; GET, or POST where there is content")
	fs.VarP(pairs{&f.params}, "params", "p", "a query parameter; may be repeated")
	fs.VarP(pairs{&f.headers}, "headers", "h", "a request header; may be repeated")
	fs.StringVarP(&f.content, "content", "c", "", "send `TEXT` as it is")
	fs.VarP(pairs{&f.form}, "data", "d", "send a form field; may be repeated")
	fs.StringVarP(&text, "json", "j", "", "send `JSON`, which is checked first")
	fs.Var(seconds{&f.timeout}, "timeout", "longest wait to connect or for a byte; 0: no limit")
	fs.BoolVar(&f.noVerify, "no-verify", false, "accept any TLS certificate")
	fs.StringVarP(&f.download, "download", "o", "", "write the body to `FILE` and show how it goes on")
	fs.BoolVarP(&f.include, "include", "i", false, "print status line and headers in a pipe too")
	fs.BoolVarP(&f.verbose, "verbose", "v", false, "tell of connection, request and times on standard error")
	fs.BoolVar(&f.version, "version", false, "print the version")
	return fs, &text
}

// parseFlags reads the command line. Its errors are for the user.
func parseFlags(args []string) (*flags, error) {
	f := new(flags)
	fs, text := newFlagSet(f)
	args, err := joinPairs(fs, args)
	if err != nil {
		return nil, err
	}
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	f.hasContent = fs.Changed("content")
	bodies := 0
	for _, given := range []bool{f.hasContent, fs.Changed("json"), fs.Changed("data")} {
		if given {
			bodies++
		}
	}
	switch {
	case f.version:
		return f, nil
	case fs.NArg() == 0:
		return nil, errors.New("no URL given")
	case fs.NArg() > 1:
		return nil, fmt.Errorf("one URL is wanted, and %q is one more argument", fs.Arg(1))
	case bodies > 1:
		return nil, errors.New("--content, --data and --json exclude each other")
	case fs.Changed("download") && f.download == "":
		return nil, errors.New("--download needs the name of a file")
	}
	if fs.Changed("json") {
		if err := json.Unmarshal([]byte(*text), &f.json); err != nil {
			return nil, fmt.Errorf("--json: %w", err)
		}
	}
	if f.method == "" {
		f.method = "GET"
		if bodies > 0 {
			f.method = "POST"
		}
	}
	f.url = fs.Arg(0)
	return f, nil
}

// joinPairs makes one argument of NAME and VALUE behind every flag that takes
// both, because pflag's flags take one.
func joinPairs(fs *pflag.FlagSet, args []string) ([]string, error) {
	var out []string
	for i := 0; i < len(args); i++ {
		a := args[i]
		if a == "--" {
			return append(out, args[i:]...), nil
		}
		fl := flagWanting(fs, a)
		if fl == nil {
			out = append(out, a)
			continue
		}
		n := 1
		if _, ok := fl.Value.(pairs); ok {
			n = 2
		}
		if i+n >= len(args) {
			if n == 2 {
				return nil, fmt.Errorf("%s needs NAME VALUE", a)
			}
			return append(out, args[i:]...), nil // pflag knows what to say
		}
		out = append(out, a, strings.Join(args[i+1:i+1+n], pairSep))
		i += n
	}
	return out, nil
}

// flagWanting returns the flag of a that takes the next argument as its value;
// nil if a is no flag, has its value within, or takes none.
func flagWanting(fs *pflag.FlagSet, a string) *pflag.Flag {
	if name, ok := strings.CutPrefix(a, "--"); ok {
		if fl := fs.Lookup(name); fl != nil && fl.NoOptDefVal == "" {
			return fl
		}
		return nil
	}
	if len(a) < 2 || a[0] != '-' {
		return nil
	}
	// Of a cluster ("-vm") the first flag that takes a value ends it, and takes
	// the next argument only where nothing follows in this one.
	for j := 1; j < len(a); j++ {
		fl := fs.ShorthandLookup(a[j : j+1])
		if fl == nil {
			return nil
		}
		if fl.NoOptDefVal == "" {
			if j == len(a)-1 {
				return fl
			}
			return nil
		}
	}
	return nil
}

func helpText() string {
	fs, _ := newFlagSet(new(flags))
	return `htx sends an HTTP request and prints the response.

Usage:
  htx URL [flags]
  htx demo        run a tour of the client against servers within this program

Flags:
` + fs.FlagUsages() + `      --help                 print this

On a terminal status line, headers and body are printed, JSON re-indented. In a
pipe the body alone is, byte for byte. NO_COLOR switches the colours off.

The exit code is 0 if the status is 2xx, 1 if it is another or the request
failed, 2 if the command line is wrong.
`
}
