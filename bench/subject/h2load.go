package subject

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

// h2load is the load generator of nghttp2, written in C: how cheap a client of
// HTTP/2 can be that keeps nothing of an answer. It runs as another process with
// one connection and as many streams as there are goroutines elsewhere, and its
// CPU time is what the operating system says when it has ended: a start and, over
// TLS, one handshake are in it. It counts the answers and their status, but does
// not look at what is in them.
var h2load = Subject{
	Name:      "h2load",
	What:      "h2load of nghttp2, one connection, another process",
	HTTP2Only: true,
	External:  true,
	Open: func(o Options) (Client, error) {
		bin, err := exec.LookPath("h2load")
		if err != nil {
			return nil, fmt.Errorf("%w (apt-get install nghttp2-client)", err)
		}
		return &h2loadProgram{o: o, bin: bin}, nil
	},
}

// Program is a Client that is another program. Its Worker fails.
type Program interface {
	Client
	// Run makes n requests, all of which must be answered rightly.
	Run(n int) (Usage, error)
}

// Usage is what a run of a Program took.
type Usage struct{ Wall, User, System time.Duration }

type h2loadProgram struct {
	o   Options
	bin string
}

func (h *h2loadProgram) Worker(int) (Exchange, error) {
	return nil, errors.New("another program has no goroutines")
}

func (h *h2loadProgram) Run(n int) (Usage, error) {
	url := h.o.scheme() + "://" + h.o.Addr + target(h.o, token(0, 0))
	cmd := exec.Command(h.bin, "-n", strconv.Itoa(n), "-c", "1", "-t", "1", "-m", strconv.Itoa(h.o.Conns), url)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return Usage{}, fmt.Errorf("%w: %s", err, out.Bytes())
	}
	u := Usage{time.Since(start), cmd.ProcessState.UserTime(), cmd.ProcessState.SystemTime()}
	return u, checkH2load(out.Bytes(), n, h.o.Size)
}

var (
	h2loadStatus  = regexp.MustCompile(`(?m)^status codes: (\d+) 2xx, 0 3xx, 0 4xx, 0 5xx`)
	h2loadTraffic = regexp.MustCompile(`(?m)^traffic: .* \((\d+)\) data`)
)

// checkH2load looks for n answers with status 2xx of size bytes each.
func checkH2load(out []byte, n, size int) error {
	status, traffic := h2loadStatus.FindSubmatch(out), h2loadTraffic.FindSubmatch(out)
	if status == nil || traffic == nil || string(status[1]) != strconv.Itoa(n) || string(traffic[1]) != strconv.Itoa(n*size) {
		return fmt.Errorf("h2load had not %d answers of %d bytes: %s", n, size, out)
	}
	return nil
}

func (h *h2loadProgram) Close() {}
