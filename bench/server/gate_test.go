package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// A gate opens when so many wait as were asked for, not before, and is closed again
// for the next ones.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate{open: make(chan struct{})}
		for range 2 {
			var all sync.WaitGroup
			var mu sync.Mutex
			through := 0
			for i := range 3 {
				all.Go(func() {
					g.wait(3)
					mu.Lock()
					through++
					mu.Unlock()
				})
				synctest.Wait()
				mu.Lock()
				if want := i / 2 * 3; through != want {
					t.Errorf("%d are through when %d have come, expected %d", through, i+1, want)
				}
				mu.Unlock()
			}
			all.Wait()
		}
	})
}

// Over HTTP/2 too a POST must bring what it says that it brings.
func TestHTTP2Post(t *testing.T) {
	for _, tt := range []struct {
		name, target, body string
		want               int
	}{
		{"right", "/32/" + token + "/18", "{" + token + "}", 200},
		{"without its token", "/32/" + token + "/18", "{" + strings.Repeat("x", 16) + "}", 400},
		{"too short", "/32/" + token + "/18", "{" + token, 400},
		{"too long", "/32/" + token + "/18", "{" + token + "}}", 400},
		{"to anything else", "/", "abc", 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			answer(w, httptest.NewRequest("POST", tt.target, strings.NewReader(tt.body)))
			if w.Code != tt.want {
				t.Errorf("status %d, expected %d", w.Code, tt.want)
			}
			if tt.want == 200 && tt.target != "/" && !strings.HasPrefix(w.Body.String(), token) {
				t.Errorf("answered %q", w.Body.String())
			}
		})
	}
	w := httptest.NewRecorder()
	answer(w, httptest.NewRequest("GET", "/all/32/"+token+"/1", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("a gate over HTTP/2: status %d", w.Code)
	}
}
