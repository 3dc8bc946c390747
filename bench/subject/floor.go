package subject

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// floor is what no client can beat: bytes that were laid out beforehand are
// written and a known number of bytes is read, on one connection per
// goroutine, without a pool and without parsing. It does keep both deadlines,
// as every client must, and refreshes them lazily, as ours does. Over HTTP/2 it
// is another one: floor_http2.go.
var floor = Subject{
	Name: "floor",
	What: "fixed bytes out, counted bytes in; no parsing",
	Open: func(o Options) (Client, error) {
		if o.isHTTP2() {
			return &floorHTTP2{o: o}, nil
		}
		return &floorClient{o: o}, nil
	},
}

type floorClient struct {
	o     Options
	conns []net.Conn
}

func (f *floorClient) Worker(i int) (Exchange, error) {
	c := newCalls(f.o, i)
	nc, err := f.o.connect(context.Background())
	if err != nil {
		return nil, err
	}
	f.conns = append(f.conns, nc)
	var requests [around][]byte
	for i := range around {
		requests[i] = fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\nUser-Agent: floor\r\n\r\n", c.targets[i], f.o.Addr)
	}
	// The first exchange finds out how long a head is; all are alike.
	head, err := headLength(nc, requests[0])
	if err != nil {
		return nil, err
	}
	buf := make([]byte, head+f.o.Size)
	if _, err := readFull(nc, buf[head:]); err != nil {
		return nil, err
	}
	var refreshAt time.Time
	timeout := f.o.timeout()
	return func() error {
		request := requests[c.next()]
		if now := time.Now(); now.After(refreshAt) {
			refreshAt = now.Add(timeout / 10)
			if err := nc.SetDeadline(now.Add(timeout + timeout/10)); err != nil {
				return err
			}
		}
		if _, err := nc.Write(request); err != nil {
			return err
		}
		if _, err := readFull(nc, buf); err != nil {
			return err
		}
		status := 0
		if string(buf[9:12]) == "200" {
			status = 200
		}
		return c.check(status, buf[head:])
	}, nil
}

func (f *floorClient) Close() {
	for _, nc := range f.conns {
		nc.Close()
	}
}

// headLength sends a request and reads the response's head byte by byte.
func headLength(nc net.Conn, request []byte) (int, error) {
	if _, err := nc.Write(request); err != nil {
		return 0, err
	}
	var head []byte
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		var b [1]byte
		if _, err := nc.Read(b[:]); err != nil {
			return 0, err
		}
		head = append(head, b[0])
		if len(head) > 4<<10 {
			return 0, errors.New("no end of the response head")
		}
	}
	return len(head), nil
}

// readFull is io.ReadFull without the interface.
func readFull(nc net.Conn, p []byte) (int, error) {
	n := 0
	for n < len(p) {
		m, err := nc.Read(p[n:])
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
