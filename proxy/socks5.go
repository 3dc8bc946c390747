package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"gohttpx.dev/wire"
)

// The bytes of RFC 1928 and RFC 1929.
const (
	socksVersion   = 5
	methodNone     = 0x00
	methodPassword = 0x02
	methodRefused  = 0xff
	authVersion    = 1
	cmdConnect     = 1
	atypIPv4       = 1
	atypName       = 3
	atypIPv6       = 4
)

// SOCKS asks a SOCKS5 proxy for a connection (RFC 1928), with a user and a
// password where it wants them (RFC 1929). It is immutable while Connect runs.
type SOCKS struct {
	// Addr is the target, host:port. An IP address goes to the proxy as one; a
	// name goes as a name, for the proxy to resolve (socks5h). Whoever wants to
	// resolve names locally (socks5) puts the address here.
	Addr string
	// Username and Password are offered if Username is not empty: 1 to 255
	// bytes each. They are sent in the clear, if the proxy asks for them.
	Username, Password string
}

// Connect negotiates over nc, a fresh connection to the proxy, which afterwards
// is the connection to the target. Not one byte is read beyond the proxy's
// reply.
//
// The context bounds all of it and nothing after it. An error is a *wire.Error
// around an *Error, and nc has been closed. A name of more than 255 bytes, a
// user or a password that do not fit are refused before anything is sent: a
// name that was to be resolved by the proxy is never resolved here instead.
func (s *SOCKS) Connect(ctx context.Context, nc net.Conn) error {
	t := begin(ctx, nc, s.Addr)
	step, err := s.negotiate(t)
	return t.end(step, err)
}

// negotiate returns the step that it has come to.
func (s *SOCKS) negotiate(t *talk) (Step, error) {
	request, err := s.request(t)
	if err != nil {
		return StepRequest, err
	}
	if err := s.checkUser(t); err != nil {
		return StepAuth, err
	}
	method, err := s.greet(t)
	if err != nil {
		return StepGreeting, err
	}
	if method == methodPassword {
		if err := s.authenticate(t); err != nil {
			return StepAuth, err
		}
	}
	if err := t.send(StepRequest, "sending the request", request); err != nil {
		return StepRequest, err
	}
	return StepRequest, t.reply()
}

// request builds the request (RFC 1928 §4, §5).
func (s *SOCKS) request(t *talk) ([]byte, error) {
	host, port, err := splitTarget(s.Addr)
	if err != nil {
		return nil, t.unsendable(StepRequest, "%w", err)
	}
	b := []byte{socksVersion, cmdConnect, 0}
	if a, err := netip.ParseAddr(host); err == nil {
		if a.Zone() != "" {
			return nil, t.unsendable(StepRequest, "the target has an IPv6 zone, which means nothing to another host")
		}
		a = a.Unmap()
		if a.Is4() {
			b = append(b, atypIPv4)
		} else {
			b = append(b, atypIPv6)
		}
		b = append(b, a.AsSlice()...)
	} else {
		if len(host) > 255 {
			return nil, t.unsendable(StepRequest, "a name of %d bytes: SOCKS5 has room for 255 (RFC 1928 §5), and it is not resolved locally instead", len(host))
		}
		b = append(b, atypName, byte(len(host)))
		b = append(b, host...)
	}
	return append(b, byte(port>>8), byte(port)), nil
}

// splitTarget takes host:port apart.
func splitTarget(addr string) (host string, port uint16, err error) {
	if wire.BadAuthority(addr) >= 0 || !wire.HasPort(addr) {
		return "", 0, errors.New("the target is no host:port with a port from 1 to 65535 and an IPv6 address in brackets")
	}
	i := strings.LastIndexByte(addr, ':')
	n, _ := strconv.ParseUint(addr[i+1:], 10, 16) // HasPort has seen to it
	host = addr[:i]
	if host[0] == '[' {
		host = host[1 : len(host)-1]
		if a, err := netip.ParseAddr(host); err != nil || !a.Is6() {
			return "", 0, errors.New("the target has no IPv6 address in its brackets")
		}
	}
	return host, uint16(n), nil
}

// checkUser looks at user and password before anything is sent.
func (s *SOCKS) checkUser(t *talk) error {
	if s.Username == "" && s.Password == "" {
		return nil
	}
	for _, one := range [...]struct{ name, value string }{{"user", s.Username}, {"password", s.Password}} {
		if n := len(one.value); n < 1 || n > 255 {
			return t.unsendable(StepAuth, "the %s has %d bytes: SOCKS5 takes 1 to 255 (RFC 1929 §2)", one.name, n)
		}
	}
	return nil
}

// greet offers methods and returns the one that the proxy has chosen.
func (s *SOCKS) greet(t *talk) (byte, error) {
	offer := []byte{socksVersion, 1, methodNone}
	if s.Username != "" {
		offer = []byte{socksVersion, 2, methodNone, methodPassword}
	}
	if err := t.send(StepGreeting, "sending the greeting", offer); err != nil {
		return 0, err
	}
	var b [2]byte
	if err := t.fill(StepGreeting, "the choice of a method", b[:]); err != nil {
		return 0, err
	}
	method := b[1]
	switch {
	case b[0] == 'H' && b[1] == 'T':
		return 0, t.garbled(StepGreeting, errors.New("the proxy answers in HTTP: is it an http:// proxy?"))
	case b[0] == 0x15 || b[0] == 0x16:
		return 0, t.garbled(StepGreeting, errors.New("the proxy answers in TLS: is it an https:// proxy?"))
	case b[0] == 0 || b[0] == 4:
		return 0, t.garbled(StepGreeting, fmt.Errorf("version %d, as SOCKS4 proxies answer, in byte 0 of the choice of a method, where 5 stands (RFC 1928 §3)", b[0]))
	case b[0] != socksVersion:
		return 0, t.garbled(StepGreeting, fmt.Errorf("version 0x%02x in byte 0 of the choice of a method, where 5 stands (RFC 1928 §3)", b[0]))
	case method == methodRefused && s.Username == "":
		return 0, refused(&Error{
			Step: StepGreeting, Addr: t.addr, ReplyCode: methodRefused,
			Err: errors.New("the proxy wants authentication and was offered none: give user and password (RFC 1928 §3)"),
		})
	case method == methodRefused:
		return 0, refused(&Error{
			Step: StepGreeting, Addr: t.addr, ReplyCode: methodRefused,
			Err: errors.New("the proxy takes neither no authentication nor user and password, and there is nothing else to offer (RFC 1928 §3)"),
		})
	case method == methodPassword && s.Username == "":
		return 0, t.garbled(StepGreeting, errors.New("the proxy chose user and password, method 2, which was not offered (RFC 1928 §3): give it user and password"))
	case method != methodNone && method != methodPassword:
		return 0, t.garbled(StepGreeting, fmt.Errorf("the proxy chose method 0x%02x in byte 1, which was not offered (RFC 1928 §3)", method))
	}
	return method, nil
}

// authenticate sends user and password (RFC 1929 §2).
func (s *SOCKS) authenticate(t *talk) error {
	b := []byte{authVersion, byte(len(s.Username))}
	b = append(b, s.Username...)
	b = append(b, byte(len(s.Password)))
	b = append(b, s.Password...)
	if err := t.send(StepAuth, "sending user and password", b); err != nil {
		return err
	}
	var r [2]byte
	if err := t.fill(StepAuth, "the answer to user and password", r[:]); err != nil {
		return err
	}
	if r[0] != authVersion {
		return t.garbled(StepAuth, fmt.Errorf("version 0x%02x in byte 0 of the answer to user and password, where 1 stands (RFC 1929 §2)", r[0]))
	}
	if r[1] != 0 {
		return refused(&Error{
			Step: StepAuth, Addr: t.addr, ReplyCode: int(r[1]),
			Err: fmt.Errorf("the proxy did not accept user and password, status %d: check them (RFC 1929 §2)", r[1]),
		})
	}
	return nil
}

// replyTexts are the meanings of REP (RFC 1928 §6).
var replyTexts = [...]string{
	1: "general failure of the proxy: its log may say more",
	2: "connection not allowed by the proxy's rules",
	3: "network unreachable from the proxy",
	4: "host unreachable from the proxy, or its name does not resolve there",
	5: "connection refused by the target",
	6: "TTL expired: the target did not answer the proxy in time",
	7: "command not supported: the proxy does not serve CONNECT",
	8: "address type not supported: the proxy may take no names (use socks5 instead of socks5h), or no IPv6",
}

// reply reads the reply, to its last byte and no further. The address that the
// proxy has bound (BND.ADDR, BND.PORT) is of no use and skipped.
func (t *talk) reply() error {
	var b [4]byte
	// A proxy that refuses may leave out what follows REP.
	if err := t.fill(StepRequest, "the reply", b[:2]); err != nil {
		return err
	}
	if b[0] != socksVersion {
		return t.garbled(StepRequest, fmt.Errorf("version 0x%02x in byte 0 of the reply, where 5 stands (RFC 1928 §6)", b[0]))
	}
	if rep := int(b[1]); rep != 0 {
		text := "a code that has no meaning"
		if rep < len(replyTexts) {
			text = replyTexts[rep]
		}
		return refused(&Error{
			Step: StepRequest, Addr: t.addr, ReplyCode: rep,
			Err: fmt.Errorf("the proxy refused with reply %d: %s (RFC 1928 §6)", rep, text),
		})
	}
	if err := t.fill(StepRequest, "the reply", b[2:]); err != nil {
		return err
	}
	size := 0
	switch b[3] {
	case atypIPv4:
		size = 4
	case atypIPv6:
		size = 16
	case atypName:
		var n [1]byte
		if err := t.fill(StepRequest, "the length of the bound name", n[:]); err != nil {
			return err
		}
		size = int(n[0])
	default:
		return t.garbled(StepRequest, fmt.Errorf("address type 0x%02x in byte 3 of the reply, where 1, 3 or 4 stands (RFC 1928 §6)", b[3]))
	}
	var rest [255 + 2]byte
	return t.fill(StepRequest, "the bound address", rest[:size+2])
}

// send writes all of b.
func (t *talk) send(step Step, doing string, b []byte) error {
	if err := t.ctx.Err(); err != nil {
		return t.failed(step, doing, err)
	}
	if _, err := t.nc.Write(b); err != nil {
		return t.failed(step, doing, err)
	}
	return nil
}

// fill reads len(b) bytes, in however many pieces they come.
func (t *talk) fill(step Step, what string, b []byte) error {
	n, err := io.ReadFull(t.nc, b)
	switch {
	case err == nil:
		return nil
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return t.failed(step, fmt.Sprintf("the proxy closed the connection after %d of %d bytes of %s", n, len(b), what), io.ErrUnexpectedEOF)
	}
	return t.failed(step, "waiting for "+what, err)
}

var _ net.Conn = (*replay)(nil)
