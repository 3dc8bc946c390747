//go:build !unix

package scene

// openFiles is how many files this process may have open: Windows has no such
// limit below memory.
func openFiles() int { return 1 << 20 }
