package main

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"gohttpx.dev/httpx"
)

const never = httpx.Never

// twoArgs is a flag that takes a name and a value. They are two arguments, of
// which joinPairs has made one, or one that is part of the flag's: --params=a=1.
type twoArgs struct {
	names string // how help calls them
	sep   string // between them where they are one argument
	add   func(pair) error
}

// pairSep cannot stand in an argument of a process.
const pairSep = "\x00"

func (t twoArgs) String() string { return "" }
func (t twoArgs) Type() string   { return t.names }
func (t twoArgs) Set(s string) error {
	name, value, ok := strings.Cut(s, pairSep)
	if !ok {
		if name, value, ok = strings.Cut(s, t.sep); !ok {
			return fmt.Errorf("needs %s as two arguments, or %q between them", t.names, t.sep)
		}
		if t.sep == ":" && t.names == nameValue {
			value = strings.TrimLeft(value, " \t") // "Accept: text/plain"
		}
	}
	return t.add(pair{name, value})
}

const nameValue = "NAME VALUE"

func pairs(list *[]pair, sep string) twoArgs {
	return twoArgs{nameValue, sep, func(p pair) error { *list = append(*list, p); return nil }}
}

// onePair is a flag that may be given once.
func onePair(at **pair, names, sep string) twoArgs {
	return twoArgs{names, sep, func(p pair) error {
		if *at != nil {
			return errors.New("may be given once only")
		}
		*at = &p
		return nil
	}}
}

// The flags of forms.
type formKind uint8

const (
	urlencoded formKind = iota // --data
	files                      // --files
	mixed                      // --form
)

func (f *flags) formFields(kind formKind) twoArgs {
	names := nameValue
	if kind == files {
		names = "NAME FILE"
	}
	return twoArgs{names, "=", func(p pair) error {
		v := field{pair: p, multipart: kind != urlencoded, file: kind == files}
		if name, ok := strings.CutPrefix(p.value, "@"); ok && kind == mixed {
			v.value, v.file = name, true
		}
		if v.file && v.value == "" {
			return errors.New("needs the name of a file")
		}
		f.fields = append(f.fields, v)
		return nil
	}}
}

// seconds is a flag in seconds, 0 for never.
type seconds struct{ d *time.Duration }

func (s seconds) String() string {
	if *s.d == never {
		return "0" // which help knows as no default
	}
	return strconv.FormatFloat(s.d.Seconds(), 'g', -1, 64)
}
func (s seconds) Type() string { return "SECONDS" }
func (s seconds) Set(v string) error {
	f, err := strconv.ParseFloat(v, 64)
	switch {
	case err != nil || math.IsNaN(f) || f < 0:
		return errors.New("must be a number of seconds, 0 for no limit")
	case f == 0 || f > math.MaxInt64/float64(time.Second):
		*s.d = never
	default:
		*s.d = max(time.Duration(f*float64(time.Second)), 1)
	}
	return nil
}

// resolve is a flag in curl's words: HOST:PORT:ADDR.
type resolve struct{ list *[]pair }

func (r resolve) String() string { return "" }
func (r resolve) Type() string   { return "HOST:PORT:ADDR" }
func (r resolve) Set(s string) error {
	parts := splitColons(s, 3)
	if len(parts) != 3 {
		return errors.New("needs HOST:PORT:ADDR")
	}
	host, port, addr := parts[0], parts[1], bare(parts[2])
	if host == "" || !isPort(port) {
		return errors.New("needs HOST:PORT:ADDR, the port as a number; HOST * is any")
	}
	if _, err := netip.ParseAddr(addr); err != nil {
		return fmt.Errorf("%q is no IP address", addr)
	}
	*r.list = append(*r.list, pair{net.JoinHostPort(bare(host), port), net.JoinHostPort(addr, port)})
	return nil
}

// connectTo is a flag in curl's words: HOST1:PORT1:HOST2:PORT2.
type connectTo struct{ list *[]pair }

func (c connectTo) String() string { return "" }
func (c connectTo) Type() string   { return "HOST1:PORT1:HOST2:PORT2" }
func (c connectTo) Set(s string) error {
	parts := splitColons(s, 4)
	if len(parts) != 4 {
		return errors.New("needs HOST1:PORT1:HOST2:PORT2")
	}
	from, to := "*", ""
	host1, port1, host2, port2 := bare(parts[0]), parts[1], bare(parts[2]), parts[3]
	switch {
	case host1 == "" && port1 == "": // any host, any port
	case host1 == "":
		from = net.JoinHostPort("*", port1)
	case port1 == "":
		return errors.New("needs PORT1 where there is a HOST1")
	default:
		from = net.JoinHostPort(host1, port1)
	}
	if host2 == "" { // curl: stays as it is
		host2 = host1
	}
	if port2 == "" {
		port2 = port1
	}
	switch {
	case port1 != "" && !isPort(port1), port2 != "" && !isPort(port2):
		return errors.New("the ports are numbers from 1 to 65535")
	case host2 == "" || port2 == "":
		return errors.New("needs HOST2 and PORT2, each unless HOST1 or PORT1 says it")
	}
	to = net.JoinHostPort(host2, port2)
	*c.list = append(*c.list, pair{from, to})
	return nil
}

// splitColons cuts s into n parts at colons that are not within brackets; the
// last part may have colons.
func splitColons(s string, n int) []string {
	var parts []string
	depth, start := 0, 0
	for i := 0; i < len(s) && len(parts) < n-1; i++ {
		switch s[i] {
		case '[':
			depth++
		case ']':
			depth--
		case ':':
			if depth == 0 {
				parts, start = append(parts, s[start:i]), i+1
			}
		}
	}
	return append(parts, s[start:])
}

// bare takes the brackets of an IPv6 address off.
func bare(host string) string {
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		return host[1 : len(host)-1]
	}
	return host
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}
