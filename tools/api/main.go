// Command api lists what the public packages of the library export, one line for
// each identifier, field and method, and compares the list with the file in which
// it was last agreed upon. A change of the API is so seen in review. With -write
// it writes the file instead.
//
// It also complains about everything exported that has no comment.
//
// Run it at the root of the repository.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

func main() {
	log.SetFlags(0)
	file := flag.String("file", "api.txt", "the listing")
	write := flag.Bool("write", false, "write the listing")
	flag.Parse()

	lines, silent, err := list(".", "./...")
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range silent {
		fmt.Println(s + " has no comment")
	}
	if *write {
		if err := os.WriteFile(*file, []byte(strings.Join(lines, "\n")+"\n"), 0o666); err != nil {
			log.Fatal(err)
		}
	}
	b, err := os.ReadFile(*file)
	if err != nil {
		log.Fatal(err)
	}
	changes := compare(strings.Split(strings.TrimSpace(string(b)), "\n"), lines)
	for _, c := range changes {
		fmt.Println(c)
	}
	if len(changes) > 0 {
		fmt.Printf("The public API is not that of %s. If that is meant, run make api WRITE=1 and say so in CHANGELOG.md.\n", *file)
	}
	if len(changes)+len(silent) > 0 {
		os.Exit(1)
	}
	fmt.Printf("%d lines of API\n", len(lines))
}

// compare returns what only one of two sorted listings has, marked with - or +.
func compare(was, is []string) []string {
	var out []string
	for len(was)+len(is) > 0 {
		switch {
		case len(is) == 0 || len(was) > 0 && was[0] < is[0]:
			out, was = append(out, "- "+was[0]), was[1:]
		case len(was) == 0 || is[0] < was[0]:
			out, is = append(out, "+ "+is[0]), is[1:]
		default:
			was, is = was[1:], is[1:]
		}
	}
	return out
}

// list loads the packages below dir that match, on Linux, and returns the sorted
// lines of those that others can import, and what of it has no comment.
func list(dir string, patterns ...string) (lines, silent []string, err error) {
	loaded, err := packages.Load(&packages.Config{
		Dir:  dir,
		Env:  append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0"),
		Mode: packages.NeedName | packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedImports | packages.NeedDeps | packages.NeedModule,
	}, patterns...)
	if err != nil {
		return nil, nil, err
	}
	if packages.PrintErrors(loaded) > 0 {
		return nil, nil, fmt.Errorf("the packages do not compile")
	}
	for _, p := range loaded {
		if p.Name == "main" || strings.Contains(p.PkgPath+"/", "/internal/") || strings.HasSuffix(p.PkgPath, "/fuzz") {
			continue
		}
		l, s := exported(p)
		lines, silent = append(lines, l...), append(silent, s...)
	}
	slices.Sort(lines)
	slices.Sort(silent)
	return lines, silent, nil
}
