package arrows

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
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
	"tls":  {},
	"h1":   {ours: []string{"wire", "internal/bufpool"}},
	"h2":   {ours: []string{"wire", "internal/bufpool"}, thirdParty: []string{"golang.org/x/net/http2/hpack"}},
	"pool": {ours: []string{"wire"}},
	// CONNECT is an HTTP/1.1 exchange, so proxy uses h1's codec.
	"proxy": {ours: []string{"wire", "h1"}},
	"httpx": {
		ours: []string{"wire", "tls", "h1", "h2", "pool", "proxy", "internal/bufpool"},
		thirdParty: []string{
			"github.com/klauspost/compress/", "github.com/andybalholm/brotli",
			"golang.org/x/sync/", "golang.org/x/text/",
			"golang.org/x/net/idna", "golang.org/x/net/http/httpproxy", "golang.org/x/net/publicsuffix",
		},
	},
	"internal/bufpool": {},
	// For tests only: no row but these names them.
	"internal/memconn": {},
	"internal/peer":    {ours: []string{"wire", "h1", "h2", "internal/memconn"}},
	"internal/arrows":  {},
	// Test files only.
	"fuzz": {},
}

// listed is what "go list -json" says of a package.
type listed struct {
	ImportPath string
	Imports    []string
	Module     *struct {
		Path string
		Main bool
	}
}

// list returns the packages of the module as built for goos, and the module's
// path. It needs no network and builds nothing.
func list(t *testing.T, goos string) (pkgs []listed, module string) {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,Module", "./...")
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH=amd64", "GOWORK=off")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list for %s: %v", goos, err)
	}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if p.Module == nil || !p.Module.Main {
			t.Fatalf("%s is in no main module", p.ImportPath)
		}
		module = p.Module.Path
		pkgs = append(pkgs, p)
	}
	if len(pkgs) == 0 {
		t.Fatal("go list found no package")
	}
	return pkgs, module
}

func TestImports(t *testing.T) {
	for _, goos := range []string{"linux", "darwin", "windows"} {
		t.Run(goos, func(t *testing.T) {
			pkgs, module := list(t, goos)
			for _, p := range pkgs {
				for _, complaint := range check(p, module) {
					t.Error(complaint)
				}
			}
		})
	}
}

// check returns what is wrong with p's imports.
func check(p listed, module string) (complaints []string) {
	name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
	r, ok := table[name]
	if !ok {
		return []string{fmt.Sprintf("package %q is not in the table: give it a row", name)}
	}
	for _, path := range p.Imports {
		ours, isOurs := strings.CutPrefix(path, module+"/")
		switch {
		case path == module || isOurs:
			if !slices.Contains(r.ours, ours) {
				complaints = append(complaints, fmt.Sprintf("%s imports %s, which the table does not allow", name, ours))
			}
		case standard(path):
		case !slices.ContainsFunc(r.thirdParty, func(p string) bool {
			return p == path || strings.HasSuffix(p, "/") && strings.HasPrefix(path, p)
		}):
			complaints = append(complaints, fmt.Sprintf("%s imports %s of a third party, which the table does not allow", name, path))
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
		{"test helper in the product", "h1", []string{module + "/internal/memconn"}, 1},
		{"third party not allowed here", "h1", []string{"golang.org/x/net/http2/hpack"}, 1},
		{"third party allowed", "h2", []string{"golang.org/x/net/http2/hpack"}, 0},
		{"its neighbour", "h2", []string{"golang.org/x/net/http2"}, 1},
		{"prefix", "httpx", []string{"golang.org/x/text/unicode/norm", "golang.org/x/textual"}, 1},
		{"new package", "nobody/knows", nil, 1},
		{"the module's root", "", nil, 1},
	} {
		got := check(listed{ImportPath: strings.TrimSuffix(module+"/"+tt.pkg, "/"), Imports: tt.imports}, module)
		if len(got) != tt.bad {
			t.Errorf("%s: %d complaints %q, want %d", tt.name, len(got), got, tt.bad)
		}
	}
}
