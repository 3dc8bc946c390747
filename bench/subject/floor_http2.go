package subject

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"

	"gohttpx.dev/h2"
)

// The floor over HTTP/2: header blocks that were laid out beforehand, one
// goroutine that reads, callers that write for each other, and of what comes back
// nothing is looked at but frame headers, the first byte of the block that says
// 200, and the content, which is copied to who waits for it. No field is decoded,
// no limit watched, no deadline kept. Over HTTP/2 the cost of a request is
// mostly that of handing it from one goroutine to another and back: what a caller
// that waits for its answer must pay is in it.

type floorHTTP2 struct {
	o     Options
	conns []*floorConn
}

func (f *floorHTTP2) Worker(i int) (Exchange, error) {
	var fc *floorConn
	if n := len(f.conns); n > 0 && f.conns[n-1].workers < f.conns[n-1].limit {
		fc = f.conns[n-1]
	} else {
		var err error
		if fc, err = dialFloor(f.o); err != nil {
			return nil, err
		}
		f.conns = append(f.conns, fc)
	}
	fc.workers++
	c := newCalls(f.o, i)
	var blocks [around][]byte
	for i := range around {
		blocks[i] = floorBlock(f.o, c.targets[i])
	}
	s := &floorStream{buf: make([]byte, f.o.Size), wake: make(chan struct{}, 1)}
	return func() error {
		if err := fc.exchange(s, blocks[c.next()]); err != nil {
			return err
		}
		return c.check(s.status, s.buf[:s.n])
	}, nil
}

func (f *floorHTTP2) Close() {
	for _, fc := range f.conns {
		fc.nc.Close()
	}
}

// floorBlock is the header block of a GET without any use of the dynamic table:
// entries of the static one, and literals without indexing (RFC 7541 §6.2.2).
func floorBlock(o Options, target string) []byte {
	b := []byte{0x82, 0x86} // :method: GET, :scheme: http
	if o.Roots != nil {
		b[1] = 0x87 // https
	}
	literal := func(index byte, value string) {
		if index < 15 {
			b = append(b, index)
		} else {
			b = append(b, 15, index-15)
		}
		b = append(b, byte(len(value))) // none has 127 bytes
		b = append(b, value...)
	}
	literal(1, o.Addr)   // :authority
	literal(4, target)   // :path
	literal(19, "*/*")   // accept
	literal(58, "floor") // user-agent
	return b
}

// floorStream is what a goroutine waits for.
type floorStream struct {
	wake   chan struct{} // capacity 1
	id     uint32
	status int
	n      int
	buf    []byte
}

type floorConn struct {
	nc      net.Conn
	limit   int // streams that the server takes
	workers int

	mu       sync.Mutex
	err      error // the end
	nextID   uint32
	open     int
	out      []byte
	spare    []byte
	writing  bool
	received int                // bytes of DATA that no window was given back for
	streams  [4096]*floorStream // by half the identifier, which goes around
}

func dialFloor(o Options) (*floorConn, error) {
	nc, err := o.connect(context.Background())
	if err != nil {
		return nil, err
	}
	fc := &floorConn{nc: nc, nextID: 1}
	hello := append([]byte(h2.Preface), h2.AppendSettings(nil, h2.Setting{ID: h2.SettingEnablePush, Value: 0})...)
	hello = h2.AppendWindowUpdate(hello, 0, floorWindow)
	if _, err := nc.Write(hello); err != nil {
		nc.Close()
		return nil, err
	}
	first := make(chan int, 1)
	go fc.read(first) // ends when the connection is closed
	limit, ok := <-first
	if !ok {
		nc.Close()
		return nil, fc.err
	}
	fc.limit = limit
	return fc, nil
}

// floorWindow is how many bytes may come before the connection's window is opened
// again; a stream needs no more than it has at first.
const floorWindow = 1 << 30

// exchange sends a request and waits for its answer.
func (fc *floorConn) exchange(s *floorStream, block []byte) error {
	fc.mu.Lock()
	if fc.err != nil {
		fc.mu.Unlock()
		return fc.err
	}
	s.id, s.status, s.n = fc.nextID, 0, 0
	fc.nextID += 2
	at := &fc.streams[s.id/2%uint32(len(fc.streams))]
	if *at != nil {
		fc.mu.Unlock()
		return errors.New("a stream has fallen thousands of others behind")
	}
	*at = s
	fc.open++
	n := len(block)
	fc.out = append(fc.out, 0, byte(n>>8), byte(n), byte(h2.FrameHeaders), byte(h2.FlagEndHeaders|h2.FlagEndStream))
	fc.out = binary.BigEndian.AppendUint32(fc.out, s.id)
	fc.out = append(fc.out, block...)
	if !fc.writing {
		fc.flushLocked()
	}
	fc.mu.Unlock()
	<-s.wake
	if s.n < 0 {
		fc.mu.Lock()
		defer fc.mu.Unlock()
		return fc.err
	}
	return nil
}

// flushLocked writes until there is nothing left, for all. It lets others add to
// it first, if there are any.
func (fc *floorConn) flushLocked() {
	fc.writing = true
	for len(fc.out) > 0 && fc.err == nil {
		if fc.open > 1 {
			fc.mu.Unlock()
			runtime.Gosched()
			fc.mu.Lock()
		}
		out := fc.out
		fc.out = fc.spare[:0]
		fc.mu.Unlock()
		_, err := fc.nc.Write(out)
		fc.mu.Lock()
		fc.spare = out
		if err != nil {
			fc.failLocked(err)
		}
	}
	fc.writing = false
}

// failLocked ends all exchanges.
func (fc *floorConn) failLocked(err error) {
	if fc.err != nil {
		return
	}
	fc.err = err
	for i, s := range fc.streams {
		if s != nil {
			fc.streams[i] = nil
			s.n = -1
			s.wake <- struct{}{}
		}
	}
}

// read is the reading goroutine. It tells first how many streams the server takes.
func (fc *floorConn) read(first chan int) {
	defer close(first)
	buf := make([]byte, 64<<10)
	have := 0
	for {
		n, err := fc.nc.Read(buf[have:])
		have += n
		fc.mu.Lock()
		rest := buf[:have]
		for err == nil {
			f, n, ferr := h2.ParseFrame(rest, h2.MinMaxFrameSize)
			if err = ferr; err != nil || n == 0 {
				break
			}
			rest = rest[n:]
			err = fc.frameLocked(f, first)
		}
		if err != nil {
			fc.failLocked(err)
			fc.mu.Unlock()
			return
		}
		if len(fc.out) > 0 && !fc.writing {
			fc.flushLocked()
		}
		fc.mu.Unlock()
		have = copy(buf, rest)
	}
}

func (fc *floorConn) frameLocked(f h2.Frame, first chan int) error {
	switch f.Type {
	case h2.FrameHeaders, h2.FrameData:
		if f.Flags.Has(h2.FlagPadded) || f.Type == h2.FrameHeaders && !f.EndHeaders() {
			return fmt.Errorf("a frame that the floor has no eye for: %s", f.FrameHeader.String())
		}
		at := &fc.streams[f.StreamID/2%uint32(len(fc.streams))]
		s := *at
		if s == nil || s.id != f.StreamID {
			return fmt.Errorf("nobody waits for %s", f.FrameHeader.String())
		}
		if f.Type == h2.FrameHeaders {
			block := f.Payload
			for len(block) > 1 && block[0]&0xe0 == 0x20 { // a table size update
				for more := block[0]&0x1f == 0x1f; more && len(block) > 1; {
					block = block[1:]
					more = block[0]&0x80 != 0
				}
				block = block[1:]
			}
			if len(block) > 0 && block[0] == 0x88 { // :status: 200
				s.status = 200
			}
		} else {
			fc.received += len(f.Payload)
			if len(f.Payload) > len(s.buf)-s.n {
				return errLong
			}
			s.n += copy(s.buf[s.n:], f.Payload)
			if fc.received >= floorWindow/2 {
				fc.out = h2.AppendWindowUpdate(fc.out, 0, uint32(fc.received))
				fc.received = 0
			}
		}
		if f.EndStream() {
			*at = nil
			fc.open--
			s.wake <- struct{}{}
		}
	case h2.FrameSettings:
		if f.Ack() {
			return nil
		}
		fc.out = h2.AppendSettingsAck(fc.out)
		limit := 100
		for s := range f.Settings() {
			if s.ID == h2.SettingMaxConcurrentStreams {
				limit = int(min(s.Value, 1<<20))
			}
		}
		select {
		case first <- limit:
		default:
		}
	case h2.FramePing:
		if !f.Ack() {
			fc.out = h2.AppendPing(fc.out, f.Ping(), true)
		}
	case h2.FrameRSTStream:
		return f.Reset()
	case h2.FrameGoAway:
		return io.ErrUnexpectedEOF
	}
	return nil
}
