// Package leak finds goroutines of this module that tests have left behind.
//
// # Overview
//
// Main takes the place of m.Run in a package's TestMain.
//
// # Concurrency
//
// Main is called once, when no test runs any more.
//
// # Limitations
//
// A goroutine counts if a function of this module is on its stack.
package leak

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Main runs the tests of a package and returns the exit code, for TestMain: 1 if
// they pass but goroutines of this module are left, whose stacks it prints.
func Main(m *testing.M) int {
	code := m.Run()
	if code == 0 {
		if left := Left(); left != "" {
			fmt.Fprintf(os.Stderr, "goroutines left behind:\n%s\n", left)
			code = 1
		}
	}
	return code
}

// Left waits for the goroutines of this module to end and returns the stacks of
// those that have not after 10 seconds, but for those of TestMain.
func Left() string { return leftAfter(10 * time.Second) }

// leftAfter looks at least once, however late it gets to.
func leftAfter(d time.Duration) string {
	for deadline := time.Now().Add(d); ; {
		late := !time.Now().Before(deadline)
		var left []string
		buf := make([]byte, 1<<20)
		buf = buf[:runtime.Stack(buf, true)]
		for _, g := range strings.Split(string(buf), "\n\n") {
			if strings.Contains(g, "gohttpx.dev/") && !strings.Contains(g, "TestMain") {
				left = append(left, g)
			}
		}
		if len(left) == 0 {
			return ""
		}
		if late {
			return strings.Join(left, "\n\n")
		}
		runtime.Gosched()
	}
}
