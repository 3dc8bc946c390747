package httpx

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"

	"gohttpx.dev/wire"
)

// stdError puts an error of net/http, or of another http.RoundTripper, into our
// tree, as far as its kind can be told; phase is where it showed. One of which
// nothing is known comes back as it is.
func stdError(ctx context.Context, phase wire.Phase, err error) error {
	var ours *wire.Error
	if errors.As(err, &ours) {
		return err
	}
	e := &wire.Error{Phase: phase, Kind: wire.KindNetwork, Remote: true, Sent: true, Err: err}
	var (
		dns *net.DNSError
		op  *net.OpError
		te  interface{ Timeout() bool }
	)
	switch {
	case ctx.Err() != nil:
		c := wire.Canceled(ctx, phase, true)
		if !errors.Is(err, ctx.Err()) {
			c.Err = errors.Join(c.Err, err)
		}
		return c
	case errors.Is(err, context.Canceled):
		e.Kind, e.Remote = wire.KindCanceled, false
		return e
	case errors.As(err, &dns):
		e.Phase, e.Sent = wire.PhaseDNS, false
	case isTLSError(err):
		e.Phase, e.Sent = wire.PhaseTLS, false
	case errors.As(err, &op):
		switch op.Op {
		case "dial":
			e.Phase, e.Sent = wire.PhaseDial, false
		case "write":
			if phase != wire.PhaseBody {
				e.Phase = wire.PhaseWrite
			}
		}
	case errors.As(err, &te) && te.Timeout():
	case phase == wire.PhaseHead && (errors.Is(err, io.EOF) || strings.Contains(err.Error(), "server closed idle connection")):
		// net/http exports no value for the latter.
		e.Kind = wire.KindDisconnected
		return e
	case errors.Is(err, io.ErrUnexpectedEOF), isProtocolError(err):
		e.Kind = wire.KindProtocol
		return e
	default:
		return err
	}
	if errors.As(err, &te) && te.Timeout() {
		e.Kind = wire.KindTimeout
	}
	return e
}

func isTLSError(err error) bool {
	var (
		record  tls.RecordHeaderError
		verify  *tls.CertificateVerificationError
		alert   tls.AlertError
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
		host    x509.HostnameError
	)
	return errors.As(err, &record) || errors.As(err, &verify) || errors.As(err, &alert) ||
		errors.As(err, &unknown) || errors.As(err, &invalid) || errors.As(err, &host)
}

// isProtocolError goes by the text: net/http has no type for it.
func isProtocolError(err error) bool {
	return strings.Contains(err.Error(), "malformed HTTP") || strings.Contains(err.Error(), "malformed chunked")
}

// stdReadError is the other way round, for what users of net/http compare.
func stdReadError(err error) error {
	if errors.Is(err, wire.ErrBodyClosed) {
		return http.ErrBodyReadAfterClose
	}
	return err
}
