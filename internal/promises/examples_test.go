package promises

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// namedExample is an example in the index, `httpx.ExampleX` with its file.
	namedExample = regexp.MustCompile("\\[`([a-z0-9/]+)\\.(Example\\w*)`\\]\\(\\.\\./([^)]+)\\)")
	exampleFunc  = regexp.MustCompile(`(?m)^func (Example\w*)\(\) \{`)
)

// examples returns the examples of the test files below root, as "folder/file:name",
// and those among them that have no output to be compared.
func examples(t *testing.T, root string) (all map[string]bool, mute []string) {
	t.Helper()
	all = map[string]bool{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && d.Name() == ".git" {
			return fs.SkipDir
		}
		if err != nil || d.IsDir() || !strings.HasSuffix(file, "_test.go") || strings.Contains(file, "testdata") {
			return err
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		for _, m := range exampleFunc.FindAllSubmatchIndex(b, -1) {
			name := filepath.ToSlash(rel) + ":" + string(b[m[2]:m[3]])
			all[name] = true
			body, _, _ := strings.Cut(string(b[m[1]:]), "\n}\n")
			if !strings.Contains(body, "\n\t// Output:") && !strings.Contains(body, "\n\t// Unordered output:") {
				mute = append(mute, name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, mute
}

// The index of examples names those that there are, where they are, and all of them.
func TestExamplesAreThoseOfTheIndex(t *testing.T) {
	b, err := os.ReadFile("../../docs/examples.md")
	if err != nil {
		t.Fatal(err)
	}
	all, mute := examples(t, "../..")
	indexed := map[string]bool{}
	for _, m := range namedExample.FindAllStringSubmatch(string(b), -1) {
		name := m[3] + ":" + m[2]
		indexed[name] = true
		if !all[name] || path.Dir(m[3]) != m[1] {
			t.Errorf("docs/examples.md names %s, which is not there", m[0])
		}
	}
	for name := range all {
		if !indexed[name] {
			t.Errorf("docs/examples.md does not name %s", name)
		}
	}
	for _, name := range mute {
		t.Errorf("%s has no output to be compared", name)
	}
	if len(indexed) < 90 {
		t.Errorf("the index names %d examples; is it still read?", len(indexed))
	}
}

// Links of the documents, to files and to headings of them. Code has no links.
var (
	link = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	code = regexp.MustCompile("`[^`\n]*`")
)

func TestLinksLeadSomewhere(t *testing.T) {
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, "../../README.md", "../../SECURITY.md", "../../CHANGELOG.md", "../../CONTRIBUTING.md", "../../httpx/cmd/htx/README.md", "../../bench/README.md")
	found := 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(string(b), ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			found++
			to, heading, _ := strings.Cut(m[1], "#")
			target := filepath.Join(filepath.Dir(file), filepath.FromSlash(to))
			if to == "" {
				target = file
			}
			text, err := os.ReadFile(target)
			if info, statErr := os.Stat(target); statErr == nil && info.IsDir() {
				err = nil
			}
			if err != nil {
				t.Errorf("%s links to %s: %v", file, m[1], err)
			} else if heading != "" && !hasHeading(string(text), heading) {
				t.Errorf("%s links to %s, which has no such heading", file, m[1])
			}
		}
	}
	if found < 50 {
		t.Errorf("%d links; is the pattern right?", found)
	}
}

// hasHeading reports whether the text has a heading with that anchor.
func hasHeading(text, anchor string) bool {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			title := strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#")))
			title = regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(title, "")
			if strings.ReplaceAll(title, " ", "-") == anchor {
				return true
			}
		}
	}
	return false
}
