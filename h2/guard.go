package h2

// Every limit on what a peer may have us do for nothing is here, but for those
// of a field block, which are DecoderConfig's: encoded bytes, frames (empty ones
// included), decoded bytes, number of fields.
//
// Frames that carry nothing are paid for from one allowance: PING, SETTINGS,
// PRIORITY, WINDOW_UPDATE, RST_STREAM, frames of unknown type, empty DATA and
// interim responses, and whatever comes for streams that are gone. It is filled
// by what makes such frames right: frames that we send, content that comes, and
// time. So a peer that pings once per megabyte is never refused, and one that
// floods is, after a thousand frames.
//
// WINDOW_UPDATE has an account of its own besides, without a bound: the content
// that we have sent is what a peer may give credit for, in pieces as it reads
// it, and over a long wire all of it in one burst.

const (
	allowance    = 1000     // frames that may come for nothing at once
	perSent      = 16       // earned by a frame of a request of ours
	perReceived  = 4        // earned by a frame with content or a response head
	perSecond    = 100      // earned by time
	perUpdate    = 128      // bytes of content sent that make one WINDOW_UPDATE right
	smallData    = 256      // DATA of ours that is shorter earns nothing: data dribble
	maxQueued    = 1500     // answers that wait to be written before reading stops: above allowance, as a flood for nothing is to be refused
	lateHeads    = 3        // field blocks that may come for a stream after its reset
	maxWrite     = 96 << 10 // of content; with the last frame it is within a pooled buffer of 128 KiB
	maxWriteHard = 1 << 20  // where even the heads of requests wait
)

const (
	ruleFlood   = "RFC 9113 §10.5: a peer that abuses the protocol is disconnected"
	ruleInterim = "limit: Config.Interim"

	ruleInterimSize = "limit: DecoderConfig.ListBytes, by all interim responses"
)

// guard is the allowance. Guarded by Conn.mu.
type guard struct {
	left   int64
	filled int64 // when time was last counted
	unread int64 // bytes of content sent that no WINDOW_UPDATE was accepted for
	queued int   // answers in the write buffer
	data   int64 // bytes of DATA that may still come for streams we have reset
	heads  int64 // and field blocks
}

// earn fills the allowance.
func (g *guard) earn(n int64) { g.left = min(g.left+n, allowance) }

// spend pays for one frame. It returns a ConnError if the allowance is gone.
func (g *guard) spend(now int64, t FrameType) error {
	g.left--
	if g.left >= 0 {
		return nil
	}
	// Counted only when it matters.
	if n := (now - g.filled) * perSecond / 1e9; n > 0 {
		g.filled = now
		g.earn(n)
	}
	if g.left >= 0 {
		return nil
	}
	return ConnError{Code: EnhanceYourCalm, Rule: ruleFlood, What: "too many frames for nothing, the last of them " + t.String()}
}

// sent counts content of ours.
func (g *guard) sent(n int) { g.unread += int64(n) }

// update pays for a WINDOW_UPDATE.
func (g *guard) update(now int64) error {
	if g.unread >= perUpdate {
		g.unread -= perUpdate
		return nil
	}
	return g.spend(now, FrameWindowUpdate)
}

// reset allows for what is under way on a stream that we reset and the peer has
// not ended: no more DATA than its window, and a few field blocks.
func (g *guard) reset(window int64) {
	g.data += max(window, 0)
	g.heads += lateHeads
}

// lateData takes n bytes of DATA that came for a stream which is gone, and
// reports whether they may be from before a reset.
func (g *guard) lateData(n int) bool {
	if int64(n) > g.data {
		return false
	}
	g.data -= int64(n)
	return true
}

// lateHead is lateData for a field block.
func (g *guard) lateHead() bool {
	if g.heads == 0 {
		return false
	}
	g.heads--
	return true
}
