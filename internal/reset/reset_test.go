package reset

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
)

func TestIs(t *testing.T) {
	within := func(err error) error {
		return fmt.Errorf("around: %w", &net.OpError{Op: "read", Err: os.NewSyscallError("read", err)})
	}
	for _, tt := range []struct {
		name       string
		err        error
		is, broken bool
	}{
		{"nothing", nil, false, false},
		{"an ordinary end", io.EOF, false, false},
		{"closed by us", net.ErrClosed, false, false},
		{"words only", errors.New("connection reset by peer"), false, false},
		{"a reset", syscall.ECONNRESET, true, true},
		{"a reset within", within(syscall.ECONNRESET), true, true},
		{"an abort within", within(syscall.ECONNABORTED), true, true},
		{"a write after the end", within(syscall.EPIPE), true, false},
		{"a refusal", within(syscall.ECONNREFUSED), false, true},
		{"the system's timeout", within(syscall.ETIMEDOUT), false, true},
		{"a deadline of ours", os.ErrDeadlineExceeded, false, false},
		{"two of the system's, the second a reset", errors.Join(within(syscall.EAGAIN), within(syscall.ECONNRESET)), true, true},
		{"two of the system's, neither a reset", errors.Join(within(syscall.EAGAIN), within(syscall.ETIMEDOUT)), false, true},
		{"two errors, one a reset", errors.Join(io.ErrUnexpectedEOF, syscall.ECONNRESET), true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Is(tt.err); got != tt.is {
				t.Errorf("Is is %v", got)
			}
			if got := Broken(tt.err); got != tt.broken {
				t.Errorf("Broken is %v", got)
			}
			if got, want := GaveUp(tt.err), tt.broken && !tt.is; got != want {
				t.Errorf("GaveUp is %v", got)
			}
		})
	}
}

// slow says Timeout in a way of its own, as connections that are no sockets do.
type slow struct{}

func (slow) Error() string { return "slow" }
func (slow) Timeout() bool { return true }

func TestDeadline(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want bool
	}{
		{"nothing", nil, false},
		{"an end", io.EOF, false},
		{"a deadline", os.ErrDeadlineExceeded, true},
		{"a deadline within", fmt.Errorf("around: %w", &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}), true},
		{"another's", slow{}, true},
		{"another's within", fmt.Errorf("around: %w", slow{}), true},
		{"the system's timeout", &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ETIMEDOUT)}, false},
		{"a reset", syscall.ECONNRESET, false},
	} {
		if got := Deadline(tt.err); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// What a real socket says of a peer that has reset it.
func TestSocketThatWasReset(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := c.Read(make([]byte, 1)); !Is(err) || !Broken(err) {
		t.Errorf("a read says %v", err)
	}
	// The reset was told. What a write says now differs, but it is one of them.
	if _, err := c.Write([]byte("x")); !Is(err) {
		t.Errorf("a write says %v", err)
	}
}
