// Package tls makes the client's side of TLS connections: options, server
// names, handshakes bounded by a context, errors that explain themselves, and a
// look at an idle connection that does not block.
//
// # Overview
//
// Options becomes a *crypto/tls.Config once, in NewClient; a Client then shakes
// hands on connections that others have dialled. Session resumption is on, with
// a cache that belongs to the Client: a session which was made under one set of
// options is never resumed under another. Without CAFile and RootCAs the roots
// are those of the operating system, which crypto/x509 loads once, when first
// needed; on Unix it reads SSL_CERT_FILE and SSL_CERT_DIR itself, unless
// Options.Environment says what these are, or that they have no say.
//
// Files of a client certificate are read again when they change. Pins bind a
// server to keys. Base takes what crypto/tls can do and Options has no field for,
// Encrypted Client Hello for instance; a Handshaker puts another implementation of
// TLS in the place of crypto/tls.
//
// Conn is a connection which can also be probed: Probe tells in under a
// microsecond whether an idle connection is still good. The socket's own
// readability does not, because session tickets make a healthy connection
// readable.
//
// # Concurrency
//
// A Client is safe for concurrent use. Conn is as safe as
// crypto/tls's; Probe must not overlap a Read.
//
// # Errors
//
// Handshake returns an *Error, and so does Conn where the server ends the connection by
// an alert. Its text says what is wrong and what to do; errors.As finds the detail:
// x509.HostnameError, x509.UnknownAuthorityError, *PinError and others. Options that
// make no sense, and files that cannot be read, are plain errors of NewClient, which
// name the option or the file.
//
// # Limitations
//
// Probe looks at the socket on Linux, macOS and the BSDs, and only at a bare
// *net.TCPConn or *net.UnixConn or another Conn of this package; elsewhere it
// only sees bytes that crypto/tls has read already, and of a Handshaker's
// connection nothing. CAFile and the environment's files are read once. Encrypted
// key files are not supported, nor are revocation lists: see Base's
// VerifyConnection.
package tls
