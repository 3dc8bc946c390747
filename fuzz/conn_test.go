package fuzz_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"gohttpx.dev/h1"
	"gohttpx.dev/h2"
	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/wire"
)

// A script is bytes: each step is an operation and its arguments. What the
// script does not say reads as zero.
type script struct{ rest []byte }

func (s *script) byte() byte {
	if len(s.rest) == 0 {
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return b
}

func (s *script) uint32() uint32 {
	return uint32(s.byte())<<24 | uint32(s.byte())<<16 | uint32(s.byte())<<8 | uint32(s.byte())
}

func (s *script) bytes(n int) []byte {
	n = min(n, len(s.rest))
	b := s.rest[:n]
	s.rest = s.rest[n:]
	return b
}

// engine is what both engines are to a request.
type engine interface {
	Reserve() bool
	RoundTrip(context.Context, *wire.Request, *wire.Response) error
	State() wire.ConnState
	Close() error
}

// requests are those that a script has started on an engine.
type requests struct {
	t      *testing.T
	c      engine
	wg     sync.WaitGroup
	cancel []context.CancelFunc
	bodies []*uploaded
	next   int
}

var errBody = errors.New("the body fails")

// uploaded is a body that counts how often it is closed.
type uploaded struct {
	io.Reader
	closed atomic.Int32
}

func (u *uploaded) Close() error { u.closed.Add(1); return nil }

// start sends one more request, whose kind and pace how chooses.
func (r *requests) start(how byte) {
	if r.next == 64 {
		return
	}
	r.next++
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = append(r.cancel, cancel)
	req := wire.Request{Method: "GET", Scheme: "http", Authority: "e.test", Target: "/"}
	if how&0x80 != 0 { // another protocol, which the peer may accept
		if req.Fields.Add("Upgrade", "x"); how&0x40 != 0 {
			req.Method, req.Target, req.Fields = "CONNECT", "e.test:443", nil
		}
	} else if how&1 != 0 {
		req.Method, req.BodyLen = "POST", 200_000
		if how&2 != 0 {
			req.BodyLen = -1
		}
		if how&4 != 0 {
			req.Timeouts.Continue = time.Second
		}
		if how&0x40 != 0 {
			asked := false
			req.Trailers = func() wire.Fields {
				if asked {
					r.t.Error("asked for trailers twice")
				}
				asked = true
				return wire.Fields{{Name: "X-End", Value: "1"}}
			}
		}
	}
	var body *uploaded
	if req.Method == "POST" {
		body = &uploaded{Reader: io.LimitReader(zeros{}, 200_000)}
		if how&0x30 == 0x30 { // too short, or it fails
			body.Reader = io.MultiReader(io.LimitReader(zeros{}, 100_000), iotest.ErrReader([]error{io.EOF, errBody}[how>>3&1]))
		}
		req.Body = body
	}
	if c, ok := r.c.(*h2.Conn); ok && how&0x82 == 0x82 {
		r.wg.Go(func() { r.stream(ctx, c, how) })
		return
	}
	// Whether the slot is free must not hang on which goroutine runs first.
	reserved := r.c.Reserve()
	if !reserved && how&0x10 == 0 {
		return // else it is sent without a slot, which is an error
	}
	if body != nil {
		r.bodies = append(r.bodies, body)
	}
	r.wg.Go(func() {
		var res wire.Response
		if err := r.c.RoundTrip(ctx, &req, &res); err != nil {
			r.check(err)
			return
		}
		if !reserved {
			r.t.Error("a request without a slot was sent")
		}
		if how&0x84 == 0x84 {
			if nc, err := res.Body.Detach(); err == nil {
				nc.SetDeadline(time.Now().Add(10 * time.Second))
				nc.Write([]byte("hello"))
				io.Copy(io.Discard, nc)
				nc.Close()
				return
			}
		}
		buf := make([]byte, 1+int(how>>3)*100)
		got := int64(0)
		for n := 0; ; n++ {
			m, err := res.Body.Read(buf)
			got += int64(m)
			if err == io.EOF && req.Method != "CONNECT" && res.Status == 200 && res.ContentLength >= 0 && got != res.ContentLength {
				r.t.Errorf("%d bytes of %d, without an error", got, res.ContentLength)
			}
			if err != nil {
				if err != io.EOF {
					r.check(err)
				}
				break
			}
			if m == 0 && n > 1000 {
				r.t.Error("Read returns nothing, over and over")
				break
			}
			if how&8 != 0 && n == 2 {
				break
			}
		}
		res.Body.Close()
	})
}

// stream drives a stream of HTTP/2 by hand.
func (r *requests) stream(ctx context.Context, c *h2.Conn, how byte) {
	st, err := c.Open(ctx, wire.Fields{
		{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "http"}, {Name: ":authority", Value: "e.test"}, {Name: ":path", Value: "/"},
	}, false)
	if err != nil {
		r.check(err)
		return
	}
	defer st.Reset(h2.Cancel)
	if err := st.SendData(ctx, make([]byte, 1000*int(how&0x3f)), how&8 != 0); err != nil {
		r.check(err)
		return
	}
	if how&8 == 0 {
		if err := st.SendTrailers(ctx, wire.Fields{{Name: "x-end", Value: "1"}}); err != nil {
			r.check(err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for ended := false; ; {
		ev, err := st.Recv(ctx)
		if err != nil {
			if ended != (err == io.EOF) {
				r.t.Errorf("the end told %v, then %v", ended, err)
			} else if err != io.EOF {
				r.check(err)
			}
			return
		}
		ended = ev.End
	}
}

// check says what an error of an engine must be.
func (r *requests) check(err error) {
	var e *wire.Error
	if !errors.As(err, &e) && !errors.Is(err, wire.ErrBodyClosed) {
		r.t.Errorf("not a *wire.Error: %T %v", err, err)
	}
	if e != nil && (e.Phase == 0 || e.Kind == 0 || e.Err == nil || e.Error() == "") {
		r.t.Errorf("an error that does not say what it is: %+v", e)
	}
}

// end closes the engine after all timeouts have had their time, and checks that
// every request has ended and every slot come back.
func (r *requests) end() {
	time.Sleep(time.Minute) // on the bubble's clock: the four timeouts are over
	r.c.Close()
	r.wg.Wait()
	synctest.Wait() // who sends bodies has ended, too
	if st := r.c.State(); st.InFlight != 0 || st.Phase != wire.ConnClosed {
		r.t.Errorf("after the end: %+v", st)
	}
	for _, cancel := range r.cancel {
		cancel()
	}
	for i, b := range r.bodies {
		if n := b.closed.Load(); n != 1 {
			r.t.Errorf("the body of upload %d was closed %d times", i, n)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// drain reads and drops what the engine sends, until deaf is set.
func drain(nc net.Conn, deaf *atomic.Bool) {
	for p := make([]byte, 32<<10); !deaf.Load(); {
		if _, err := nc.Read(p); err != nil {
			return
		}
	}
}

// FuzzH2Conn plays a script of frames, good and bad, against the HTTP/2 engine
// under requests of many kinds. Nothing panics, nothing hangs (the bubble would
// say so), every error has its kind, nothing is left.
func FuzzH2Conn(f *testing.F) {
	response := string(h2.NewFieldEncoder(h2.EncoderConfig{}).Append(nil, wire.Fields{{Name: ":status", Value: "200"}, {Name: "content-length", Value: "3"}}))
	f.Add([]byte{1, 10, 0, 2, 0, byte(len(response))})
	f.Add([]byte("\x01\x0a\x01\x02\x00\x03\x00\x05abcde\x0a\x09\x09\x04\x00\x08\x07"))
	for _, fr := range frameSeeds() {
		f.Add(append([]byte{1, 10, 1, 10, 2, 0, byte(len(fr))}, fr...))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		synctest.Test(t, func(t *testing.T) {
			client, server := memconn.PipeSize(1 << 20)
			client.SetCapacity(32 << 10)
			var deaf atomic.Bool
			go drain(server, &deaf)
			budget := h2.NewBudget(1 << 30)
			c, err := h2.NewConn(context.Background(), client, h2.Config{Budget: budget})
			if err != nil {
				t.Fatal(err)
			}
			c.OnChange(func() {})
			r := &requests{t: t, c: c}
			enc := h2.NewFieldEncoder(h2.EncoderConfig{})
			var id uint32 = 1
			s := &script{src}
			for steps := 0; len(s.rest) > 0 && steps < 500; steps++ {
				var out []byte
				switch op := s.byte(); op % 16 {
				case 0: // raw bytes
					out = s.bytes(int(s.byte()))
				case 1:
					out = h2.AppendSettings(nil)
				case 2: // a response
					fields := wire.Fields{{Name: ":status", Value: "200"}}
					if op&16 != 0 {
						fields[0].Value = "103"
					}
					if op&32 != 0 {
						fields = append(fields, wire.Field{Name: "content-length", Value: "5"})
					}
					out = h2.AppendHeaders(nil, id, enc.Append(nil, fields), h2.HeadersOptions{EndStream: op&64 != 0, Fragment: int(op >> 7)})
				case 3:
					n := int(s.byte()) << (op >> 4)
					out = h2.AppendData(nil, id, make([]byte, min(n, 16384)), op&16 != 0, h2.Padding(op&32))
				case 4:
					out = h2.AppendRSTStream(nil, id, h2.ErrCode(s.byte()))
				case 5:
					out = h2.AppendGoAway(nil, uint32(s.byte()), h2.ErrCode(s.byte()), "")
				case 6:
					out = h2.AppendWindowUpdate(nil, uint32(op>>4)*id, s.uint32())
				case 7:
					out = h2.AppendPing(nil, [8]byte{}, op&16 != 0)
				case 8:
					switch {
					case op&16 != 0:
						c.Drain()
					case op&32 != 0:
						c.Healthy()
					case op&64 != 0:
						deaf.Store(true)
					default:
						server.Close()
					}
				case 9:
					time.Sleep(time.Duration(s.byte()) * 100 * time.Millisecond)
				case 10:
					r.start(s.byte())
				case 11:
					if len(r.cancel) > 0 {
						r.cancel[int(s.byte())%len(r.cancel)]()
					}
				case 12:
					id = uint32(s.byte())
				case 13: // trailers
					out = h2.AppendHeaders(nil, id, enc.Append(nil, wire.Fields{{Name: "x", Value: "y"}}), h2.HeadersOptions{EndStream: op&16 == 0})
				case 14: // any frame
					h := h2.FrameHeader{Type: h2.FrameType(s.byte()), Flags: h2.Flags(s.byte()), StreamID: uint32(s.byte())}
					payload := s.bytes(int(s.byte()))
					h.Length = uint32(len(payload))
					out = h2.AppendRaw(nil, h, payload)
				case 15:
					out = h2.AppendSettings(nil, h2.Setting{ID: h2.SettingID(s.byte()), Value: s.uint32()})
				}
				if len(out) > 0 {
					server.Write(out)
				}
				synctest.Wait()
			}
			r.end()
			if n := budget.Used(); n != 0 {
				t.Errorf("%d bytes are in use after the end", n)
			}
			server.Close()
		})
	})
}

// FuzzH1Conn plays any bytes against the HTTP/1.1 engine, in pieces, beside
// pauses, cancels and the end of the connection.
func FuzzH1Conn(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x2fHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1\x01\x00"))
	f.Add([]byte("\x01\x01\x00\x50HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\x02\x05\x00\x0d\r\n0\r\nA: b\r\n\r\n"))
	f.Add([]byte("\x01\x00\x00\x30HTTP/1.0 200 OK\r\n\r\nuntil the end of it all\x03"))
	f.Fuzz(func(t *testing.T, src []byte) {
		synctest.Test(t, func(t *testing.T) {
			client, server := memconn.PipeSize(1 << 20)
			client.SetCapacity(32 << 10)
			var deaf atomic.Bool
			go drain(server, &deaf)
			c := h1.NewConn(client, h1.Config{})
			c.OnChange(func() {})
			r := &requests{t: t, c: c}
			s := &script{src}
			for steps := 0; len(s.rest) > 0 && steps < 500; steps++ {
				switch op := s.byte(); op % 8 {
				case 0:
					server.Write(s.bytes(int(s.byte())))
				case 1:
					r.start(s.byte())
				case 2:
					time.Sleep(time.Duration(s.byte()) * 100 * time.Millisecond)
				case 3:
					server.CloseWrite()
				case 4:
					server.Reset()
				case 5:
					if len(r.cancel) > 0 {
						r.cancel[int(s.byte())%len(r.cancel)]()
					}
				case 6:
					if c.Healthy(); op&16 != 0 {
						deaf.Store(true)
					}
				case 7:
					c.Drain()
				}
				synctest.Wait()
			}
			r.end()
			server.Close()
		})
	})
}
