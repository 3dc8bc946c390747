package wire

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
)

var _ net.Error = (*Error)(nil)

var sentinels = map[string]error{
	"ErrTimeout": ErrTimeout, "ErrPoolTimeout": ErrPoolTimeout, "ErrConnectTimeout": ErrConnectTimeout,
	"ErrWriteTimeout": ErrWriteTimeout, "ErrReadTimeout": ErrReadTimeout, "ErrNetwork": ErrNetwork,
	"ErrConnect": ErrConnect, "ErrDNS": ErrDNS, "ErrTLS": ErrTLS, "ErrRead": ErrRead, "ErrWrite": ErrWrite,
	"ErrProtocol": ErrProtocol, "ErrLocalProtocol": ErrLocalProtocol, "ErrRemoteProtocol": ErrRemoteProtocol,
	"ErrServerClosedIdle": ErrServerClosedIdle, "ErrUnprocessed": ErrUnprocessed, "ErrProxy": ErrProxy,
	"ErrRequestBody": ErrRequestBody, "ErrClosed": ErrClosed, "context.Canceled": context.Canceled,
	"context.DeadlineExceeded": context.DeadlineExceeded, "io.EOF": io.EOF,
}

// Each row lists every sentinel that matches; all others must not.
func TestErrorTree(t *testing.T) {
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	late, cancel := context.WithTimeout(context.Background(), -1)
	defer cancel()
	for _, tt := range []struct {
		name string
		err  *Error
		want []string
	}{
		{"pool timeout", &Error{Phase: PhasePool, Kind: KindTimeout}, []string{"ErrTimeout", "ErrPoolTimeout"}},
		{"dns timeout", &Error{Phase: PhaseDNS, Kind: KindTimeout}, []string{"ErrTimeout", "ErrConnectTimeout"}},
		{"dial timeout", &Error{Phase: PhaseDial, Kind: KindTimeout}, []string{"ErrTimeout", "ErrConnectTimeout"}},
		{"proxy timeout", &Error{Phase: PhaseProxy, Kind: KindTimeout}, []string{"ErrTimeout", "ErrConnectTimeout"}},
		{"tls timeout", &Error{Phase: PhaseTLS, Kind: KindTimeout}, []string{"ErrTimeout", "ErrConnectTimeout"}},
		{"write timeout", &Error{Phase: PhaseWrite, Kind: KindTimeout}, []string{"ErrTimeout", "ErrWriteTimeout"}},
		{"head timeout", &Error{Phase: PhaseHead, Kind: KindTimeout}, []string{"ErrTimeout", "ErrReadTimeout"}},
		{"body timeout", &Error{Phase: PhaseBody, Kind: KindTimeout}, []string{"ErrTimeout", "ErrReadTimeout"}},
		{"dns", &Error{Phase: PhaseDNS, Kind: KindNetwork}, []string{"ErrNetwork", "ErrConnect", "ErrDNS"}},
		{"refused", &Error{Phase: PhaseDial, Kind: KindNetwork}, []string{"ErrNetwork", "ErrConnect"}},
		{"tls", &Error{Phase: PhaseTLS, Kind: KindNetwork}, []string{"ErrNetwork", "ErrConnect", "ErrTLS"}},
		{"proxy says no", &Error{Phase: PhaseProxy, Kind: KindRefused, Remote: true}, []string{"ErrProxy"}},
		{"write", &Error{Phase: PhaseWrite, Kind: KindNetwork}, []string{"ErrNetwork", "ErrWrite"}},
		{"read", &Error{Phase: PhaseBody, Kind: KindNetwork}, []string{"ErrNetwork", "ErrRead"}},
		{"local", &Error{Phase: PhaseWrite, Kind: KindProtocol}, []string{"ErrProtocol", "ErrLocalProtocol"}},
		{"remote", &Error{Phase: PhaseHead, Kind: KindProtocol, Remote: true}, []string{"ErrProtocol", "ErrRemoteProtocol"}},
		{
			"no response", &Error{Phase: PhaseHead, Kind: KindDisconnected, Remote: true, Err: io.EOF},
			[]string{"ErrNetwork", "ErrProtocol", "ErrRemoteProtocol", "ErrServerClosedIdle", "io.EOF"},
		},
		{"unprocessed", &Error{Phase: PhaseHead, Kind: KindUnprocessed, Remote: true}, []string{"ErrProtocol", "ErrRemoteProtocol", "ErrUnprocessed"}},
		{"request body", &Error{Phase: PhaseWrite, Kind: KindRequestBody}, []string{"ErrRequestBody"}},
		{"closed while dialling", &Error{Phase: PhaseDial, Kind: KindClosed}, []string{"ErrClosed"}},
		{"cancelled in the handshake", Canceled(canceled, PhaseTLS, false), []string{"context.Canceled"}},
		{"deadline", Canceled(late, PhaseHead, true), []string{"ErrTimeout", "context.DeadlineExceeded"}},
	} {
		if tt.err.Err == nil {
			tt.err.Err = errors.New("detail")
		}
		for name, s := range sentinels {
			if got, want := errors.Is(tt.err, s), slices.Contains(tt.want, name); got != want {
				t.Errorf("%s: errors.Is(%s) = %v", tt.name, name, got)
			}
		}
		if got, want := tt.err.Timeout(), slices.Contains(tt.want, "ErrTimeout"); got != want || tt.err.Temporary() != want {
			t.Errorf("%s: Timeout() = %v", tt.name, got)
		}
	}
}

func TestCanceledKeepsTheCause(t *testing.T) {
	cause := errors.New("the user left")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cause)
	err := Canceled(ctx, PhaseBody, true)
	if !errors.Is(err, cause) || !errors.Is(err, context.Canceled) || !err.Sent {
		t.Errorf("%v must be both its cause and context.Canceled", err)
	}
	if got := err.Error(); got != "body: context canceled: the user left" {
		t.Errorf("text: %q", got)
	}
}

func TestErrorText(t *testing.T) {
	err := &Error{Phase: PhaseHead, Kind: KindTimeout, Err: errors.New("nothing received for 5s")}
	if got := err.Error(); got != "head: read timeout: nothing received for 5s" {
		t.Errorf("text: %q", got)
	}
	for _, tt := range []struct {
		err  *Error
		want string
	}{
		{&Error{Phase: PhaseDial, Kind: KindNetwork, Err: errors.New("dial tcp [::1]:1: refused")}, "dial tcp [::1]:1: refused"},
		{&Error{Phase: PhaseTLS, Kind: KindNetwork, Err: errors.New("tls: bad certificate")}, "tls: bad certificate"},
		{&Error{Phase: PhaseTLS, Kind: KindTimeout, Err: errors.New("tls: late")}, "tls: connect timeout: late"},
		{&Error{Phase: PhaseBody, Kind: KindNetwork, Err: errors.New("reset")}, "body: reset"},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("text: %q, want %q", got, tt.want)
		}
	}
	for p := PhasePool; p <= PhaseBody; p++ {
		if p.String() == "" {
			t.Errorf("phase %d has no name", p)
		}
	}
	if Phase(99).String() != "" {
		t.Error("an unknown phase has no name and does not panic")
	}
}

type source struct{ reads, closes []uint64 }

func (s *source) ReadBody(id uint64, p []byte) (int, error) {
	s.reads = append(s.reads, id)
	return 0, ErrBodyClosed
}
func (s *source) CloseBody(id uint64) error { s.closes = append(s.closes, id); return nil }

func TestBodyNamesItsExchange(t *testing.T) {
	s := new(source)
	b := NewBody(s, 7)
	if _, err := b.Read(nil); err != ErrBodyClosed {
		t.Errorf("Read: %v", err)
	}
	b.Close()
	if !slices.Equal(s.reads, []uint64{7}) || !slices.Equal(s.closes, []uint64{7}) || b.Ended() {
		t.Errorf("the source was not told which exchange: %+v", s)
	}
	if _, err := b.Detach(); err != ErrNotSwitched {
		t.Errorf("Detach of a source that cannot: %v", err)
	}
	var none Body
	if n, err := none.Read(make([]byte, 1)); n != 0 || err != io.EOF || none.Close() != nil || !none.Ended() {
		t.Error("the zero Body is empty")
	}
}
