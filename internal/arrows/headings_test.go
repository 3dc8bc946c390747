package arrows

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What a package is, who may call it at once and what it cannot do stands in doc.go
// under headings; those for users tell of their errors as well.
func TestPackagesAreDocumented(t *testing.T) {
	for name := range table {
		want := []string{"# Overview", "# Concurrency", "# Limitations"}
		if !strings.HasPrefix(name, "internal/") && name != "fuzz" {
			want = []string{"# Overview", "# Concurrency", "# Errors", "# Limitations"}
		}
		b, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name), "doc.go"))
		if os.IsNotExist(err) && strings.HasPrefix(name, "internal/") { // in a file named as the package
			b, err = os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name), filepath.Base(name)+".go"))
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text, _, _ := strings.Cut(string(b), "\npackage ")
		var headings []string
		for line := range strings.Lines(text) {
			if h := strings.TrimPrefix(strings.TrimSpace(line), "// "); strings.HasPrefix(h, "# ") {
				headings = append(headings, h)
			}
		}
		for _, h := range want {
			if !slices.Contains(headings, h) {
				t.Errorf("%s: doc.go has no heading %q", name, h)
			}
		}
	}
}

// Each package has its row in the README's table of folders.
func TestReadmeNamesEveryPackage(t *testing.T) {
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, layout, found := strings.Cut(string(b), "\n## Architecture and layout\n")
	if !found {
		t.Fatal("README.md has no layout")
	}
	layout, _, _ = strings.Cut(layout, "\n## ")
	for name := range table {
		if !strings.Contains(layout, "`"+name+"`") {
			t.Errorf("README.md does not tell of %s", name)
		}
	}
}
