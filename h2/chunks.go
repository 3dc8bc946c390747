package h2

import "gohttpx.dev/internal/bufpool"

// chunks is received content that was not read yet: a queue of pooled blocks. It
// takes little more memory than it holds bytes, however small the frames are,
// since a block is filled before another is begun.
type chunks struct {
	blocks [][]byte // those from head on are in use
	head   int
	r, w   int // in the first block from r on, in the last up to w
	size   int
}

const (
	firstBlock = 4 << 10
	nextBlock  = 16 << 10
	maxBlock   = 64 << 10
)

// write appends a copy of p.
func (q *chunks) write(p []byte) {
	q.size += len(p)
	if q.head < len(q.blocks) {
		last := q.blocks[len(q.blocks)-1]
		n := copy(last[q.w:], p)
		q.w += n
		p = p[n:]
	}
	for len(p) > 0 {
		want := firstBlock
		if q.head < len(q.blocks) {
			want = nextBlock
		}
		if q.head > 0 && len(q.blocks) == cap(q.blocks) {
			n := copy(q.blocks, q.blocks[q.head:])
			clear(q.blocks[n:])
			q.blocks, q.head = q.blocks[:n], 0
		}
		b := bufpool.Get(min(max(want, len(p)), maxBlock))
		if q.head == len(q.blocks) {
			q.r = 0
		}
		q.blocks = append(q.blocks, b)
		q.w = copy(b, p)
		p = p[q.w:]
	}
}

// read takes up to len(p) bytes off the front.
func (q *chunks) read(p []byte) (n int) {
	for n < len(p) && q.size > 0 {
		b := q.blocks[q.head]
		if q.head == len(q.blocks)-1 {
			b = b[:q.w]
		}
		k := copy(p[n:], b[q.r:])
		n += k
		q.r += k
		q.size -= k
		if q.r == len(b) {
			q.pop()
		}
	}
	return n
}

// pop gives the first block back.
func (q *chunks) pop() {
	bufpool.Put(q.blocks[q.head])
	q.blocks[q.head] = nil
	q.head++
	q.r = 0
	if q.head == len(q.blocks) {
		q.blocks, q.head, q.w = q.blocks[:0], 0, 0
	}
}

// drop gives everything back.
func (q *chunks) drop() {
	for q.head < len(q.blocks) {
		q.pop()
	}
	q.size, q.r, q.w = 0, 0, 0
	if cap(q.blocks) > 64 {
		q.blocks = nil
	}
}
