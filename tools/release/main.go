// Command release prepares the command httpx/cmd/htx for a release, and
// rehearses that.
//
//	release htx v1.2.3   httpx/cmd/htx/go.mod requires v1.2.3 of the library
//	release check        all of it on a copy of HEAD, up to go install
//
// In the repository the command's go.mod replaces the library by the folder
// above, so that both are developed together and a fresh clone builds. "go install
// …@v1.2.3" refuses a module with replace lines. So the released commit, which
// only a tag leads to, is without. A go.work file could not do instead: "go mod
// tidy" does not look at it and would ask the network for a version that is not
// there yet.
//
// The check publishes both modules to a proxy in a temporary folder and installs
// the command from there, with a module cache of its own. Once what other modules
// it needs is in the user's cache, it works without a network.
package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	"golang.org/x/mod/zip"
)

// command is the module with the command, seen from the root.
const command = "httpx/cmd/htx"

// rehearsed is the version of the check. It is never published.
const rehearsed = "v0.0.1-rehearsal"

func main() {
	log.SetFlags(0)
	log.SetPrefix("release: ")
	root := flag.String("root", "..", "the root of the repository")
	flag.Parse()
	dir, err := filepath.Abs(*root)
	if err == nil {
		switch args := flag.Args(); {
		case len(args) == 2 && args[0] == "htx":
			err = prepare(dir, args[1], nil)
		case len(args) == 1 && args[0] == "check":
			err = check(dir)
		default:
			err = errors.New("usage: release htx VERSION | release check")
		}
	}
	if err != nil {
		log.Fatal(err)
	}
}

// prepare changes the command's go.mod and go.sum under root: no replace lines,
// and the library at version.
func prepare(root, version string, env []string) error {
	if !semver.IsValid(version) || semver.Canonical(version) != version {
		return fmt.Errorf("%q is no version like v1.2.3", version)
	}
	path, err := modulePath(root)
	if err != nil {
		return err
	}
	dir := filepath.Join(root, filepath.FromSlash(command))
	if err := run(dir, env, "go", "mod", "edit", "-dropreplace="+path, "-require="+path+"@"+version); err != nil {
		return err
	}
	if err := run(dir, env, "go", "mod", "tidy"); err != nil {
		return err
	}
	b, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return err
	}
	mod, err := modfile.Parse("go.mod", b, nil)
	if err != nil {
		return err
	}
	if len(mod.Replace) > 0 {
		return fmt.Errorf("%s/go.mod still replaces %s", command, mod.Replace[0].Old)
	}
	for _, r := range mod.Require {
		if r.Mod == (module.Version{Path: path, Version: version}) {
			return nil
		}
	}
	return fmt.Errorf("%s/go.mod does not require %s@%s", command, path, version)
}

// check rehearses a release.
func check(root string) error {
	tmp, err := os.MkdirTemp("", "release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	src, proxy, bin := filepath.Join(tmp, "src"), filepath.Join(tmp, "proxy"), filepath.Join(tmp, "bin")
	if err := export(root, src); err != nil {
		return err
	}
	commandDir := filepath.Join(src, filepath.FromSlash(command))
	// As it is in the repository it must be tidy, and this fetches all that is
	// needed below, with its checksums verified.
	if err := run(commandDir, nil, "go", "mod", "tidy", "-diff"); err != nil {
		return err
	}
	cache, err := output(src, "go", "env", "GOMODCACHE")
	if err != nil {
		return err
	}
	env := []string{
		// What the check makes up must not stay in the user's cache of modules.
		// With -trimpath that of packages serves all runs, whatever the folder.
		"GOMODCACHE=" + filepath.Join(tmp, "cache"), "GOFLAGS=-modcacherw -trimpath",
		"GOPROXY=" + fileURL(proxy) + "," + fileURL(filepath.Join(cache, "cache", "download")), "GOSUMDB=off",
		"GOWORK=off", "GOBIN=" + bin,
	}
	path, err := publish(src, proxy)
	if err != nil {
		return err
	}
	if err := prepare(src, rehearsed, env); err != nil {
		return err
	}
	if _, err := publish(commandDir, proxy); err != nil {
		return err
	}
	empty := filepath.Join(tmp, "empty")
	if err := os.Mkdir(empty, 0o777); err != nil {
		return err
	}
	if err := run(empty, env, "go", "install", path+"/"+command+"@"+rehearsed); err != nil {
		return err
	}
	installed, err := filepath.Glob(filepath.Join(bin, "htx*"))
	if err != nil || len(installed) != 1 {
		return fmt.Errorf("go install left %v in its folder, %v", installed, err)
	}
	return run(empty, env, installed[0], "--version")
}

// export writes the files of HEAD to dir.
func export(root, dir string) error {
	cmd := exec.Command("git", "archive", "--format=tar", "HEAD")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	b, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("git archive: %w", err)
	}
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		name := filepath.Join(dir, filepath.FromSlash(h.Name))
		switch h.Typeflag {
		case tar.TypeDir:
			err = os.MkdirAll(name, 0o777)
		case tar.TypeReg:
			var content []byte
			if content, err = io.ReadAll(r); err == nil {
				err = os.WriteFile(name, content, os.FileMode(h.Mode))
			}
		}
		if err != nil {
			return err
		}
	}
}

// publish puts the module in dir on the proxy, whose layout is that of "go help
// goproxy", and returns its path.
func publish(dir, proxy string) (path string, err error) {
	if path, err = modulePath(dir); err != nil {
		return "", err
	}
	escaped, err := module.EscapePath(path)
	if err != nil {
		return "", err
	}
	at := filepath.Join(proxy, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(at, 0o777); err != nil {
		return "", err
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return "", err
	}
	var content bytes.Buffer
	// Leaves out the modules below dir, like the real proxy.
	if err := zip.CreateFromDir(&content, module.Version{Path: path, Version: rehearsed}, dir); err != nil {
		return "", err
	}
	for name, b := range map[string][]byte{
		"list":              []byte(rehearsed + "\n"),
		rehearsed + ".mod":  mod,
		rehearsed + ".info": []byte(`{"Version":"` + rehearsed + `","Time":"2026-01-01T00:00:00Z"}`),
		rehearsed + ".zip":  content.Bytes(),
	} {
		if err := os.WriteFile(filepath.Join(at, name), b, 0o666); err != nil {
			return "", err
		}
	}
	return path, nil
}

func modulePath(dir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return "", err
	}
	path := modfile.ModulePath(b)
	if path == "" {
		return "", fmt.Errorf("%s/go.mod names no module", dir)
	}
	return path, nil
}

// fileURL is a folder as GOPROXY wants it.
func fileURL(dir string) string {
	dir = filepath.ToSlash(dir)
	if !strings.HasPrefix(dir, "/") {
		dir = "/" + dir // C:/…
	}
	return "file://" + dir
}

func run(dir string, env []string, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return nil
}

func output(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	b, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return strings.TrimSpace(string(b)), nil
}
