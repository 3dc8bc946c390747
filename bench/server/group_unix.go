//go:build unix

package server

import (
	"os/exec"
	"syscall"
)

// apart keeps the terminal's signals from the child, which ends when its parent
// does: an interrupted run finishes its slice, with the server still there.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
