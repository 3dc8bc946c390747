package h2

// What tests need to see or to set, and nobody else.

// Looked is how often the clock has looked at a stream.
func (c *Conn) Looked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.looked
}

// Waiting is how many streams the clock knows of.
func (c *Conn) Waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.due)
}

// SetNextID makes id the next stream's.
func (c *Conn) SetNextID(id uint32) {
	c.mu.Lock()
	c.nextID = id
	c.mu.Unlock()
}

// Spare is how many stream objects wait to be used again.
func (c *Conn) Spare() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.free)
}

// Unsent is how many bytes wait for the writer.
func (c *Conn) Unsent() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.wbuf)
}

// Self is whether an uploader stands in a socket write of its own.
func (c *Conn) Self() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.self != nil && c.self.writes
}

// What bounds Unsent in an upload.
const MaxUnsent = maxWrite + FrameHeaderLen + quantum
