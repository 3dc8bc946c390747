package fuzz_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
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
	next   int
}

// start sends one more request, whose kind and pace how chooses.
func (r *requests) start(how byte) {
	if r.next == 64 {
		return
	}
	r.next++
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = append(r.cancel, cancel)
	r.wg.Go(func() {
		if !r.c.Reserve() {
			return
		}
		req := wire.Request{Method: "GET", Scheme: "http", Authority: "e.test", Target: "/"}
		if how&1 != 0 {
			req.Method, req.BodyLen = "POST", 200_000
			req.Body = io.NopCloser(io.LimitReader(zeros{}, req.BodyLen))
			if how&2 != 0 {
				req.BodyLen = -1
			}
			if how&4 != 0 {
				req.Timeouts.Continue = time.Second
			}
		}
		var res wire.Response
		if err := r.c.RoundTrip(ctx, &req, &res); err != nil {
			r.check(err)
			return
		}
		buf := make([]byte, 1+int(how>>3)*100)
		for n := 0; ; n++ {
			m, err := res.Body.Read(buf)
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
	if st := r.c.State(); st.InFlight != 0 || st.Phase != wire.ConnClosed {
		r.t.Errorf("after the end: %+v", st)
	}
	for _, cancel := range r.cancel {
		cancel()
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// drain reads and drops what the engine sends, unless the script stops it.
func drain(nc net.Conn) { io.Copy(io.Discard, nc) }

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
			go drain(server)
			c, err := h2.NewConn(context.Background(), client, h2.Config{})
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
					server.Close()
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
			go drain(server)
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
					c.Healthy()
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
