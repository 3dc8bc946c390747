package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree writes a library and a command that needs it, and returns their root.
func tree(t *testing.T, more map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":                "module lib.example\n\ngo 1.25.0\n",
		"lib.go":                "package lib\n\nconst Name = \"lib\"\n",
		"httpx/cmd/htx/go.mod":  "module lib.example/httpx/cmd/htx\n\ngo 1.25.0\n\nreplace lib.example => ../../../\n\nrequire lib.example v0.0.0-00010101000000-000000000000\n",
		"httpx/cmd/htx/main.go": "package main\n\nimport \"lib.example\"\n\nfunc main() { println(lib.Name) }\n",
	} {
		write(t, filepath.Join(root, name), content)
	}
	for name, content := range more {
		write(t, filepath.Join(root, name), content)
	}
	return root
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestPrepare(t *testing.T) {
	root, proxy := tree(t, nil), t.TempDir()
	if path, err := publish(root, proxy); err != nil || path != "lib.example" {
		t.Fatal(path, err)
	}
	env := []string{"GOPROXY=" + fileURL(proxy), "GOSUMDB=off", "GOFLAGS=-modcacherw", "GOMODCACHE=" + t.TempDir(), "GOWORK=off"}
	if err := prepare(root, "v0.0.2", env); err == nil {
		t.Error("a version that nobody has published passes")
	}
	if err := prepare(root, rehearsed, env); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(root, "httpx", "cmd", "htx", "go.mod"))
	if s := string(b); err != nil || strings.Contains(s, "replace") || !strings.Contains(s, "require lib.example "+rehearsed) {
		t.Errorf("%v\n%s", err, s)
	}
	if sums, err := os.ReadFile(filepath.Join(root, "httpx", "cmd", "htx", "go.sum")); err != nil || !strings.Contains(string(sums), "lib.example "+rehearsed+" h1:") {
		t.Errorf("%v\n%s", err, sums)
	}
}

func TestNoVersion(t *testing.T) {
	for _, v := range []string{"", "1.2.3", "v1", "v1.2", "latest", "v1.2.3+build"} {
		if err := prepare(tree(t, nil), v, nil); err == nil || !strings.Contains(err.Error(), "no version") {
			t.Errorf("%q: %v", v, err)
		}
	}
}

// A replace line for another module would be refused by go install as well.
func TestAnotherReplace(t *testing.T) {
	root, proxy := tree(t, map[string]string{
		"other/go.mod": "module other.example\n",
		"httpx/cmd/htx/go.mod": "module lib.example/httpx/cmd/htx\n\ngo 1.25.0\n\nreplace lib.example => ../../../\n\nreplace other.example => ../../../other\n\n" +
			"require lib.example v0.0.0-00010101000000-000000000000\n",
	}), t.TempDir()
	if _, err := publish(root, proxy); err != nil {
		t.Fatal(err)
	}
	env := []string{"GOPROXY=" + fileURL(proxy), "GOSUMDB=off", "GOFLAGS=-modcacherw", "GOMODCACHE=" + t.TempDir(), "GOWORK=off"}
	if err := prepare(root, rehearsed, env); err == nil || !strings.Contains(err.Error(), "still replaces other.example") {
		t.Error(err)
	}
}

// A file that the go command takes into no module.
func TestUnfitFile(t *testing.T) {
	if _, err := publish(tree(t, map[string]string{"testdata/aux.txt": ""}), t.TempDir()); err == nil || !strings.Contains(err.Error(), "aux") {
		t.Error(err)
	}
}
