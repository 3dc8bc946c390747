package h2

// deadlines is a heap of the streams in which somebody waits with a limit, the
// earliest on top: what the timer does for one that expires does not depend on
// how many others there are.
//
// A stream is in it once, at a time that is not after the first of its two
// limits. It stays when its wait ends, and is put right when that time comes: so
// a request whose limits are like those of the one before, in the same object,
// changes nothing here.
type deadlines []*stream

// dueLocked sees to it that the timer looks at the stream at the time, or before.
func (c *Conn) dueLocked(s *stream, at int64) {
	if at == 0 || c.timersOff {
		return
	}
	q := &c.due
	switch {
	case s.due == 0:
		s.due, s.place = at, len(*q)
		*q = append(*q, s)
	case at < s.due:
		s.due = at
	default:
		return
	}
	q.up(s.place)
	c.armLocked((*q)[0].due)
}

// expireLocked wakes the waits whose time has come, and sets the timer for the
// next one.
func (c *Conn) expireLocked(now int64) {
	for len(c.due) > 0 && c.due[0].due <= now {
		s := c.due[0]
		c.due.remove(s)
		c.looked++
		if s.readBy != 0 && now >= s.readBy {
			s.readBy = 0
			wakeUp(s.wake)
		}
		if s.sendBy != 0 && now >= s.sendBy {
			s.sendBy = 0
			wakeUp(s.sendWake)
		}
		next := s.readBy
		if next == 0 || s.sendBy != 0 && s.sendBy < next {
			next = s.sendBy
		}
		c.dueLocked(s, next)
	}
	if len(c.due) > 0 {
		c.armLocked(c.due[0].due)
	}
}

// remove takes a stream out.
func (q *deadlines) remove(s *stream) {
	if s.due == 0 {
		return
	}
	i, last := s.place, len(*q)-1
	q.swap(i, last)
	(*q)[last] = nil
	*q = (*q)[:last]
	if i < last {
		q.down(i)
		q.up(i)
	}
	s.due = 0
}

func (q deadlines) swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

func (q deadlines) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if q[parent].due <= q[i].due {
			return
		}
		q.swap(i, parent)
		i = parent
	}
}

func (q deadlines) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(q) {
			return
		}
		if child+1 < len(q) && q[child+1].due < q[child].due {
			child++
		}
		if q[i].due <= q[child].due {
			return
		}
		q.swap(i, child)
		i = child
	}
}
