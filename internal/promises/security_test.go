package promises

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A test that SECURITY.md names, `h1.TestX` or `h1.TestX/subtest`: the folder of
// its package, its function, and how the name of the subtest begins.
var namedTest = regexp.MustCompile("`([a-z0-9/]+)\\.((?:Test|Fuzz)\\w+)(?:/([^`]+))?`")

// missingTests returns what text names that is not in the test files of the folders
// below root. A subtest is there if its name is written somewhere in a test file, be
// it as a whole or as the beginning of one that is put together.
func missingTests(root, text string) (missing []string, named int, err error) {
	sources := map[string]string{}
	for _, m := range namedTest.FindAllStringSubmatch(text, -1) {
		named++
		dir := m[1]
		if _, read := sources[dir]; !read {
			files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(dir), "*_test.go"))
			if err != nil {
				return nil, 0, err
			}
			var all strings.Builder
			for _, name := range files {
				b, err := os.ReadFile(name)
				if err != nil {
					return nil, 0, err
				}
				all.Write(b)
			}
			sources[dir] = all.String()
		}
		has := strings.Contains(sources[dir], "func "+m[2]+"(")
		if has && m[3] != "" {
			has = strings.Contains(sources[dir], `"`+m[3])
		}
		if !has {
			missing = append(missing, m[0])
		}
	}
	return missing, named, nil
}

func TestSecurityNamesTestsThatExist(t *testing.T) {
	b, err := os.ReadFile("../../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	missing, named, err := missingTests("../..", string(b))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range missing {
		t.Errorf("SECURITY.md names %s, which is not there", m)
	}
	if named < 50 {
		t.Errorf("SECURITY.md names %d tests; is the table still read?", named)
	}
	// Every row of the tables of attacks has one.
	attacks, rows := false, 0
	for line := range strings.Lines(string(b)) {
		switch {
		case strings.HasPrefix(line, "| attack |"):
			attacks = true
		case !strings.HasPrefix(line, "|"):
			attacks = false
		case attacks && !strings.HasPrefix(line, "|-"):
			rows++
			if cells := strings.Split(line, " | "); len(cells) != 3 || !namedTest.MatchString(cells[2]) {
				t.Errorf("no test in %q", line)
			}
		}
	}
	if rows < 30 {
		t.Errorf("SECURITY.md has %d attacks; are the tables still read?", rows)
	}
}

func TestMissingTests(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "p", "q")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	const source = "package q\n\nfunc TestA(t *testing.T) { t.Run(\"one by one\", nil); t.Run(\"two \"+name, nil) }\n"
	if err := os.WriteFile(filepath.Join(dir, "a_test.go"), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	text := "`p/q.TestA` `p/q.TestA/one by one` `p/q.TestA/two` `p/q.TestB` `p/q.TestA/three` `p.TestA` `p/q.Config`"
	missing, named, err := missingTests(root, text)
	if want := "`p/q.TestB` `p/q.TestA/three` `p.TestA`"; err != nil || strings.Join(missing, " ") != want || named != 6 {
		t.Errorf("%q of %d, %v; want %s", missing, named, err, want)
	}
}
