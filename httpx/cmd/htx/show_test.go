package main

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// A text of brackets grows by its indentation with the square of its depth: one
// of 20 kB would become 400 MB, one of 2 MB more than there is memory.
func TestDeepJSONIsNotIndented(t *testing.T) {
	const depth = 9999 // what encoding/json takes
	for name, text := range map[string]string{
		"deep":          strings.Repeat("[", depth) + strings.Repeat("]", depth),
		"deep and long": strings.Repeat(`{"a":[`, depth/2) + strings.Repeat("1,", 1<<20) + "1" + strings.Repeat("]}", depth/2),
	} {
		t.Run("A25.10 "+name, func(t *testing.T) {
			url := server(t, fixed("application/json", text))
			r := onTerminal(t, url)
			_, body, _ := strings.Cut(r.out, "\n\n")
			if r.code != exitOK || body != text+"\n" {
				t.Errorf("exit code %d, %d bytes for a content of %d", r.code, len(body), len(text))
			}
		})
	}
	t.Run("A25.10 brackets in a string have no depth", func(t *testing.T) {
		text := `["` + strings.Repeat(`\"[{`, 5000) + `",` + strings.Repeat("1,", 5000) + "1]"
		r := onTerminal(t, server(t, fixed("application/json", text)))
		if !strings.Contains(r.out, "\n    1,\n    1,\n") {
			t.Errorf("not indented: %.300q", r.out)
		}
	})
}

// fullDisk takes n bytes and no more.
type fullDisk struct{ n int }

var errFull = errors.New("no space left")

func (f *fullDisk) Write(p []byte) (int, error) {
	n := min(f.n, len(p))
	f.n -= n
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

// Whatever is printed, that it could not be is told.
func TestOutputThatCannotBeWritten(t *testing.T) {
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path != "/empty" {
			io.WriteString(w, `{"a":1}`)
		}
	})
	for _, tc := range []struct {
		name     string
		args     []string
		terminal bool
		code     int
	}{
		{"the body", []string{url}, false, 23},
		{"the body on a terminal", []string{url}, true, 23},
		{"the head", []string{url + "/empty", "-i"}, false, 23},
		{"JSON lines", []string{url, "--json-lines"}, false, 23},
		{"a command of curl's", []string{url, "--curl"}, false, 23},
		{"help", []string{"--help"}, false, exitFailed},
		{"the version", []string{"--version"}, false, exitFailed},
	} {
		t.Run("A25.11 "+tc.name, func(t *testing.T) {
			args := tc.args
			if tc.code == 23 {
				args = append(args, "--exit-codes")
			}
			var errs strings.Builder
			con := &console{out: &fullDisk{}, err: &errs, outTerminal: tc.terminal}
			code := run(t.Context(), args, con)
			if code != tc.code || strings.Count(errs.String(), "no space left") != 1 {
				t.Errorf("exit code %d, want %d: %s", code, tc.code, &errs)
			}
		})
	}
}
