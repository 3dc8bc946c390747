package promises

import (
	"net/http"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// The guide for those who come from net/http has a row for everything that they
// may have set.
func TestGuideFromNetHTTPIsComplete(t *testing.T) {
	b, err := os.ReadFile("../../docs/migrate-nethttp.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{} // of each section, the first cells
	section := ""
	for line := range strings.Lines(string(b)) {
		if title, ok := strings.CutPrefix(line, "## "); ok {
			section = strings.TrimSpace(title)
		} else if cells := strings.Split(line, "|"); len(cells) > 2 {
			rows[section] += cells[1]
		}
	}
	for _, v := range []any{http.Client{}, http.Transport{}, http.HTTP2Config{}, http.Request{}, http.Response{}} {
		typ := reflect.TypeOf(v)
		var names []string
		for i := range typ.NumField() {
			if f := typ.Field(i); f.IsExported() {
				names = append(names, f.Name)
			}
		}
		switch v.(type) {
		case http.Client, http.Transport: // the methods of the others are conveniences
			p := reflect.PointerTo(typ)
			for i := range p.NumMethod() {
				names = append(names, p.Method(i).Name)
			}
		}
		for _, name := range names {
			if !strings.Contains(rows[typ.String()], "`"+name+"`") {
				t.Errorf("%s.%s has no row", typ, name)
			}
		}
	}
}

var documents = []string{"../../README.md", "../../docs/migrate-nethttp.md", "../../docs/migrate-httpx-python.md", "../../docs/migrate-others.md"}

// Names of the API in the documents: options, hooks, errors, and functions that are
// called by the package's name.
var apiName = regexp.MustCompile(`\b(?:With|On|Err)[A-Z][A-Za-z0-9]*|httpx\.([A-Z][A-Za-z0-9]*)`)

// notOurs are names of that form which others have.
var notOurs = map[string]bool{"WithClientTrace": true, "OnBeforeRequest": true, "OnAfterResponse": true, "ErrNoFreeConns": true, "WithContext": true, "WithDeadline": true, "AsyncClient": true}

func TestDocumentsNameWhatExists(t *testing.T) {
	b, err := os.ReadFile("../../api.txt")
	if err != nil {
		t.Fatal(err)
	}
	exported := map[string]bool{}
	for _, word := range regexp.MustCompile(`[A-Z][A-Za-z0-9]*`).FindAllString(string(b), -1) {
		exported[word] = true
	}
	for _, file := range documents {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, m := range apiName.FindAllStringSubmatch(string(b), -1) {
			name := m[0]
			if m[1] != "" {
				name = m[1]
			}
			if !exported[name] && !notOurs[name] {
				t.Errorf("%s names %s, which api.txt does not have", file, name)
			}
			found++
		}
		if found == 0 {
			t.Errorf("%s names nothing; is the pattern right?", file)
		}
	}
}
