package pool

// list is an intrusive doubly linked list: a value holds its own node, so that
// putting it in and taking it out from anywhere is O(1) and allocates nothing.
// A node is in one list at a time. The pool's mutex guards every list.
type list[T any] struct {
	head, tail *node[T]
	n          int
}

type node[T any] struct {
	prev, next *node[T]
	in         *list[T]
	v          T // the holder of the node; set once
}

// front returns the first value, or the zero T.
func (l *list[T]) front() (v T) {
	if l.head != nil {
		v = l.head.v
	}
	return v
}

func (l *list[T]) has(n *node[T]) bool { return n.in == l }

func (l *list[T]) pushFront(n *node[T]) { l.insert(n, nil, l.head) }
func (l *list[T]) pushBack(n *node[T])  { l.insert(n, l.tail, nil) }

// insert puts n between its future neighbours, nil standing for an end.
func (l *list[T]) insert(n, prev, next *node[T]) {
	n.in, n.prev, n.next = l, prev, next
	if prev != nil {
		prev.next = n
	} else {
		l.head = n
	}
	if next != nil {
		next.prev = n
	} else {
		l.tail = n
	}
	l.n++
}

// remove takes n out and reports whether it was in l.
func (l *list[T]) remove(n *node[T]) bool {
	if n.in != l {
		return false
	}
	if n.prev != nil {
		n.prev.next = n.next
	} else {
		l.head = n.next
	}
	if n.next != nil {
		n.next.prev = n.prev
	} else {
		l.tail = n.prev
	}
	n.in, n.prev, n.next = nil, nil, nil
	l.n--
	return true
}

// ranked is a value in a heap: it remembers its place.
type ranked[T any] interface {
	before(T) bool
	place() *int // 1 + index in the heap, 0 when it is in none
}

// heap keeps the least value on top. It serves the two orders that no list can
// keep, neither of them on the way of a request that finds an idle connection:
// origins by their oldest hungry waiter, connections by their end of life.
type heap[T ranked[T]] []T

// fix puts v where it belongs after its rank has changed, adding it if it is
// new: O(log n).
func (h *heap[T]) fix(v T) {
	i := *v.place() - 1
	if i < 0 {
		*h = append(*h, v)
		i = len(*h) - 1
		*v.place() = i + 1
	}
	h.down(h.up(i))
}

// remove takes v out if it is in.
func (h *heap[T]) remove(v T) {
	i := *v.place() - 1
	if i < 0 {
		return
	}
	last := len(*h) - 1
	h.swap(i, last)
	var zero T
	(*h)[last] = zero
	*h = (*h)[:last]
	*v.place() = 0
	if i < last {
		h.down(h.up(i))
	}
}

func (h heap[T]) up(i int) int {
	for i > 0 && h[i].before(h[(i-1)/2]) {
		h.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
	return i
}

func (h heap[T]) down(i int) {
	for {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(h); c++ {
			if h[c].before(h[least]) {
				least = c
			}
		}
		if least == i {
			return
		}
		h.swap(i, least)
		i = least
	}
}

func (h heap[T]) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	*h[i].place(), *h[j].place() = i+1, j+1
}
