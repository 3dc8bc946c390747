package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestBlocks(t *testing.T) {
	const fence = "```"
	section := func(s string) string {
		return "# P\n\n" + fence + "sh\nfalse\n" + fence + "\n\n## T\n\n" + s + "\n## U\n\n" + fence + "text\nno\n" + fence + "\n"
	}
	good := fence + "sh\na\nb\n" + fence + "\ntext\n" + fence + "go\npackage main\n" + fence + "\n"
	for name, c := range map[string]struct {
		text string
		want []block
		err  string
	}{
		"both kinds":        {section(good), []block{{"sh", "a\nb\n"}, {"go", "package main\n"}}, ""},
		"no section":        {"# P\n", nil, "no section"},
		"another kind":      {section(good + fence + "\nx\n" + fence + "\n"), nil, "other kinds"},
		"no program":        {section(fence + "sh\na\n" + fence + "\n"), nil, "a program are expected"},
		"no blocks":         {section("words\n"), nil, "are expected"},
		"a block left open": {"\n## T\n" + good + fence + "sh\n", nil, "not closed"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := blocks(c.text, "T")
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("%v, %v; want an error with %q", got, err, c.err)
				}
				return
			}
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// The whole README is walked by .ci/readme. Here a small one is, which makes a
// module without requirements.
func TestWalk(t *testing.T) {
	const program = "package main\n\nimport \"os\"\n\nfunc main() { os.Stdout.WriteString(PRINT) }\n"
	for name, c := range map[string]struct{ commands, print, err string }{
		"a program that prints the page": {"mkdir m\ncd m\ngo mod init example.org/m", page, ""},
		"a program that prints no page":  {"mkdir m\ncd m\ngo mod init example.org/m", "other", "does not print the page"},
		"a command that fails":           {"mkdir m\nfalse\ncd m", page, "exit status 1"},
		"the clone, and where it is":     {"test \"$(cd \"$REPO\" && pwd)\" = \"$REPO\"\ntest -f \"$REPO/README.md\"\nmkdir m\ncd m\ngo mod init example.org/m", page, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SSL_CERT_FILE", "")
			root := t.TempDir()
			text := "# P\n\n## " + title + "\n\n```sh\n" + c.commands + "\n```\n\n```go\n" +
				strings.Replace(program, "PRINT", "\""+c.print+"\"", 1) + "```\n\n```sh\ntest -f main.go\ntest -z \"${SSL_CERT_FILE-}\"\ngo run . && test -n \"$SSL_CERT_FILE\"\n```\n"
			if err := os.WriteFile(filepath.Join(root, "README.md"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			err := walk(root)
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("%v; want %q", err, c.err)
			}
		})
	}
}
