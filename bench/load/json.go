package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// jsonLatency is a histogram for reading, in milliseconds.
type jsonLatency struct {
	Count int64   `json:"count"`
	Min   float64 `json:"min_ms"`
	Mean  float64 `json:"mean_ms"`
	Stdev float64 `json:"stdev_ms"`
	P50   float64 `json:"p50_ms"`
	P75   float64 `json:"p75_ms"`
	P90   float64 `json:"p90_ms"`
	P99   float64 `json:"p99_ms"`
	P999  float64 `json:"p99_9_ms"`
	P9999 float64 `json:"p99_99_ms"`
	Max   float64 `json:"max_ms"`
}

func latencyOf(h *hdrhistogram.Histogram) *jsonLatency {
	if h == nil {
		return nil
	}
	at := func(p float64) float64 { return ms(percentile(h, p)) }
	return &jsonLatency{
		Count: h.TotalCount(), Min: ms(time.Duration(h.Min())), Mean: ms(meanOf(h)), Stdev: ms(stdevOf(h)),
		P50: at(50), P75: at(75), P90: at(90), P99: at(99), P999: at(99.9), P9999: at(99.99), Max: ms(maxOf(h)),
	}
}

// ms is a duration in milliseconds, to the microsecond's thousandth.
func ms(d time.Duration) float64 { return float64(d) / 1e6 }

// meanOf and stdevOf are 0 where nothing was counted.
func meanOf(h *hdrhistogram.Histogram) time.Duration { return finite(h.Mean()) }

func stdevOf(h *hdrhistogram.Histogram) time.Duration { return finite(h.StdDev()) }

func finite(v float64) time.Duration {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return time.Duration(v)
}

// jsonSlice is a part of the run.
type jsonSlice struct {
	At       float64 `json:"at"` // seconds since counting began
	Answered int64   `json:"answered"`
	Failed   int64   `json:"failed"`
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
	Max      float64 `json:"max_ms"`
}

// asJSON is the result for programs.
func (r *result) asJSON() ([]byte, error) {
	v := struct {
		*result
		NotHeld bool         `json:"rate_not_held"`
		Latency *jsonLatency `json:"latency"`
		Wait    *jsonLatency `json:"sent_late,omitempty"`
		Slices  []jsonSlice  `json:"slices"`
	}{r, r.notHeld(), latencyOf(r.latency), latencyOf(r.wait), []jsonSlice{}}
	for i, s := range r.slices {
		j := jsonSlice{At: (time.Duration(i) * r.width).Seconds(), Answered: s.answered, Failed: s.failed}
		if s.latency != nil {
			j.P50, j.P99, j.Max = ms(percentile(s.latency, 50)), ms(percentile(s.latency, 99)), ms(maxOf(s.latency))
		}
		v.Slices = append(v.Slices, j)
	}
	return indented(v)
}

func indented(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", "  ")
	return append(b, '\n'), err
}

// histFormat is the format of -hist files; another version is another number.
const histFormat = "gohttpx-load-hist/1"

// histFile is a result with its histograms: each as the base64 of HdrHistogram's
// compressed V2 encoding, in nanoseconds.
type histFile struct {
	Format string `json:"format"`
	*result
	Latency string      `json:"latency"`
	Wait    string      `json:"sent_late,omitempty"`
	Width   float64     `json:"slice_seconds"`
	Slices  []histSlice `json:"slices"`
}

type histSlice struct {
	Answered int64  `json:"answered"`
	Failed   int64  `json:"failed"`
	Latency  string `json:"latency,omitempty"`
}

// asHist is the result for "load merge".
func (r *result) asHist() ([]byte, error) {
	var bad []error
	encode := func(h *hdrhistogram.Histogram) string {
		if h == nil {
			return ""
		}
		b, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
		bad = append(bad, err)
		return string(b)
	}
	f := histFile{Format: histFormat, result: r, Latency: encode(r.latency), Wait: encode(r.wait), Width: r.width.Seconds()}
	for _, s := range r.slices {
		f.Slices = append(f.Slices, histSlice{Answered: s.answered, Failed: s.failed, Latency: encode(s.latency)})
	}
	if err := errors.Join(bad...); err != nil {
		return nil, err
	}
	return indented(f)
}

// readHist reads a -hist file.
func readHist(name string) (*result, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	f := histFile{result: &result{}}
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if f.Format != histFormat {
		return nil, fmt.Errorf("%s: the format is %q, not %q: write it with -hist of this version", name, f.Format, histFormat)
	}
	r := f.result
	r.width = time.Duration(math.Round(f.Width * float64(time.Second)))
	if r.latency, err = decode(f.Latency, histDigits); err != nil {
		return nil, fmt.Errorf("%s: latency: %w", name, err)
	}
	if f.Wait != "" {
		if r.wait, err = decode(f.Wait, histDigits); err != nil {
			return nil, fmt.Errorf("%s: sent_late: %w", name, err)
		}
	}
	if !validWidth(r.width) || len(f.Slices) > maxSlices {
		return nil, fmt.Errorf("%s: slices of %v s, %d of them, are none of ours", name, f.Width, len(f.Slices))
	}
	for i, s := range f.Slices {
		got := slice{answered: s.Answered, failed: s.Failed}
		if s.Latency != "" {
			if got.latency, err = decode(s.Latency, coarse); err != nil {
				return nil, fmt.Errorf("%s: slice %d: %w", name, i, err)
			}
		}
		r.slices = append(r.slices, got)
	}
	return r, nil
}

// validWidth reports whether w is minWidth, doubled any number of times.
func validWidth(w time.Duration) bool {
	for v := minWidth; v > 0; v *= 2 {
		if v == w {
			return true
		}
	}
	return false
}

// decode reads a histogram, which must have the layout of ours to be added up.
func decode(text string, digits int) (*hdrhistogram.Histogram, error) {
	h, err := hdrhistogram.Decode(bytes.TrimSpace([]byte(text)))
	if err != nil {
		return nil, err
	}
	sum := newHist(digits)
	if h.SignificantFigures() != int64(digits) || h.LowestTrackableValue() != sum.LowestTrackableValue() {
		return nil, errors.New("a histogram of another precision or range")
	}
	if dropped := sum.Merge(h); dropped != 0 {
		return nil, errors.New("a histogram of values beyond an hour")
	}
	return sum, nil
}
