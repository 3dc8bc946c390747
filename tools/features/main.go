// Command features compares httpx/FEATURES.md with the tests that pass. It runs
// the tests of the modules given, and prints every row of the table that no
// passing subtest has the number of ("A12.3 nonce count rises"), and every
// number that subtests have and the table has not. Rows whose state is "no",
// "later" or "doc" need no test. With -write it fills in the last column, the
// tests of each row, instead of complaining.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

func main() {
	log.SetFlags(0)
	table := flag.String("table", "httpx/FEATURES.md", "the table")
	write := flag.Bool("write", false, "fill in the column of tests")
	race := flag.Bool("race", false, "with the race detector")
	flag.Parse()
	rows, lines, err := readTable(*table)
	if err != nil {
		log.Fatal(err)
	}
	found := tests{}
	ok := true
	for _, dir := range flag.Args() {
		if err := run(dir, *race, found); err != nil {
			log.Printf("%s: %v", dir, err)
			ok = false
		}
	}
	if *write {
		if err := writeTable(*table, lines, rows, found); err != nil {
			log.Fatal(err)
		}
	}
	if complaints := compare(rows, found); len(complaints) > 0 {
		fmt.Println(strings.Join(complaints, "\n"))
		ok = false
	}
	if !ok {
		os.Exit(1)
	}
	fmt.Printf("%d rows, %d of them with tests\n", len(rows), len(found))
}

// row is a line of the table: its number, its state and where it stands.
type row struct {
	number, state, what string
	line                int
}

// needsTest reports whether the row says that something is built.
func (r row) needsTest() bool { return r.state == "yes" }

var number = regexp.MustCompile(`^[A-D][0-9]+(\.[0-9]+)?$`)

// The columns: number, state, what, Go, tests; a line begins and ends with a bar.
const columns = 5

func readTable(name string) ([]row, []string, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, nil, err
	}
	lines := strings.Split(string(b), "\n")
	rows, err := parse(lines)
	if err != nil {
		return nil, nil, fmt.Errorf("%s:%w", name, err)
	}
	return rows, lines, nil
}

func parse(lines []string) (rows []row, err error) {
	seen := map[string]bool{}
	for i, line := range lines {
		cells := split(line)
		if len(cells) == 0 || !number.MatchString(cells[0]) {
			continue
		}
		r := row{number: cells[0], line: i}
		if len(cells) != columns {
			return nil, fmt.Errorf("%d: row %s has %d columns, not %d", i+1, r.number, len(cells), columns)
		}
		r.state, r.what = cells[1], cells[2]
		switch {
		case seen[r.number]:
			return nil, fmt.Errorf("%d: row %s is there twice", i+1, r.number)
		case !slices.Contains([]string{"yes", "no", "later", "doc"}, r.state):
			return nil, fmt.Errorf("%d: row %s: the state %q is none of yes, no, later, doc", i+1, r.number, r.state)
		}
		seen[r.number] = true
		rows = append(rows, r)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf(" there are no rows")
	}
	return rows, nil
}

// split cuts a line of a table into its cells; "\|" is part of a cell.
func split(line string) []string {
	line = strings.TrimSpace(line)
	if len(line) < 2 || line[0] != '|' || line[len(line)-1] != '|' {
		return nil
	}
	const bar = "\x00"
	line = strings.ReplaceAll(line[1:len(line)-1], `\|`, bar)
	cells := strings.Split(line, "|")
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(strings.TrimSpace(c), bar, `\|`)
	}
	return cells
}

// tests are the top-level tests with a passing subtest of a row, by its number:
// "httpx.TestRedirects".
type tests map[string]map[string]bool

// run runs the tests of a module, whose failures go to standard output.
func run(dir string, race bool, into tests) error {
	cmd := exec.Command("go", "test", "-timeout", "30m", "-json", fmt.Sprintf("-race=%t", race), "./...")
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := into.read(out, os.Stdout); err != nil {
		return err
	}
	return cmd.Wait()
}

// read takes the events of "go test -json". What a failing test or package
// printed goes to w, and one line for each package.
func (t tests) read(r io.Reader, w io.Writer) error {
	type key struct{ pkg, test string }
	output := map[key][]string{}
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		var e struct{ Action, Package, ImportPath, Test, Output string }
		if json.Unmarshal(line, &e) != nil {
			fmt.Fprintf(w, "%s", line) // what the go command says outside of a test
			continue
		}
		k := key{e.Package, e.Test}
		switch e.Action {
		case "build-output":
			fmt.Fprint(w, e.Output)
		case "output":
			output[k] = append(output[k], e.Output)
		case "fail":
			fmt.Fprint(w, strings.Join(output[k], ""))
			delete(output, k)
		case "pass", "skip":
			if e.Test == "" && len(output[k]) > 0 {
				fmt.Fprint(w, output[k][len(output[k])-1])
			}
			delete(output, k)
			if e.Action == "pass" {
				t.add(e.Package, e.Test)
			}
		}
	}
}

// add notes a passing test under the rows that its names begin with. Below a
// test that bears a number other names may begin with anything.
func (t tests) add(pkg, test string) {
	names := strings.Split(test, "/")
	for _, name := range names[1:] {
		n, _, _ := strings.Cut(name, "_") // "A1.1 x" is reported as "A1.1_x"
		n, _, _ = strings.Cut(n, "#")     // the second of that name
		if number.MatchString(n) {
			if t[n] == nil {
				t[n] = map[string]bool{}
			}
			t[n][pkg[strings.LastIndexByte(pkg, '/')+1:]+"."+names[0]] = true
		}
	}
}

func compare(rows []row, found tests) (complaints []string) {
	known := map[string]bool{}
	for _, r := range rows {
		known[r.number] = true
		if r.needsTest() && found[r.number] == nil {
			complaints = append(complaints, "no passing test: "+r.number+" "+r.what)
		}
	}
	for n, by := range found {
		if !known[n] {
			complaints = append(complaints, "not in the table: "+n+", tested in "+list(by))
		}
	}
	slices.Sort(complaints)
	return complaints
}

func list(by map[string]bool) string {
	var names []string
	for name := range by {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// writeTable replaces the last column.
func writeTable(name string, lines []string, rows []row, found tests) error {
	for _, r := range rows {
		cells := split(lines[r.line])
		cells[columns-1] = list(found[r.number])
		lines[r.line] = "| " + strings.Join(cells, " | ") + " |"
	}
	return os.WriteFile(name, []byte(strings.Join(lines, "\n")), 0o644)
}
