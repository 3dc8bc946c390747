package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

// A line that is longer than the terminal is wide cannot be drawn again: each
// time a part of it stays behind.
func TestBarsFitTheTerminal(t *testing.T) {
	for _, columns := range []int{1, 20, 40, 60, 80, 100, 200} {
		for _, total := range []int64{-1, 1, 1023 << 10, 1023 << 20, 9 << 40} {
			t.Run(fmt.Sprintf("A25.8 %d bytes in %d columns", total, columns), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var down, up bytes.Buffer
					p, u := newProgress(&down, columns, total), &upload{w: &up, columns: columns}
					steps := min(total, 40)
					if total < 0 {
						steps = 40
					}
					for i := range steps + 1 {
						done := max(total, 900<<20) / steps * i
						if total > 0 {
							done = total / steps * i
						}
						p.set(done)
						u.report(done, total)
						time.Sleep(119 * time.Minute)
					}
					p.finish()
					u.end()
					for name, text := range map[string]string{"download": down.String(), "upload": up.String()} {
						bars := strings.Split(text, "\r")
						for _, b := range bars[:len(bars)-1] {
							if w := utf8.RuneCountInString(b); w >= columns {
								t.Errorf("%s: %d columns: %q", name, w, b)
							}
						}
						detailed := strings.Contains(text, "MiB/s) [") || strings.Contains(text, "B/s) [")
						if total >= leastUpload && detailed != (columns >= 80) {
							t.Errorf("%s: the time that remains is shown: %v\n%q", name, detailed, text)
						}
					}
					if !strings.HasSuffix(down.String(), "/s\n") {
						t.Errorf("no last line in %q", &down)
					}
				})
			})
		}
	}
}
