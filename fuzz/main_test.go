package fuzz_test

import (
	"os"
	"testing"

	"gohttpx.dev/internal/leak"
)

// No goroutine of ours may be left, neither by the corpora nor by a round of a
// target.
func TestMain(m *testing.M) { os.Exit(leak.Main(m)) }
