//go:build linux || darwin

package main

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gohttpx.dev/httpx/cmd/htx/internal/picture"
)

// pictureFile is the picture in the README.
var pictureFile = filepath.Join("..", "..", "..", "docs", "htx.svg")

// The picture shows what the command prints today; with -update it is drawn
// anew. Its host is a server of this test's: what leads there is left out of the
// command lines in the picture.
func TestPicture(t *testing.T) {
	cert, err := makeCertificate("api.example.org")
	if err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}), 0o600); err != nil {
		t.Fatal(err)
	}
	url := testServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", "Mon, 02 Mar 2026 09:00:00 GMT")
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodPost {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusUnprocessableEntity)
			io.WriteString(w, `{"title":"A lamp takes more than no power","status":422}`)
			return
		}
		io.WriteString(w, `{"id":7,"name":"desk lamp","watts":7.5,"on":true,"room":null,"tags":["led","dimmable"]}`)
	}), &tls.Config{Certificates: []tls.Certificate{cert}})
	toServer := []string{"--connect-to", "::" + strings.TrimPrefix(url, "https://")}

	var text strings.Builder
	for _, c := range []struct {
		line   string
		hidden []string
		code   int
	}{
		{"htx https://api.example.org/lamps/7", append([]string{"--cacert", ca}, toServer...), exitOK},
		{"htx https://api.example.org/lamps -j '{\"watts\": -1}'", append([]string{"--cacert", ca}, toServer...), exitFailed},
		{"htx https://api.example.org/lamps/7", toServer, exitFailed},
	} {
		r := inTerminal(t, invocation{args: append(words(c.line)[1:], c.hidden...)})
		if r.code != c.code {
			t.Fatal(r)
		}
		text.WriteString("\x1b[32;1m$\x1b[0m " + c.line + "\n" + r.out + r.err + "\n")
	}
	got, err := picture.SVG("htx in a terminal", strings.TrimSuffix(text.String(), "\n"), 96)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(pictureFile, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(pictureFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("docs/htx.svg is not what htx prints: go test -run TestPicture -update draws it anew\n%s", text.String())
	}
}
