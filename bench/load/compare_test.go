package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"gohttpx.dev/bench/measure"
	"gohttpx.dev/bench/server"
	"gohttpx.dev/bench/subject"
)

// The comparison with other generators takes minutes and needs them installed
// (apt-get install wrk nghttp2-client nginx nghttp2-server). It is off unless asked
// for:
//
//	go test ./load -run TestCompare -v -timeout 1h -compare.rounds 21
var (
	compareRounds = flag.Int("compare.rounds", 0, "rounds of the comparison with wrk and h2load; 0 is none")
	compareSlice  = flag.Duration("compare.slice", time.Second, "length of each run in a round, whole seconds")
)

// reading is what a generator has printed.
type reading struct{ perSecond, p50, p99 float64 }

// generator runs once for d.
type generator func(t *testing.T, d time.Duration) reading

// Both generators run by turns; what counts is the ratio within a round, and the
// median of the ratios.
func TestCompare(t *testing.T) {
	if *compareRounds == 0 {
		return
	}
	bin := filepath.Join(t.TempDir(), "load")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	token := subject.Tokens(1)[0]
	path := "/1024/" + token
	for _, c := range []struct {
		name   string
		server server.Config
		aim    float64
		rival  func(url string) generator
		args   []string
	}{
		{
			"HTTP/1.1, nginx, 64 connections, of wrk",
			server.Config{Name: "nginx"},
			0.7,
			func(url string) generator { return wrk(url, 64) },
			[]string{"-c", "64", "-check-status", "200"},
		},
		{
			"h2c, nghttpd, 4 × 32 streams, of h2load",
			server.Config{Name: "nghttpd", HTTP2: true},
			0.5,
			func(url string) generator { return h2load(url, 4, 32) },
			[]string{"-c", "4", "-streams", "32", "-h2c", "-check-status", "200"},
		},
		{
			"h2, nghttpd, 4 × 32 streams, of h2load",
			server.Config{Name: "nghttpd", HTTP2: true, TLS: true},
			0.5,
			func(url string) generator { return h2load(url, 4, 32) },
			[]string{"-c", "4", "-streams", "32", "-insecure", "-check-status", "200"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.server.Size, c.server.Tokens = 1024, []string{token}
			p, err := server.Spawn(c.server)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Stop()
			url := "http://" + p.Addr + path
			if c.server.TLS {
				url = "https://" + p.TLSAddr + path
			}
			v := rounds(t, ours(bin, append(c.args, url)), c.rival(url))
			t.Logf("requests per second: %.2f [%.2f, %.2f] in %d rounds, aim %.2f", v[0].Median, v[0].Low, v[0].High, v[0].Rounds, c.aim)
			if v[0].High < c.aim {
				t.Errorf("the aim is missed")
			}
		})
	}
	// The same latency as wrk prints, where it is known: 50 ms.
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		after(r.Context(), 50*time.Millisecond)
		w.Write([]byte("ok"))
	}, nil)
	for name, args := range map[string][]string{"closed loop": nil, "open loop at half the rate": {"-rate", "320"}} {
		t.Run("latency of 50 ms, 32 connections, of wrk, "+name, func(t *testing.T) {
			v := rounds(t, ours(bin, append(args, s.URL, "-c", "32")), wrk(s.URL, 32))
			t.Logf("p50 %.3f [%.3f, %.3f], p99 %.3f [%.3f, %.3f]", v[1].Median, v[1].Low, v[1].High, v[2].Median, v[2].Low, v[2].High)
			for i, name := range []string{"p50", "p99"} {
				if v := v[i+1]; v.Low > 1.1 || v.High < 0.9 {
					t.Errorf("%s differs by more than 10 %%", name)
				}
			}
		})
	}
}

// rounds returns the verdicts on requests per second, p50 and p99, ours by theirs.
func rounds(t *testing.T, ours, theirs generator) (v [3]measure.Verdict) {
	var ratios [3][]float64
	for i := range *compareRounds {
		var a, b reading
		if i%2 == 0 {
			a = ours(t, *compareSlice)
			b = theirs(t, *compareSlice)
		} else {
			b = theirs(t, *compareSlice)
			a = ours(t, *compareSlice)
		}
		for n, r := range []float64{a.perSecond / b.perSecond, a.p50 / b.p50, a.p99 / b.p99} {
			ratios[n] = append(ratios[n], r)
		}
	}
	for n := range v {
		v[n] = measure.VerdictOf(ratios[n])
	}
	return v
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).Output()
	if exit := (*exec.ExitError)(nil); err != nil && !(errors.As(err, &exit) && exit.ExitCode() == exitNotHeld) {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

func ours(bin string, args []string) generator {
	return func(t *testing.T, d time.Duration) reading {
		var v struct {
			Throughput float64
			Latency    jsonLatency
		}
		if err := json.Unmarshal([]byte(output(t, bin, append([]string{"-quiet", "-json", "-", "-d", d.String()}, args...)...)), &v); err != nil {
			t.Fatal(err)
		}
		return reading{v.Throughput, v.Latency.P50, v.Latency.P99}
	}
}

func wrk(url string, conns int) generator {
	return func(t *testing.T, d time.Duration) reading {
		out := output(t, "wrk", "-t", "2", "-c", strconv.Itoa(conns), "-d", fmt.Sprintf("%.0fs", d.Seconds()), "--latency", url)
		return reading{number(t, out, `Requests/sec: +([\d.]+)()`), number(t, out, `50% +([\d.]+)(\w+)`), number(t, out, `99% +([\d.]+)(\w+)`)}
	}
}

func h2load(url string, conns, streams int) generator {
	return func(t *testing.T, d time.Duration) reading {
		out := output(t, "h2load", "-t", "2", "-c", strconv.Itoa(conns), "-m", strconv.Itoa(streams), "-D", fmt.Sprintf("%.0f", d.Seconds()), url)
		if strings.Contains(out, " 0 2xx") {
			t.Fatalf("h2load: no answer\n%s", out)
		}
		return reading{perSecond: number(t, out, `finished in .*, ([\d.]+)() req/s`)}
	}
}

// number finds a number in the output of another program, with the unit of time
// behind it, if any, in milliseconds.
func number(t *testing.T, out, pattern string) float64 {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("no %s in\n%s", pattern, out)
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return v * map[string]float64{"": 1, "us": 1e-3, "ms": 1, "s": 1e3, "m": 6e4}[m[2]]
}
