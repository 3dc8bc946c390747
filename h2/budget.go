package h2

import "sync/atomic"

// DefaultBudget is the size of the budget of connections that were given none.
const DefaultBudget = 512 << 20

var processBudget = NewBudget(DefaultBudget)

// Budget bounds the memory that connections give to received and unread bytes.
// Beyond it no window grows, and no connection gives credit for what was not
// read. What streams were promised by their first windows is not taken back, so
// that the bound may be passed by as much.
//
// All methods may be called concurrently.
type Budget struct {
	max  int64
	used atomic.Int64
}

// NewBudget returns a budget of n bytes.
func NewBudget(n int64) *Budget { return &Budget{max: n} }

// Used is how many bytes are in use: those that are buffered, and those that
// windows have grown by.
func (b *Budget) Used() int64 { return b.used.Load() }

// add counts n bytes, whatever the bound.
func (b *Budget) add(n int) { b.used.Add(int64(n)) }

// full reports whether the bound is reached.
func (b *Budget) full() bool { return b.used.Load() >= b.max }

// grant counts n bytes if they fit.
func (b *Budget) grant(n int64) bool {
	if b.used.Add(n) <= b.max {
		return true
	}
	b.used.Add(-n)
	return false
}

// account is what one connection has buffered. It is counted in the budget too.
type account struct {
	budget *Budget
	n      atomic.Int64
}

func (a *account) add(n int) {
	a.n.Add(int64(n))
	a.budget.add(n)
}

// close gives back what was never read.
func (a *account) close() { a.add(-int(a.n.Load())) }
