package main

import (
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for name, tt := range map[string]struct{ line, want string }{
		"no row":         {"| Number | State |", "no rows"},
		"a cell less":    {"| A1.1 | yes | x | y |", "4 columns"},
		"another state":  {"| A1.1 | maybe | x | y | |", `"maybe"`},
		"twice":          {"| A1.1 | yes | x | y | |\n| A1.1 | no | x | y | |", "twice"},
		"a bar in there": {`| A1.1 | yes | x \| z | y | |`, ""},
		"one number":     {"| B7 | later | x | y | |", ""},
	} {
		rows, err := parse(strings.Split(tt.line, "\n"))
		if tt.want == "" && (err != nil || len(rows) != 1) || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v %v", name, rows, err)
		}
	}
}

func TestCompare(t *testing.T) {
	events := `{"Action":"run","Package":"x/p","Test":"TestA"}
{"Action":"output","Package":"x/p","Test":"TestA/A1.2_fails","Output":"it failed\n"}
{"Action":"pass","Package":"x/p","Test":"TestA/A1.1_works"}
{"Action":"pass","Package":"x/p","Test":"TestA/table/B3"}
{"Action":"pass","Package":"x/p","Test":"TestA/C9_extra#01"}
{"Action":"pass","Package":"x/p","Test":"TestA/A1.10"}
{"Action":"skip","Package":"x/p","Test":"TestA/A1.4_skipped"}
{"Action":"fail","Package":"x/p","Test":"TestA/A1.2_fails"}
not an event
{"Action":"output","Package":"x/p","Output":"FAIL x/p 0.1s\n"}
{"Action":"fail","Package":"x/p"}
`
	rows, err := parse(strings.Split(`
| A1.1 | yes | one | | |
| A1.2 | yes | two | | |
| A1.3 | later | three | | |
| A1.4 | yes | four | | |
| A1.10 | yes | ten | | |
| B3 | yes | five | | |`, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	found, out := tests{}, new(strings.Builder)
	if err := found.read(strings.NewReader(events), out); err != nil {
		t.Fatal(err)
	}
	if want := "it failed\nnot an event\nFAIL x/p 0.1s\n"; out.String() != want {
		t.Errorf("printed %q, want %q", out, want)
	}
	want := []string{"no passing test: A1.2 two", "no passing test: A1.4 four", "not in the table: C9, tested in p.TestA"}
	if got := compare(rows, found); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
