package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// serveConnect answers one CONNECT (RFC 9110 §9.3.6) and carries bytes.
func serveConnect(nc net.Conn) {
	br := bufio.NewReader(nc)
	req, err := http.ReadRequest(br)
	if err != nil || req.Method != http.MethodConnect {
		io.WriteString(nc, "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		return
	}
	far, err := net.DialTimeout("tcp", req.Host, 10*time.Second)
	if err != nil {
		io.WriteString(nc, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		return
	}
	defer far.Close()
	if _, err := io.WriteString(nc, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	splice(nc, br, far)
}

// serveSOCKS is SOCKS5 (RFC 1928) without authentication.
func serveSOCKS(nc net.Conn) {
	br := bufio.NewReader(nc)
	head := make([]byte, 2)
	if _, err := io.ReadFull(br, head); err != nil || head[0] != 5 {
		return
	}
	if _, err := br.Discard(int(head[1])); err != nil {
		return
	}
	nc.Write([]byte{5, 0})
	ask := make([]byte, 4)
	if _, err := io.ReadFull(br, ask); err != nil || ask[1] != 1 {
		return
	}
	var host string
	switch ask[3] {
	case 1, 4:
		ip := make([]byte, map[byte]int{1: 4, 4: 16}[ask[3]])
		if _, err := io.ReadFull(br, ip); err != nil {
			return
		}
		host = net.IP(ip).String()
	case 3:
		n, err := br.ReadByte()
		name := make([]byte, n)
		if _, err2 := io.ReadFull(br, name); err != nil || err2 != nil {
			return
		}
		host = string(name)
	default:
		return
	}
	port := make([]byte, 2)
	if _, err := io.ReadFull(br, port); err != nil {
		return
	}
	far, err := net.DialTimeout("tcp", net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(port)))), 10*time.Second)
	if err != nil {
		nc.Write([]byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0})
		return
	}
	defer far.Close()
	if _, err := nc.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0}); err != nil {
		return
	}
	splice(nc, br, far)
}

// splice carries bytes both ways until both have ended. What was read ahead of
// near is in br.
func splice(near net.Conn, br *bufio.Reader, far net.Conn) {
	var both sync.WaitGroup
	carry := func(dst net.Conn, src io.Reader) {
		if _, err := io.Copy(dst, src); err != nil {
			// A reset, or nobody left to write to: the same for the other.
			near.Close()
			far.Close()
			return
		}
		dst.(*net.TCPConn).CloseWrite()
	}
	both.Go(func() { carry(far, br) })
	both.Go(func() { carry(near, far) })
	both.Wait()
}

// newCert is a certificate for loopback that has signed itself.
func newCert() (tls.Certificate, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "soak"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(30 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}
