package arrows

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// row is what one package may import besides the standard library.
type row struct {
	ours       []string // within the module
	thirdParty []string // import paths, or prefixes that end in "/"
}

// table is the picture in the README as data. Arrows point down only.
var table = map[string]row{
	"wire": {},
	"tls":  {ours: []string{"internal/await"}},
	"h1":   {ours: []string{"wire", "internal/await", "internal/bufpool", "internal/grammar", "internal/reset", "internal/source"}},
	"h2":   {ours: []string{"wire", "internal/bufpool", "internal/grammar", "internal/reset", "internal/source"}, thirdParty: []string{"golang.org/x/net/http2/hpack"}},
	"pool": {ours: []string{"wire"}},
	// CONNECT is an HTTP/1.1 exchange, so proxy uses h1's codec.
	"proxy": {ours: []string{"wire", "h1", "internal/digest", "internal/grammar"}},
	"httpx": {
		// memconn is what an in-process handler is reached over.
		ours: []string{"wire", "tls", "h1", "h2", "pool", "proxy", "internal/bufpool", "internal/digest", "internal/grammar", "internal/memconn"},
		thirdParty: []string{
			"github.com/klauspost/compress/", "github.com/andybalholm/brotli",
			"golang.org/x/sync/", "golang.org/x/text/", "golang.org/x/time/",
			"golang.org/x/net/idna", "golang.org/x/net/http2/hpack", "golang.org/x/net/http/httpproxy", "golang.org/x/net/publicsuffix",
		},
	},
	"httpx/httpxtest":  {ours: []string{"httpx"}},
	"internal/await":   {},
	"internal/bufpool": {},
	"internal/digest":  {ours: []string{"wire"}},
	"internal/grammar": {ours: []string{"wire"}},
	"internal/memconn": {},
	"internal/reset":   {},
	"internal/source":  {},
	// For tests only: no row but these names them.
	"internal/leak":   {},
	"internal/faults": {ours: []string{"internal/memconn"}},
	"internal/peer":   {ours: []string{"wire", "h1", "h2", "internal/memconn"}, thirdParty: []string{"golang.org/x/net/http2/hpack"}},
	// A program for users of make.
	"internal/soak":     {ours: []string{"httpx", "tls", "internal/faults"}},
	"internal/arrows":   {},
	"internal/promises": {},
	// Test files only.
	"fuzz": {},
}

// pkg is one package and what its files import, tests left out.
type pkg struct {
	name    string // relative to the module, "/" as separator
	imports []string
}

// packages reads the module in root: the packages, and the module's path.
// Nested modules, testdata and hidden folders are left out.
func packages(t *testing.T, root string) (pkgs []pkg, module string) {
	t.Helper()
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mod)) {
		if path, ok := strings.CutPrefix(line, "module "); ok {
			module = strings.TrimSpace(path)
			break
		}
	}
	byName := map[string]*pkg{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			name := d.Name()
			if path != root && (name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || nested(path)) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		if byName[name] == nil {
			byName[name] = &pkg{name: name}
		}
		for _, spec := range file.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			byName[name].imports = append(byName[name].imports, imp)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range byName {
		slices.Sort(p.imports)
		p.imports = slices.Compact(p.imports)
		pkgs = append(pkgs, *p)
	}
	return pkgs, module
}

// nested reports whether dir is a module of its own.
func nested(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func TestImports(t *testing.T) {
	pkgs, module := packages(t, filepath.Join("..", ".."))
	if module == "" || len(pkgs) < 5 {
		t.Fatalf("read %d packages of module %q: the test looks in the wrong place", len(pkgs), module)
	}
	for _, p := range pkgs {
		for _, complaint := range check(p, module) {
			t.Error(complaint)
		}
	}
}

// check returns what is wrong with p's imports.
func check(p pkg, module string) (complaints []string) {
	r, ok := table[p.name]
	if !ok {
		return []string{fmt.Sprintf("package %q is not in the table: give it a row", p.name)}
	}
	for _, path := range p.imports {
		ours, isOurs := strings.CutPrefix(path, module+"/")
		switch {
		case path == module || isOurs:
			if !slices.Contains(r.ours, ours) {
				complaints = append(complaints, fmt.Sprintf("%s imports %s, which the table does not allow", p.name, ours))
			}
		case standard(path):
		case !slices.ContainsFunc(r.thirdParty, func(a string) bool {
			return a == path || strings.HasSuffix(a, "/") && strings.HasPrefix(path, a)
		}):
			complaints = append(complaints, fmt.Sprintf("%s imports %s of a third party, which the table does not allow", p.name, path))
		}
	}
	return complaints
}

// standard goes by the rule of the go command: the first element of any other
// import path has a dot.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// The table itself: arrows point down, and the leaves stay leaves.
func TestTableHasNoCycle(t *testing.T) {
	var walk func(name string, path []string)
	walk = func(name string, path []string) {
		if slices.Contains(path, name) {
			t.Fatalf("cycle: %s", strings.Join(append(path, name), " -> "))
		}
		r, ok := table[name]
		if !ok {
			t.Fatalf("%s is allowed somewhere and has no row", name)
		}
		for _, next := range r.ours {
			walk(next, append(slices.Clone(path), name))
		}
	}
	for name := range table {
		walk(name, nil)
	}
}

func TestCheckComplains(t *testing.T) {
	const module = "example.test/m"
	for _, tt := range []struct {
		name, pkg string
		imports   []string
		bad       int
	}{
		{"allowed", "h1", []string{"net", "crypto/tls", module + "/wire"}, 0},
		{"upwards", "wire", []string{module + "/h1"}, 1},
		{"sideways", "pool", []string{module + "/h1", module + "/tls"}, 2},
		{"test code in the product", "h1", []string{module + "/internal/memconn"}, 1},
		{"third party not allowed here", "h1", []string{"golang.org/x/net/http2/hpack"}, 1},
		{"third party allowed", "h2", []string{"golang.org/x/net/http2/hpack"}, 0},
		{"its neighbour", "h2", []string{"golang.org/x/net/http2"}, 1},
		{"prefix", "httpx", []string{"golang.org/x/text/unicode/norm", "golang.org/x/textual"}, 1},
		{"new package", "nobody/knows", nil, 1},
		{"the module's root", ".", nil, 1},
	} {
		got := check(pkg{name: tt.pkg, imports: tt.imports}, module)
		if len(got) != tt.bad {
			t.Errorf("%s: %d complaints %q, want %d", tt.name, len(got), got, tt.bad)
		}
	}
}
