package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gohttpx.dev/httpx"
)

// names are those of the files in a directory.
func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	es, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		list = append(list, e.Name())
	}
	return list
}

func TestSaveToFile(t *testing.T) {
	content := strings.Repeat("0123456789abcdef", 20_000)
	overBoth(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		switch r.URL.Path {
		case "/missing":
			http.Error(w, "no such file", 404)
			return
		case "/cut":
			w.Header().Set("Content-Length", fmt.Sprint(len(content)+1))
			io.WriteString(w, content)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		case "/stuck":
			io.WriteString(w, content)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return
		case "/unknown":
			w.(http.Flusher).Flush()
		default:
			w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		}
		io.WriteString(w, content)
	}, func(t *testing.T, c *httpx.Client, url string) {
		ctx := context.Background()
		open := func(t *testing.T, path string, opts ...httpx.RequestOption) *httpx.Response {
			t.Helper()
			resp, err := c.Stream(ctx, "GET", url+path, opts...)
			if err != nil {
				t.Fatal(err)
			}
			return resp
		}
		t.Run("B31 saved under a temporary name, then renamed", func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "file")
			for _, old := range []string{"", "what was there"} {
				if old != "" {
					if err := os.WriteFile(path, []byte(old), 0o600); err != nil {
						t.Fatal(err)
					}
				} else {
					os.Remove(path)
				}
				var last, calls int64
				n, err := open(t, "/").SaveToFile(path, httpx.SyncFile(), httpx.WithProgress(func(done, total int64) {
					if calls++; done <= last || total != int64(len(content)) {
						t.Errorf("%d of %d after %d", done, total, last)
					}
					last = done
					list := names(t, dir)
					if old == "" && (len(list) != 1 || !strings.HasPrefix(list[0], ".file.") || !strings.HasSuffix(list[0], ".part")) {
						t.Errorf("while it runs: %q", list)
					}
					if b, _ := os.ReadFile(path); string(b) != old {
						t.Error("what was there is there until the end")
					}
				}))
				b, _ := os.ReadFile(path)
				if err != nil || n != int64(len(content)) || string(b) != content || last != n || calls < 2 || len(names(t, dir)) != 1 {
					t.Errorf("%d bytes, %v, %d calls, %q", n, err, calls, names(t, dir))
				}
			}
			if st, err := os.Stat(path); runtime.GOOS != "windows" && (err != nil || st.Mode().Perm()&^0o644 != 0 || st.Mode().Perm()&0o600 != 0o600) {
				t.Errorf("%v", st.Mode())
			}
		})
		t.Run("B31 what is in memory", func(t *testing.T) {
			resp, err := c.Get(ctx, url)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), strings.Repeat("n", 240))
			for range 2 {
				var calls []int64
				n, err := resp.SaveToFile(path, httpx.WithProgress(func(done, total int64) { calls = append(calls, done, total) }))
				if b, _ := os.ReadFile(path); err != nil || string(b) != content || !slices.Equal(calls, []int64{n, n}) {
					t.Errorf("%d, %v, %v", n, err, calls)
				}
			}
		})
		t.Run("B31 nothing is left after a failure", func(t *testing.T) {
			for _, old := range []string{"", "old"} {
				dir := t.TempDir()
				path := filepath.Join(dir, "file")
				var want []string
				if old != "" {
					want = []string{"file"}
					if err := os.WriteFile(path, []byte(old), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				check := func(name string, err error, is error) {
					t.Helper()
					b, _ := os.ReadFile(path)
					if !errors.Is(err, is) || !slices.Equal(names(t, dir), want) || string(b) != old {
						t.Errorf("%s: %v, %q, %q", name, err, names(t, dir), b)
					}
				}
				_, err := open(t, "/cut").SaveToFile(path)
				check("cut off", err, httpx.ErrTransport)

				ctx, cancel := context.WithCancel(ctx)
				resp, err := c.Stream(ctx, "GET", url+"/stuck")
				if err != nil {
					t.Fatal(err)
				}
				_, err = resp.SaveToFile(path, httpx.WithProgress(func(done, total int64) {
					if done == int64(len(content)) {
						cancel()
					}
				}))
				cancel()
				check("cancelled", err, context.Canceled)

				func() {
					defer func() {
						if recover() != "enough" {
							t.Error("no panic")
						}
					}()
					open(t, "/").SaveToFile(path, httpx.WithProgress(func(done, total int64) { panic("enough") }))
				}()
				check("a panic", nil, nil)

				_, err = open(t, "/missing").SaveToFile(path)
				check("a bad status", err, httpx.ErrHTTP)
				var se *httpx.StatusError
				if !errors.As(err, &se) || !strings.Contains(err.Error(), "no such file") {
					t.Errorf("%v", err)
				}
				_, err = open(t, "/", httpx.WithMaxResponseBytes(1000)).SaveToFile(path)
				check("too large", err, httpx.ErrResponseTooLarge)
				resp = open(t, "/")
				resp.Close()
				_, err = resp.SaveToFile(path)
				check("closed", err, httpx.ErrBodyClosed)
				_, err = open(t, "/").SaveToFile(path, nil)
				check("a nil option", err, httpx.ErrRequest)
			}
		})
		t.Run("B31 a status that is accepted is saved", func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			if n, err := open(t, "/missing", httpx.Accept(404)).SaveToFile(path); n == 0 || err != nil {
				t.Error(err)
			}
		})
		t.Run("B31 places that cannot be", func(t *testing.T) {
			dir := t.TempDir()
			for _, path := range []string{dir, dir + "/", filepath.Join(dir, "no", "such"), ""} {
				_, err := open(t, "/").SaveToFile(path)
				var e *httpx.Error
				var pe *fs.PathError
				if !errors.As(err, &e) || e.Op != "save" || !errors.As(err, &pe) || len(names(t, dir)) != 0 {
					t.Errorf("%q: %v", path, err)
				}
			}
			if _, err := open(t, "/").SaveToFile(os.DevNull); runtime.GOOS != "windows" && (err == nil || !strings.Contains(err.Error(), "no regular file")) {
				t.Error(err)
			}
		})
		t.Run("B31 progress of a download", func(t *testing.T) {
			for path, want := range map[string]int64{"/": int64(len(content)), "/unknown": -1} {
				var done, total int64
				progress := httpx.WithProgress(func(d, n int64) { done, total = d, n })
				resp, err := c.Get(ctx, url+path, progress)
				if err != nil || done != int64(len(content)) || total != want || done != resp.BytesReceived() {
					t.Errorf("%s: %d of %d, want %d, %v", path, done, total, want, err)
				}
				done = 0
				resp = open(t, path, progress)
				if _, err := collect(resp.Chunks(1000)); err != nil || done != int64(len(content)) || total != want {
					t.Errorf("%s: a stream: %d of %d, %v", path, done, total, err)
				}
			}
		})
		t.Run("B31 progress of an upload", func(t *testing.T) {
			for _, body := range []httpx.Body{httpx.String(content), httpx.Reader(io.MultiReader(strings.NewReader(content)))} {
				var done, total int64
				want := body.Len()
				_, err := c.Post(ctx, url, body, httpx.WithUploadProgress(func(d, n int64) {
					if d <= done {
						t.Errorf("%d after %d", d, done)
					}
					done, total = d, n
				}))
				if err != nil || done != int64(len(content)) || total != want {
					t.Errorf("%d of %d, %v", done, total, err)
				}
			}
		})
	})
}

func TestFilename(t *testing.T) {
	for _, tt := range []struct{ disposition, path, want string }{
		{"", "/a/b.txt", "b.txt"},
		{"", "/", ""},
		{"", "/a/", ""},
		{"", "/a/%C3%BC%20x", "ü x"},
		{"", "/a/..%2f..%2fetc%2fpasswd", "passwd"},
		{"inline", "/x", "x"},
		{`attachment; filename="a b.pdf"`, "/x", "a b.pdf"},
		{`attachment; filename=a.pdf; size=1`, "/x", "a.pdf"},
		{`attachment; filename="a.pdf"; filename*=UTF-8''%e2%82%ac.pdf`, "/x", "€.pdf"},
		{`attachment; filename*=UTF-8''%zz; filename="a.pdf"`, "/x", "a.pdf"},
		{`attachment; filename="../../etc/passwd"`, "/x", "passwd"},
		{`attachment; filename="C:\\Windows\\evil.exe"`, "/x", "evil.exe"},
		{`attachment; filename*=UTF-8''..%2f..%2fa%00b%0a%e2%80%aec`, "/x", "abc"},
		{`attachment; filename=".."`, "/x", "x"},
		{`attachment; filename=".bashrc"`, "/x", "bashrc"},
		{`attachment; filename="a. . "`, "/x", "a"},
		{`attachment; filename="nul.txt"`, "/x", "_nul.txt"},
		{`attachment; filename="Com1"`, "/x", "_Com1"},
		{`attachment; filename="common.txt"`, "/x", "common.txt"},
		{`attachment; filename="a:b|c?d*e<f>g"`, "/x", "a_b_c_d_e_f_g"},
		{`attachment; filename="` + strings.Repeat("ü", 200) + `"`, "/x", strings.Repeat("ü", 100)},
	} {
		t.Run("B31 a safe name", func(t *testing.T) {
			h := header()
			if tt.disposition != "" {
				h = header("Content-Disposition", tt.disposition)
			}
			c := newClient(t, httpx.WithTransport(&script{answers: []answer{{status: 200, header: h}}}))
			resp, err := c.Get(context.Background(), "http://a.example"+tt.path+"?q")
			if err != nil || resp.Filename() != tt.want {
				t.Errorf("%q at %s: %q, want %q, %v", tt.disposition, tt.path, resp.Filename(), tt.want, err)
			}
		})
	}
}
