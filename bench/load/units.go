package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// brief writes a duration with three digits and its unit.
func brief(d time.Duration) string {
	switch {
	case d <= 0:
		return "0"
	case d < 999_500*time.Nanosecond:
		return digits3(float64(d)/1e3) + " µs"
	case d < 999_500*time.Microsecond:
		return digits3(float64(d)/1e6) + " ms"
	case d < 10*time.Minute:
		return digits3(d.Seconds()) + " s"
	}
	return d.Round(time.Second).String()
}

// bytesText writes a number of bytes with three digits and its unit.
func bytesText(n float64) string {
	for _, u := range []struct {
		size float64
		name string
	}{{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}} {
		if n >= u.size*0.9995 {
			return digits3(n/u.size) + " " + u.name
		}
	}
	return strconv.FormatFloat(math.Round(n), 'f', 0, 64) + " B"
}

// rate writes how often something happens in a second.
func rate(perSecond float64) string {
	if perSecond < 99.95 {
		return digits3(perSecond) + "/s"
	}
	return count(int64(math.Round(perSecond))) + "/s"
}

// count writes a number with its thousands set apart.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// digits3 writes three significant digits, or all in front of the point.
func digits3(v float64) string {
	switch {
	case v >= 99.95:
		return fmt.Sprintf("%.0f", v)
	case v >= 9.995:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// printable replaces what could do something to a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

// plural writes a number and what it is of.
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(int64(n)) + " " + strings.TrimSuffix(one, "s") + "s"
}
