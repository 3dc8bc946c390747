package h1

import (
	"net"
	"time"

	"gohttpx.dev/internal/await"
	"gohttpx.dev/wire"
)

// The wait for the response, where it can begin with the write of the request:
// that saves the system call of a read which finds nothing.

// lookAfter is when a wait that began with the write ends at the latest, or a
// tenth later, for a read to look. The wait is blind to what came between the
// last read and the request, which is rare, and to nothing else: an end of the
// stream without a reset, from a peer that has not announced it.
const lookAfter = 100 * time.Millisecond

// awaiter is a net.Conn that is not a socket and can do what package await does:
// its WriteAwait is Write, after which it may have waited for something to read.
type awaiter interface {
	WriteAwait(p []byte) (n int, waited bool, err error)
}

// mayAwait reports whether the wait for the response may begin with the write of
// req, which is all that there is to send.
//
// The first exchange is left out, for peers that speak before they are asked; so
// are hooks, which are to be told of the write at once, limits that do not leave
// room for a look, and peers whose last answer took longer than that: a look costs
// more than it saves.
func (c *Conn) mayAwait(req *wire.Request) bool {
	const room = 2 * int64(lookAfter)
	return await.Waits && c.served > 1 && !c.slow && req.Trace == nil &&
		(c.lim.read == 0 || c.lim.read >= room) && (c.lim.header == 0 || c.lim.header >= room)
}

// put is one write to the connection, at about now.
func (c *Conn) put(p []byte, now int64, mayAwait bool) (n int, err error) {
	if mayAwait {
		switch nc := c.nc.(type) {
		case *net.TCPConn:
			c.boundWait(now)
			n, c.awaited, err = await.Write(nc, p)
			return n, err
		case awaiter:
			c.boundWait(now)
			n, c.awaited, err = nc.WriteAwait(p)
			return n, err
		}
	}
	return c.nc.Write(p)
}

// boundWait sets the deadline of a wait that begins now. The write before it does
// not block, so that now is the time of it too, from which the limits of the read
// count: after the wait it would be too late to look.
func (c *Conn) boundWait(now int64) {
	c.lastAt = now
	c.armRead(now, int64(lookAfter))
}

// judgeSlow notes, when the first byte is there, whether the peer took longer than
// a look. An answer to a request of which a part is still to be sent, as to the
// head alone (RFC 9110 §10.1.1), is not late.
func (c *Conn) judgeSlow() {
	sent := c.sentTime()
	c.slow = sent != 0 && c.firstAt-sent > int64(lookAfter)
}
