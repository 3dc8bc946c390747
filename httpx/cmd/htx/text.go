package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
)

// tame keeps control characters away from the terminal.
func tame(s string) string { return strings.Map(tameRune, strings.ToValidUTF8(s, "\ufffd")) }

func tameRune(r rune) rune {
	if unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) {
		return '\ufffd'
	}
	return r
}

// tameText is tame without the CR of line ends.
func tameText(s string) string { return tame(strings.ReplaceAll(s, "\r", "")) }

// copyText prints text rune by rune, so that no byte of the server's moves the
// cursor or changes the terminal. What has come is shown before more is waited
// for. A last line without an end gets one.
func copyText(w io.Writer, body *bufio.Reader) error {
	out := bufio.NewWriter(w)
	last := '\n'
	for {
		if body.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
		r, _, err := body.ReadRune()
		if err != nil {
			if last != '\n' {
				out.WriteByte('\n')
			}
			if flushErr := out.Flush(); err == io.EOF {
				err = flushErr
			}
			return err
		}
		if r == '\r' {
			continue
		}
		out.WriteRune(tameRune(r))
		last = r
	}
}

// orNone is what stands for an empty text.
func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}

// short is a duration with three digits or so.
func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}

// size is a number of bytes for people.
func size(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	f, i := float64(n)/1024, 0
	for f >= 1024 && i < len(units)-1 {
		f /= 1024
		i++
	}
	return fmt.Sprintf("%.1f %ciB", f, units[i])
}
