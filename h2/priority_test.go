package h2_test

import (
	"testing"

	"gohttpx.dev/h2"
)

// RFC 9218 §5: the priority field of a request says what the client wants; §7.1:
// PRIORITY_UPDATE changes it.
func TestPriority(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		for _, v := range []string{"u=1, i", "u=7", "i", "u=0, i=?0, x=\"y\";z"} {
			req := get("/")
			req.Fields.Add("Priority", v)
			k := f.do(t.Context(), req)
			h := f.WantHeaders(0, "GET /", "a request")
			if got := h.Get("priority"); got != v {
				t.Errorf("priority %q, want %q", got, v)
			}
			update, _, err := h2.ParseFrame(h2.AppendPriorityUpdate(nil, h.ID, "u=0"), 0)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.c.WriteFrame(t.Context(), update); err != nil {
				t.Error(err)
			}
			got := f.Want(h2.FramePriorityUpdate, 0, "as it was given")
			if id, value := got.PriorityUpdate(); id != h.ID || string(value) != "u=0" {
				t.Errorf("got %d %q", id, value)
			}
			f.Respond(h.ID, "200", "ok", "priority", "u=2")
			k.ok(200, "ok")
			if got := k.res.Fields.Get("priority"); got != "u=2" {
				t.Errorf("the server's priority is %q", got)
			}
		}
	})
}
