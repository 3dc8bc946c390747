package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"gohttpx.dev/httpx"
	"gohttpx.dev/wire"
)

// parseFlags reads the command line. Its errors are for the user.
func parseFlags(args []string) (*flags, error) {
	f := new(flags)
	fs, text := newFlagSet(f)
	args, err := joinPairs(fs, args)
	if err != nil {
		return nil, err
	}
	if err := fs.Parse(args); err != nil {
		return nil, explain(err)
	}
	if f.help || f.version {
		return f, nil
	}
	f.hasContent = fs.Changed("content")
	if err := f.check(fs); err != nil {
		return nil, err
	}
	if fs.Changed("json") {
		if strings.HasPrefix(*text, "@") {
			return nil, errors.New("--json takes JSON; for a file: --content-file FILE -h Content-Type application/json")
		}
		if err := json.Unmarshal([]byte(*text), &f.json); err != nil {
			return nil, fmt.Errorf("--json: %w", err)
		}
	}
	if f.method == "" {
		f.method = "GET"
		if f.hasBody() {
			f.method = "POST"
		}
	}
	f.url = fs.Arg(0)
	return f, nil
}

// explain is an error of pflag's in our words. What was given as a value may be a
// password, and is left out.
func explain(err error) error {
	var invalid *pflag.InvalidValueError
	var unknown *pflag.NotExistError
	var syntax *pflag.InvalidSyntaxError
	switch {
	case errors.As(err, &invalid):
		fl := invalid.GetFlag()
		name := "--" + fl.Name
		if fl.Shorthand != "" {
			name = "-" + fl.Shorthand + ", " + name
		}
		if cause := invalid.Unwrap(); !asA[*strconv.NumError](cause) {
			return fmt.Errorf("%s %w", name, cause)
		} else if fl.Value.Type() == "bool" {
			return fmt.Errorf("%s takes no value", name)
		}
		return fmt.Errorf("%s needs a whole number", name)
	case errors.As(err, &unknown):
		name := "-" + unknown.GetSpecifiedName()
		if unknown.GetSpecifiedShortnames() == "" {
			name = "-" + name
		}
		if ours, ok := curlFlags[name]; ok {
			return fmt.Errorf("there is no flag %s; what curl calls so is %s here", name, ours)
		}
		return fmt.Errorf("there is no flag %s", name)
	case errors.As(err, &syntax):
		return errors.New("an argument begins like a flag and is none")
	}
	return errors.New(strings.ReplaceAll(err.Error(), pairSep, " "))
}

// curlFlags are some that fingers know, and what does the same.
var curlFlags = map[string]string{
	"-X": "-m", "--request": "-m", "-H": "-h NAME VALUE", "--header": "-h NAME VALUE", "-b": "--cookies NAME VALUE", "--cookie": "--cookies NAME VALUE",
	"-u": "--auth USER PASSWORD", "--user": "--auth USER PASSWORD", "-L": "--follow-redirects", "--location": "--follow-redirects",
	"-k": "--no-verify", "--insecure": "--no-verify", "-F": "--form NAME VALUE", "-x": "--proxy", "-I": "-m HEAD", "--head": "-m HEAD",
	"-T": "-m PUT --content-file", "--upload-file": "-m PUT --content-file", "--output": "-o", "--data-raw": "-c", "--data-binary": "-c or --content-file",
	"--http1.1": "--http1", "--http2-prior-knowledge": "--h2c", "--oauth2-bearer": "--bearer", "-n": "--netrc",
}

// check says what does not go together.
func (f *flags) check(fs *pflag.FlagSet) error {
	switch {
	case fs.NArg() == 0:
		return noURL(f)
	case fs.NArg() > 1:
		return oneMore(fs.Args())
	case f.method != "" && !wire.IsToken(f.method):
		return errors.New("--method must be one word, like GET (RFC 9110 §9.1: a token)")
	case fs.Changed("download") && (f.download == "" || f.download == "-"):
		return errors.New("--download needs the name of a file; without it the body is printed")
	case fs.Changed("content-file") && f.contentFile == "":
		return errors.New("--content-file needs the name of a file, or - for standard input")
	case f.download != "" && f.jsonLines:
		return errors.New("--download and --json-lines exclude each other")
	case f.retry < 0:
		return errors.New("--retry must not be negative")
	case f.key != "" && f.cert == "":
		return errors.New("--key needs --cert")
	case f.contentFile == "-" && f.promptsFor() != "":
		return fmt.Errorf("%s - would read from standard input, like --content-file -", f.promptsFor())
	}
	// With a base URL, which there is none of here, it could be relative.
	if u, err := httpx.ParseURL(fs.Arg(0)); err == nil && !u.IsAbs() {
		return fmt.Errorf("%q has no scheme: write http:// or https:// before it", u.Redacted())
	}
	for _, excluding := range [][]string{
		{"content", "content-file", "json", "data"},
		{"content", "content-file", "json", "files"},
		{"content", "content-file", "json", "form"},
		{"http1", "http2", "h2c"},
		{"auth", "bearer", "netrc"},
	} {
		n := 0
		for _, name := range excluding {
			if fs.Changed(name) {
				n++
			}
		}
		if n > 1 {
			return fmt.Errorf("%s exclude each other", list(excluding))
		}
	}
	return nil
}

// oneMore names an argument behind the URL only if it is another: it may be a
// password.
func oneMore(args []string) error {
	for _, a := range args[1:] {
		if u, err := httpx.ParseURL(a); err == nil && u.IsAbs() {
			return fmt.Errorf("one URL is wanted, and %q is one more", u.Redacted())
		}
	}
	return fmt.Errorf("one URL is wanted, and there are %d arguments that belong to no flag", len(args))
}

// list is "--a, --b and --c".
func list(names []string) string {
	last := len(names) - 1
	return "--" + strings.Join(names[:last], ", --") + " and --" + names[last]
}

// noURL says that there is none, and where it may have gone: behind
// "-h Accept:text/plain" it became the header's value.
func noURL(f *flags) error {
	var auth []pair
	if f.auth != nil {
		auth = []pair{*f.auth}
	}
	for _, l := range []struct {
		flag  string
		pairs []pair
	}{{"params", f.params}, {"headers", f.headers}, {"cookies", f.cookies}, {"auth", auth}} {
		for _, p := range l.pairs {
			if strings.HasPrefix(p.value, "http://") || strings.HasPrefix(p.value, "https://") {
				return fmt.Errorf("no URL given; --%s takes two arguments, and one of them seems to have been the URL", l.flag)
			}
		}
	}
	return errors.New("no URL given")
}

func (f *flags) hasBody() bool {
	return f.hasContent || f.contentFile != "" || f.json != nil || f.fields != nil
}

// promptsFor is the flag whose secret has to be asked for, "" for none.
func (f *flags) promptsFor() string {
	switch {
	case f.auth != nil && f.auth.value == asks:
		return "--auth USER"
	case f.bearer == asks:
		return "--bearer"
	}
	return ""
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
		two, ok := fl.Value.(twoArgs)
		if ok {
			n = 2
		}
		if i+n >= len(args) {
			if ok {
				return nil, fmt.Errorf("%s needs %s", a, two.names)
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
