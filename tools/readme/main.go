// Command readme does what README.md tells newcomers to do in the first five
// minutes, word for word, and fails if that does not work.
//
// The section's blocks are taken in their order: what is marked as go becomes main.go
// in the folder reached by then, what is marked as sh is run there, line by line. REPO
// is the repository, from which git clones what is committed. All happens in a temporary
// folder. The go command may fetch modules; example.com, which the program asks, is
// played by a server of this command, reached through HTTPS_PROXY and trusted by
// SSL_CERT_FILE, so that nothing else leaves the machine.
package main

import (
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// title is that of the section.
const title = "First five minutes"

// page is what the server says. The program must print it.
const page = "A page of example.com, as it may be."

func main() {
	log.SetFlags(0)
	log.SetPrefix("readme: ")
	root := flag.String("root", "..", "the root of the repository")
	flag.Parse()
	if err := walk(*root); err != nil {
		log.Fatal(err)
	}
}

func walk(root string) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	b, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		return err
	}
	steps, err := blocks(string(b), title)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "readme-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	proxied, stop, err := example(dir)
	if err != nil {
		return err
	}
	defer stop()

	here := dir
	last := ""
	for _, s := range steps {
		if s.kind == "go" {
			if err := os.WriteFile(filepath.Join(here, "main.go"), []byte(s.text), 0o644); err != nil {
				return err
			}
			continue
		}
		for command := range strings.Lines(s.text) {
			fmt.Print(command)
			env := append(os.Environ(), "REPO="+root)
			// The go command must not meet our proxy when it fetches modules, which it
			// has done before the program runs.
			if strings.HasPrefix(command, "go run .") {
				env = append(env, proxied...)
			}
			if last, here, err = sh(here, command, env); err != nil {
				return fmt.Errorf("%w\n%s", err, last)
			}
		}
	}
	if !strings.Contains(last, page) {
		return fmt.Errorf("the program does not print the page, but:\n%s", last)
	}
	fmt.Print(last)
	return nil
}

// block is one fenced block, and kind its info string.
type block struct{ kind, text string }

// blocks returns the blocks of the section with that title which are marked as sh or
// go. Others are an error, lest a step be left out for its mark.
func blocks(text, title string) ([]block, error) {
	_, section, found := strings.Cut(text, "\n## "+title+"\n")
	if !found {
		return nil, fmt.Errorf("no section %q", title)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var all []block
	kinds := map[string]int{}
	open := false
	for line := range strings.Lines(section) {
		switch kind, fence := strings.CutPrefix(line, "```"); {
		case fence && !open:
			open = true
			all = append(all, block{kind: strings.TrimSpace(kind)})
			kinds[strings.TrimSpace(kind)]++
		case fence:
			open = false
		case open:
			all[len(all)-1].text += line
		}
	}
	switch n := kinds["sh"] + kinds["go"]; {
	case open:
		return nil, fmt.Errorf("%q: a block is not closed", title)
	case n != len(all):
		return nil, fmt.Errorf("%q: blocks of other kinds than sh and go: %v", title, kinds)
	case kinds["sh"] == 0 || kinds["go"] == 0:
		return nil, fmt.Errorf("%q: commands and a program are expected, there is %v", title, kinds)
	}
	return all, nil
}

// sh runs a command in dir, and returns what it prints and the folder in which it
// ends, for cd.
func sh(dir, command string, env []string) (out, end string, err error) {
	where, err := os.CreateTemp("", "readme-")
	if err != nil {
		return "", dir, err
	}
	where.Close()
	defer os.Remove(where.Name())
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", command+"\npwd >\"$WHERE\"\n")
	cmd.Dir = dir
	cmd.Env = append(env, "WHERE="+where.Name())
	b, err := cmd.CombinedOutput()
	if err != nil {
		return string(b), dir, fmt.Errorf("%w of:\n%s", err, command)
	}
	end = dir
	if p, err := os.ReadFile(where.Name()); err != nil {
		return string(b), dir, err
	} else if s := strings.TrimSpace(string(p)); s != "" {
		end = s
	}
	return string(b), end, nil
}

// example starts example.com, and a proxy that leads to it and to nothing else, and
// returns the environment in which both hold.
func example(dir string) (env []string, stop func(), err error) {
	// httptest's certificate is for example.com.
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		fmt.Fprintln(rw, page)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	roots := filepath.Join(dir, "roots.pem")
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(roots, cert, 0o600); err != nil {
		server.Close()
		return nil, nil, err
	}
	proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != "CONNECT" || r.Host != "example.com:443" {
			http.Error(rw, "only example.com is here", http.StatusForbidden)
			return
		}
		if err := tunnel(rw, server.Listener.Addr().String()); err != nil {
			log.Print(err)
		}
	}))
	stop = func() { proxy.CloseClientConnections(); proxy.Close(); server.Close() }
	return []string{"HTTPS_PROXY=" + proxy.URL, "https_proxy=" + proxy.URL, "NO_PROXY=", "no_proxy=", "SSL_CERT_FILE=" + roots}, stop, nil
}

// tunnel carries bytes between the client and addr until one of the two ends.
func tunnel(rw http.ResponseWriter, addr string) error {
	to, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer to.Close()
	from, buffered, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		return err
	}
	defer from.Close()
	if _, err := io.WriteString(from, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return err
	}
	back := make(chan struct{})
	go func() { // ends with either connection; waited for below
		defer close(back)
		io.Copy(from, to)
		from.Close()
	}()
	_, err = io.Copy(to, buffered)
	to.Close()
	<-back
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return err
}
