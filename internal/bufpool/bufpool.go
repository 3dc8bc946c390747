// Package bufpool lends byte buffers in size classes.
//
// # Overview
//
// Get returns a buffer of at least the wanted length, Put takes it back. A
// class is a pool of pointers to arrays, so that neither call allocates once
// the pool is warm (a pool of slices costs one allocation for each Put).
//
// # Concurrency
//
// Both functions may be called concurrently. A buffer has one owner at a time:
// Put is called once, by whoever Get's buffer was handed to last, and only when
// no Read or Write on it is under way.
//
// # Limitations
//
// Buffers above 256 KiB are made and dropped. Contents are not cleared: a buffer
// starts with what its last user left in it.
package bufpool

import "sync"

// The classes, in bytes.
const (
	size4K   = 4 << 10
	size8K   = 8 << 10
	size16K  = 16 << 10
	size18K  = 18 << 10 // an HTTP/2 frame of the usual 16 KiB with its header
	size32K  = 32 << 10
	size64K  = 64 << 10
	size128K = 128 << 10
	size256K = 256 << 10
)

var (
	pool4K   = sync.Pool{New: func() any { return new([size4K]byte) }}
	pool8K   = sync.Pool{New: func() any { return new([size8K]byte) }}
	pool16K  = sync.Pool{New: func() any { return new([size16K]byte) }}
	pool18K  = sync.Pool{New: func() any { return new([size18K]byte) }}
	pool32K  = sync.Pool{New: func() any { return new([size32K]byte) }}
	pool64K  = sync.Pool{New: func() any { return new([size64K]byte) }}
	pool128K = sync.Pool{New: func() any { return new([size128K]byte) }}
	pool256K = sync.Pool{New: func() any { return new([size256K]byte) }}
)

// Get returns a buffer whose length is that of the smallest class that holds n
// bytes; above the largest class it is n.
func Get(n int) []byte {
	switch {
	case n <= size4K:
		return pool4K.Get().(*[size4K]byte)[:]
	case n <= size8K:
		return pool8K.Get().(*[size8K]byte)[:]
	case n <= size16K:
		return pool16K.Get().(*[size16K]byte)[:]
	case n <= size18K:
		return pool18K.Get().(*[size18K]byte)[:]
	case n <= size32K:
		return pool32K.Get().(*[size32K]byte)[:]
	case n <= size64K:
		return pool64K.Get().(*[size64K]byte)[:]
	case n <= size128K:
		return pool128K.Get().(*[size128K]byte)[:]
	case n <= size256K:
		return pool256K.Get().(*[size256K]byte)[:]
	}
	return make([]byte, n)
}

// Put gives back a buffer of Get's; the caller must not touch it afterwards. It
// may have been resliced, as long as it starts where it did. What has another
// capacity than a class is left to the garbage collector, nil included.
func Put(b []byte) {
	b = b[:cap(b)]
	switch len(b) {
	case size4K:
		pool4K.Put((*[size4K]byte)(b))
	case size8K:
		pool8K.Put((*[size8K]byte)(b))
	case size16K:
		pool16K.Put((*[size16K]byte)(b))
	case size18K:
		pool18K.Put((*[size18K]byte)(b))
	case size32K:
		pool32K.Put((*[size32K]byte)(b))
	case size64K:
		pool64K.Put((*[size64K]byte)(b))
	case size128K:
		pool128K.Put((*[size128K]byte)(b))
	case size256K:
		pool256K.Put((*[size256K]byte)(b))
	}
}
