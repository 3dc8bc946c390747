package main

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"gohttpx.dev/httpx"
)

// errGaveUp is an answer 503 after all the attempts there were.
var errGaveUp = errors.New("503 to the last attempt")

// errRefused is 400 from the server to a request that was cut on its way.
var errRefused = errors.New("400 to a request that was cut short")

// prefixOnly reports that the content may end too early without anybody being
// able to tell: it ends with the connection, which is cut, in cleartext.
func (o *operation) prefixOnly() bool {
	return o.closing == "until" && o.faulty() && o.route.Protocol == "h1"
}

// check looks at a whole answer.
func (o *operation) check(resp *httpx.Response, body []byte) error {
	if o.class == scrambled {
		return nil
	}
	if err := o.checkContent(o.checkResponse(resp), body); err != nil {
		return err
	}
	return o.checkEnd(resp)
}

// checkResponse looks at all that comes before the content.
func (o *operation) checkResponse(resp *httpx.Response) error {
	if err := o.checkHead(resp.StatusCode, resp.Header.Get, resp.Request.Method); err != nil {
		return err
	}
	if len(resp.History) != o.redirect {
		return wrong("%d redirects, want %d", len(resp.History), o.redirect)
	}
	if o.hint && o.hints.Load() == 0 {
		return wrong("the 103 before the answer was not seen")
	}
	return nil
}

// checkHead looks at the head of an answer to a request of this method in the
// end.
func (o *operation) checkHead(status int, field func(string) string, method string) error {
	if o.class == scrambled {
		return nil
	}
	if status == http.StatusBadRequest && field(idField) == "" && o.faulty() {
		return errRefused
	}
	if id := field(idField); id != o.id {
		return wrong("the head of another request's answer, %q", id)
	}
	if o.flaky > 0 && status == http.StatusServiceUnavailable {
		return errGaveUp
	}
	want := http.StatusOK
	if o.empty {
		want = http.StatusNoContent
	}
	if status != want {
		return wrong("status %d, want %d", status, want)
	}
	sent := o.body.content
	if method != o.method { // a redirect has made it a GET
		sent = nil
	}
	digest := digestOf(sent)
	if o.unread {
		digest = "unread"
	}
	if got := field(digestField); got != digest {
		return wrong("the server has read the body %s, sent was %s", got, digest)
	}
	if o.method == http.MethodHead && !o.chunked && o.coding == "" && field("Content-Length") != strconv.Itoa(o.size) {
		return wrong("Content-Length %q, want %d", field("Content-Length"), o.size)
	}
	return nil
}

// checkContent looks at the whole content, unless there is an error already.
func (o *operation) checkContent(err error, body []byte) error {
	if err != nil || o.class == scrambled {
		return err
	}
	f := filler{id: o.id, size: o.wantSize()}
	if !f.matches(body) {
		return wrong("the content is wrong in the %d bytes before byte %d of %d (%d came)", 64, f.at, f.size, len(body))
	}
	return o.checkWhole(&f)
}

func (o *operation) wantSize() int {
	if o.method == http.MethodHead {
		return 0
	}
	return o.size
}

// checkWhole is for the end of a content of which f has seen all.
func (o *operation) checkWhole(f *filler) error {
	if f.at < f.size && !o.prefixOnly() {
		return wrong("the content was taken for whole after %d bytes of %d", f.at, f.size)
	}
	switch o.closing {
	case "silent", "body", "abort":
		return wrong("the server has closed (%s), and yet there is a whole answer", o.closing)
	}
	return nil
}

// checkEnd looks at the trailer of an answer that has been read.
func (o *operation) checkEnd(resp *httpx.Response) error {
	if o.chunked && o.method != http.MethodHead && resp.Trailer().Get(endField) != o.id {
		return wrong("the trailer has %q", resp.Trailer().Get(endField))
	}
	return nil
}

// read reads a stream as the mode says, and compares on the way.
func (o *operation) read(resp *httpx.Response) error {
	if o.class != scrambled {
		if err := o.checkResponse(resp); err != nil {
			return err
		}
	}
	f := filler{id: o.id, size: o.wantSize()}
	saw := func(p []byte) error {
		o.at("read")
		if o.oneIn(50) {
			time.Sleep(o.someTime(10*time.Microsecond, 20*time.Millisecond))
		}
		if o.class != scrambled && !f.matches(p) {
			return wrong("the content is wrong before byte %d of %d", f.at, f.size)
		}
		return nil
	}
	switch o.mode {
	case inChunks:
		for p, err := range resp.Chunks(1 + o.rnd.IntN(10_000)) {
			if err != nil {
				return err
			}
			if err := saw(p); err != nil {
				return err
			}
		}
	case inLines:
		for line, err := range resp.Lines() {
			if err != nil {
				return err
			}
			p := []byte(line)
			if f.at+len(p) < f.size {
				p = append(p, '\n')
			}
			if o.prefixOnly() {
				p = p[:min(len(p), f.size-f.at)]
			}
			if err := saw(p); err != nil {
				return err
			}
		}
	case early, streamed:
		most := 1 << 30
		if o.mode == early {
			most = o.rnd.IntN(o.size + 1)
		}
		p := make([]byte, 1+o.rnd.IntN(40_000))
		for {
			if most <= 0 {
				return nil
			}
			n, err := resp.Body.Read(p[:min(len(p), most)])
			most -= n
			if err := saw(p[:n]); err != nil {
				return err
			}
			if isEOF(err) {
				break
			}
			if err != nil {
				return err
			}
		}
	}
	if o.class == scrambled {
		return nil
	}
	if err := o.checkWhole(&f); err != nil {
		return err
	}
	return o.checkEnd(resp)
}
