package tls

// records follows the record layer (RFC 8446 §5.1) through the bytes that
// crypto/tls takes in, to tell whether it holds any that it has not used.
//
// crypto/tls asks for more only when it has no whole record left. So if its last
// request brought the end of one record and nothing after it, a Read that has
// returned data since has used that record up.
type records struct {
	head  [recordHeader]byte
	have  uint8  // bytes of head
	left  uint16 // bytes that the payload of the record still wants
	ended int32  // records that ended within the last call of feed
	short bool
}

// recordHeader is the length of a record's header: type, version, length.
const recordHeader = 5

// feed is told what one read of the socket brought, and how much there was room
// for.
func (r *records) feed(p []byte, room int) {
	r.ended, r.short = 0, len(p) < room
	for len(p) > 0 {
		if r.have < recordHeader {
			n := copy(r.head[r.have:], p)
			r.have += uint8(n)
			p = p[n:]
			if r.have < recordHeader {
				return
			}
			r.left = uint16(r.head[3])<<8 | uint16(r.head[4])
		}
		n := min(int(r.left), len(p))
		r.left -= uint16(n)
		p = p[n:]
		if r.left == 0 {
			r.have = 0
			r.ended++
		}
	}
}

// usedUp reports whether the last read ended with the one record that it
// completed, and took all that the socket had.
func (r *records) usedUp() bool { return r.short && r.ended == 1 && r.have == 0 }
