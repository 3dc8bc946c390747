package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

// TestMain serves when the binary runs itself.
func TestMain(m *testing.M) {
	if os.Getenv(serveEnv) != "" {
		serve()
		return
	}
	os.Exit(m.Run())
}

// A short round, so that the program keeps working.
func TestSoak(t *testing.T) {
	var out strings.Builder
	good, err := soak(context.Background(), config{duration: 3 * time.Second, every: time.Second, concurrency: 24}, &out)
	if err != nil || !good {
		t.Errorf("%v\n%s", err, out.String())
	}
	if !strings.Contains(out.String(), "ok   wrong answers: 0") || !strings.Contains(out.String(), "answered") {
		t.Errorf("the report is not complete:\n%s", out.String())
	}
}

// The checks see what they are there for.
func TestChecks(t *testing.T) {
	whole := filler{id: "1.2", size: 200}.bytes()
	other := filler{id: "1.3", size: 200}.bytes()
	moved := append(append([]byte{}, whole[64:128]...), whole[64:]...)
	for name, tt := range map[string]struct {
		o    *operation
		body []byte
		want bool
	}{
		"whole":                       {&operation{}, whole, true},
		"another's":                   {&operation{}, other, false},
		"a piece moved":               {&operation{}, moved, false},
		"cut short":                   {&operation{}, whole[:199], false},
		"too long":                    {&operation{}, append(whole[:200:200], 'x'), false},
		"cut short, and nobody knows": {&operation{class: broken, closing: "until", route: route{Protocol: "h1"}}, whole[:150], true},
		"the same over TLS":           {&operation{class: broken, closing: "until", route: route{Protocol: "h1s"}}, whole[:150], false},
		"the same on a good network":  {&operation{class: hasty, closing: "until", route: route{Protocol: "h1"}}, whole[:150], false},
		"whole, yet it was cut":       {&operation{class: broken, closing: "abort"}, whole, false},
		"scrambled":                   {&operation{class: scrambled}, other, true},
	} {
		tt.o.id, tt.o.size = "1.2", 200
		if err := tt.o.checkContent(nil, tt.body); (err == nil) != tt.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	head := map[string]string{idField: "1.2", digestField: digestOf([]byte("abc"))}
	field := func(name string) string { return head[name] }
	o := &operation{id: "1.2", method: "POST", body: upload{kind: "bytes", content: []byte("abc")}}
	if err := o.checkHead(200, field, "POST"); err != nil {
		t.Error(err)
	}
	for name, o := range map[string]*operation{
		"another's head": {id: "1.3", method: "POST", body: o.body},
		"another's body": {id: "1.2", method: "POST", body: upload{kind: "bytes", content: []byte("abd")}},
		"no body":        {id: "1.2", method: "GET"},
		"status":         {id: "1.2", method: "POST", body: o.body, empty: true},
	} {
		if err := o.checkHead(200, field, o.method); err == nil {
			t.Errorf("%s: passes", name)
		}
	}
}
