package main

import (
	"bytes"
	"context"
	stdtls "crypto/tls"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"gohttpx.dev/httpx"
)

// mode is how an operation reads its answer.
type mode string

const (
	buffered mode = "buffered"
	streamed mode = "streamed" // Body, in odd sizes, perhaps with pauses
	inChunks mode = "chunks"
	inLines  mode = "lines"
	early    mode = "early" // some of the body, then Close
	viaStd   mode = "net/http"
)

// stages are where an operation may cancel itself: the events of its trace, and
// those of its own.
var stages = []string{
	"GetConn", "PoolWait", "PoolAcquire", "GotConn", "ConnectStart", "ConnectDone", "ProxyStart", "ProxyDone",
	"TLSStart", "TLSDone", "WroteHead", "WroteRequest", "Wait100", "FlowStall", "FirstByte", "Redirect", "Retry",
	"OnRequest", "OnResponse", "interim", "upload", "read", "close",
}

// operation is one request: what is asked, how it is read and what is done to it.
type operation struct {
	rnd    *rand.Rand
	id     string
	route  route
	class  class // of the route, or broken by way of a bad proxy
	proxy  string
	client *httpx.Client

	method string
	body   upload
	mode   mode

	size     int // of the answer
	coding   string
	chunked  bool
	hint     bool   // wants 103
	unread   bool   // the body is not read by the server
	empty    bool   // wants 204
	closing  string // how the server ends the connection or the stream
	redirect int
	redirs   int // the status of the redirects
	flaky    int // so many 503 first
	retry    bool
	keyed    bool // has an Idempotency-Key
	opts     []httpx.RequestOption

	short    bool // has short timeouts
	deadline bool // of the context
	mortal   bool // the client may be closed meanwhile
	stage    string
	after    time.Duration // cancel then; 0 not

	cancel   context.CancelFunc
	canceled atomic.Bool
	hints    atomic.Int64 // 103 that were ours
	others   atomic.Int64 // 103 that were another's
}

// draw makes an operation up.
//
// mortal says that the client may be closed meanwhile.
func draw(rnd *rand.Rand, id string, client *httpx.Client, s *site, mortal bool) *operation {
	o := &operation{rnd: rnd, id: id, client: client, mortal: mortal, cancel: func() {}}
	o.route = pickRoute(rnd, s.Routes)
	o.class = o.route.Class
	if rnd.IntN(6) == 0 {
		o.drawProxy(s)
	}
	o.drawRequest()
	o.drawAnswer()
	o.drawTimes()
	o.mode = []mode{buffered, buffered, buffered, streamed, inChunks, inLines, early, viaStd}[rnd.IntN(8)]
	if o.mode == viaStd {
		if o.redirect > 0 || o.retry || o.proxy != "" || o.route.Protocol == "h2c" || o.coding == "deflate" {
			o.mode = buffered
		} else if o.body.kind != "" {
			o.body.kind, o.body.once, o.body.fails = "bytes", false, false
		}
		o.deadline = o.deadline || o.mode == viaStd && o.faulty()
	}
	o.options()
	return o
}

// pickRoute prefers those that promise most.
func pickRoute(rnd *rand.Rand, routes []route) route {
	share := map[class]int{steady: 6, slow: 2, hasty: 4, broken: 6, corrupt: 2, scrambled: 2}
	for {
		r := routes[rnd.IntN(len(routes))]
		if rnd.IntN(6) < share[r.Class] {
			return r
		}
	}
}

func (o *operation) drawProxy(s *site) {
	proxies := s.HTTPProxies
	if o.rnd.IntN(2) == 0 {
		proxies = s.SOCKSProxies
	}
	o.proxy = proxies[0]
	if o.rnd.IntN(3) == 0 {
		o.proxy = proxies[1]
		if o.class != scrambled {
			o.class = broken
		}
	}
}

// faulty reports that errors of the network are to be expected.
func (o *operation) faulty() bool {
	return o.class == broken || o.class == corrupt || o.class == scrambled
}

// oneIn is true once in n.
func (o *operation) oneIn(n int) bool { return o.rnd.IntN(n) == 0 }

func (o *operation) drawRequest() {
	o.method = []string{"GET", "GET", "GET", "GET", "HEAD", "POST", "POST", "POST", "PUT", "PUT", "PATCH", "DELETE"}[o.rnd.IntN(12)]
	if slices.Contains([]string{"POST", "PUT", "PATCH"}, o.method) {
		o.body = o.drawUpload()
	}
	o.retry = o.oneIn(6)
	o.keyed = o.retry && o.oneIn(2)
	if o.retry && o.oneIn(2) && !o.body.once {
		o.flaky = 1 + o.rnd.IntN(3)
	}
	if o.oneIn(8) && o.class != scrambled { // whose Location may be anything
		o.redirect = 1 + o.rnd.IntN(4)
		o.redirs = []int{301, 302, 303, 307, 308}[o.rnd.IntN(5)]
	}
	o.unread = o.body.kind != "" && o.redirect == 0 && o.oneIn(10)
}

func (o *operation) drawAnswer() {
	o.size = []int{0, 0, 100, 1000, 5000, 70_000, 300_000}[o.rnd.IntN(7)]
	if o.class == slow {
		o.size = min(o.size, 20_000)
	}
	o.chunked = o.oneIn(3)
	// A net/http server of HTTP/2 reads the fields of a 103 perhaps after it has
	// let the handler go on, if the connection ends at that moment.
	o.hint = o.oneIn(8) && !(o.route.Protocol[:2] == "h2" && (o.faulty() || o.mortal))
	o.coding = []string{"", "", "gzip", "deflate"}[o.rnd.IntN(4)]
	if o.method == "HEAD" {
		return
	}
	if o.oneIn(20) {
		o.empty, o.size, o.coding, o.chunked = true, 0, "", false
		return
	}
	if !o.oneIn(15) {
		return
	}
	o.closing = "polite"
	if o.class == hasty || o.class == broken {
		o.closing = []string{"silent", "body", "after", "until", "abort", "polite"}[o.rnd.IntN(6)]
	}
	switch o.closing {
	case "abort": // comes after 8 KiB
		o.size = 70_000
	case "after", "until":
		o.coding, o.chunked = "", false
	}
}

func (o *operation) drawTimes() {
	switch o.rnd.IntN(8) {
	case 0:
		o.after = o.someTime(10*time.Microsecond, 100*time.Millisecond)
	case 1:
		o.stage = stages[o.rnd.IntN(len(stages))]
	}
	o.deadline = o.oneIn(12)
	o.short = o.oneIn(16)
}

// someTime is random between the two, each order of magnitude as likely as the
// next.
func (o *operation) someTime(least, most time.Duration) time.Duration {
	return time.Duration(float64(least) * math.Pow(float64(most)/float64(least), o.rnd.Float64()))
}

// options makes the options of the request.
func (o *operation) options() {
	q := []any{"size", o.size}
	flag := func(name string, on bool) {
		if on {
			q = append(q, name, 1)
		}
	}
	flag("chunked", o.chunked)
	flag("hint", o.hint)
	flag("unread", o.unread)
	flag("empty", o.empty)
	flag("pace", o.oneIn(3))
	flag("uncounted", o.class == scrambled) // an id may have changed
	if o.coding != "" {
		q = append(q, "coding", o.coding)
	}
	if o.closing != "" {
		q = append(q, "close", o.closing)
	}
	if o.flaky > 0 {
		q = append(q, "flaky", o.flaky)
	}
	if o.redirect > 0 {
		q = append(q, "redirect", o.redirect, "redirect-status", o.redirs)
	}
	if o.oneIn(4) {
		q = append(q, "wait", o.someTime(100*time.Microsecond, 20*time.Millisecond).Microseconds())
	}
	o.opts = []httpx.RequestOption{
		httpx.WithHeader(idField, o.id), httpx.WithQuery(q...),
		httpx.WithFollowRedirects(o.redirect > 0),
		httpx.WithTrace(o.trace()),
		httpx.OnInformational(o.informed),
		httpx.OnRequest(func(*httpx.Request) error { o.at("OnRequest"); return nil }),
		httpx.OnResponse(func(*httpx.Response) error { o.at("OnResponse"); return nil }),
	}
	add := func(opt httpx.RequestOption) { o.opts = append(o.opts, opt) }
	if o.route.Protocol == "h2c" {
		add(httpx.WithHTTP1(false))
	}
	if o.proxy != "" {
		add(httpx.WithProxyConfig(httpx.Proxy{URL: o.proxy, Mode: httpx.ProxyTunnelOnly}))
	}
	if o.body.kind != "" {
		add(o.body.option(o))
		if o.oneIn(6) {
			add(httpx.WithExpectContinue(o.someTime(time.Millisecond, time.Second)))
		}
	}
	if o.retry {
		add(httpx.WithRetry(httpx.Retry{Attempts: 4, MinWait: time.Millisecond, MaxWait: 10 * time.Millisecond, Budget: -1, IdempotencyKey: o.keyed}))
	}
	switch {
	case o.short:
		some := func() time.Duration { return o.someTime(time.Millisecond, 500*time.Millisecond) }
		add(httpx.WithTimeouts(httpx.Timeouts{Connect: some(), Read: some(), Write: some(), Pool: some()}))
		if o.oneIn(2) {
			add(httpx.WithHeaderTimeout(some()))
		}
	case o.faulty():
		// What stalls must not hold a worker up for long.
		some := func() time.Duration { return o.someTime(50*time.Millisecond, time.Second) }
		add(httpx.WithTimeouts(httpx.Timeouts{Connect: some(), Read: some(), Write: some()}))
	}
}

func (o *operation) informed(status int, h httpx.Header) error {
	o.at("interim")
	if status != http.StatusEarlyHints {
		return nil
	}
	if h.Get(idField) == o.id {
		o.hints.Add(1)
	} else {
		o.others.Add(1)
	}
	return nil
}

// at cancels the operation if this is the stage to do so.
func (o *operation) at(stage string) {
	if stage == o.stage {
		o.canceled.Store(true)
		o.cancel()
	}
}

// trace reports the stages. It is called on many goroutines.
func (o *operation) trace() *httpx.Trace {
	return &httpx.Trace{
		GetConn:      func(string, string) { o.at("GetConn") },
		PoolWait:     func() { o.at("PoolWait") },
		PoolAcquire:  func(time.Duration, error) { o.at("PoolAcquire") },
		GotConn:      func(httpx.ConnInfo, time.Duration) { o.at("GotConn") },
		ConnectStart: func(string, string) { o.at("ConnectStart") },
		ConnectDone:  func(string, string, error) { o.at("ConnectDone") },
		ProxyStart:   func(string, string) { o.at("ProxyStart") },
		ProxyDone:    func(string, string, error) { o.at("ProxyDone") },
		TLSStart:     func() { o.at("TLSStart") },
		TLSDone:      func(stdtls.ConnectionState, error) { o.at("TLSDone") },
		WroteHead:    func() { o.at("WroteHead") },
		WroteRequest: func(error) { o.at("WroteRequest") },
		Wait100:      func() { o.at("Wait100") },
		FlowStall:    func(uint32) { o.at("FlowStall") },
		FirstByte:    func() { o.at("FirstByte") },
		Redirect:     func(*httpx.Response, *httpx.Request) { o.at("Redirect") },
		Retry:        func(httpx.Attempt) { o.at("Retry") },
	}
}

// String says what the operation was, for a complaint.
func (o *operation) String() string {
	s := fmt.Sprintf("%s %v %s %s size=%d", o.id, o.route, o.method, o.mode, o.size)
	add := func(on bool, format string, args ...any) {
		if on {
			s += " " + fmt.Sprintf(format, args...)
		}
	}
	add(o.proxy != "", "proxy=%s", o.proxy)
	add(o.body.kind != "", "body=%s/%d", o.body.kind, len(o.body.content))
	add(o.body.slow, "slow-body")
	add(o.coding != "", "coding=%s", o.coding)
	add(o.chunked, "chunked")
	add(o.hint, "hint")
	add(o.unread, "unread")
	add(o.empty, "empty")
	add(o.closing != "", "close=%s", o.closing)
	add(o.redirect > 0, "redirect=%dx%d", o.redirect, o.redirs)
	add(o.flaky > 0, "flaky=%d", o.flaky)
	add(o.retry, "retry")
	add(o.keyed, "keyed")
	add(o.short, "short-timeouts")
	add(o.deadline, "deadline")
	add(o.mortal, "mortal")
	add(o.stage != "", "cancel-at=%s", o.stage)
	add(o.after > 0, "cancel-after=%v", o.after)
	return s
}

// wrongAnswer is an error that breaks the first of all promises.
type wrongAnswer struct{ what string }

func (w *wrongAnswer) Error() string { return w.what }

func wrong(format string, args ...any) error { return &wrongAnswer{fmt.Sprintf(format, args...)} }

// run sends the request and reads the answer. An error is the client's, or a
// *wrongAnswer.
func (o *operation) run(parent context.Context) (result outcome, err error) {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	o.cancel = cancel
	if o.deadline {
		ctx, cancel = context.WithTimeout(ctx, o.someTime(100*time.Microsecond, 500*time.Millisecond))
		defer cancel()
	}
	if o.after > 0 {
		defer time.AfterFunc(o.after, func() { o.canceled.Store(true); o.cancel() }).Stop()
	}
	defer o.body.release()
	switch {
	case o.mode == viaStd:
		err = o.runStd(ctx)
	case o.mode == buffered:
		var resp *httpx.Response
		if resp, err = o.client.Do(ctx, o.method, o.route.URL+"/", o.opts...); err == nil {
			err = o.check(resp, resp.Bytes())
		}
	default:
		var resp *httpx.Response
		if resp, err = o.client.Stream(ctx, o.method, o.route.URL+"/", o.opts...); err == nil {
			err = o.read(resp)
			o.at("close")
			resp.Close()
		}
	}
	switch {
	case o.others.Load() > 0:
		return bad, wrong("a 103 of another request")
	case err == nil && o.mode == early:
		return closedEarly, nil
	case err == nil:
		return answered, nil
	}
	return o.outcomeOf(err), err
}

// runStd is the way of code that knows net/http only: no option of ours is heeded.
func (o *operation) runStd(ctx context.Context) error {
	ours, err := o.client.NewRequest(o.method, o.route.URL+"/", o.opts...)
	if err != nil {
		return err
	}
	var body io.Reader
	if o.body.kind != "" {
		body = bytes.NewReader(o.body.content)
	}
	req, err := http.NewRequestWithContext(ctx, o.method, ours.URL.String(), body)
	if err != nil {
		return err
	}
	req.Header.Set(idField, o.id)
	std := http.Client{Transport: o.client.RoundTripper()}
	resp, err := std.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	return o.checkContent(o.checkHead(resp.StatusCode, resp.Header.Get, o.method), b)
}
