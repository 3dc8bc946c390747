package httpx_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"gohttpx.dev/httpx"
)

// A body is printed by mistake, in the place of what is in it. The response that
// it belongs to has secrets, and a way back to itself.
func TestBodyPrinted(t *testing.T) {
	c := newClient(t, httpx.WithTransport(httpx.HandlerTransport(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Set-Cookie", "sid=secret-1")
		io.WriteString(w, "secret-2")
	}))))
	const url = "https://user:secret-3@host/?token=secret-4"
	buffered, err := c.Get(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	streamed, err := c.Stream(context.Background(), "GET", url)
	if err != nil {
		t.Fatal(err)
	}
	defer streamed.Close()
	for _, tt := range []struct {
		name string
		resp *httpx.Response
	}{{"buffered", buffered}, {"streamed", streamed}, {"of a zero response", new(httpx.Response)}} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.resp.Body == nil {
				if err := tt.resp.Buffer(); err != nil {
					t.Fatal(err)
				}
			}
			asJSON, err := json.Marshal(struct{ B any }{tt.resp.Body})
			if err != nil {
				t.Error(err)
			}
			var log strings.Builder
			slog.New(slog.NewTextHandler(&log, nil)).Info("x", "body", tt.resp.Body)
			slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "body", tt.resp.Body)
			for _, s := range []string{
				fmt.Sprint(tt.resp.Body), fmt.Sprintf("%+v", tt.resp.Body), fmt.Sprintf("%#v", tt.resp.Body),
				fmt.Sprintf("%s", tt.resp.Body), fmt.Sprintf("%d", tt.resp.Body), fmt.Sprintf("%x", tt.resp.Body),
				fmt.Sprint([]any{tt.resp.Body}), string(asJSON), log.String(),
			} {
				if strings.Contains(s, "secret") || strings.Contains(s, "!ERROR") || strings.Contains(s, "115 101 99") {
					t.Errorf("printed %q", s)
				}
			}
			if want, s := "the body of "+tt.resp.String(), fmt.Sprint(tt.resp.Body); s != want {
				t.Errorf("printed %q, want %q", s, want)
			}
		})
	}
}
