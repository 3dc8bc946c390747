package main

import (
	"html"
	"math"
	"strconv"
)

// The size of a plot and of the room for its labels, in units of its viewBox.
const (
	plotWidth, plotHeight   = 900.0, 300.0
	leftRoom, rightRoom     = 80.0, 40.0
	topRoom, bottomRoom     = 30.0, 30.0
	innerWidth, innerHeight = plotWidth - leftRoom - rightRoom, plotHeight - topRoom - bottomRoom
)

// plot is a picture of lines over two axes, as SVG.
type plot struct {
	x, y   axis
	series []series
}

// axis is a scale from from to to.
type axis struct {
	from, to float64
	log      bool
	ticks    float64 // distance of the marks; 0: chosen
	text     func(float64) string
}

// series is one line, perhaps in several parts.
type series struct {
	name  string
	class int // its colour
	parts [][][2]float64
}

func (s *series) add(x, y float64) {
	if len(s.parts) == 0 {
		s.gap()
	}
	last := &s.parts[len(s.parts)-1]
	*last = append(*last, [2]float64{x, y})
}

// gap interrupts the line.
func (s *series) gap() { s.parts = append(s.parts, nil) }

// fit makes the y axis just large enough.
func (p *plot) fit() *plot {
	low, high := math.Inf(1), 0.0
	for _, s := range p.series {
		for _, part := range s.parts {
			for _, at := range part {
				low, high = min(low, at[1]), max(high, at[1])
			}
		}
	}
	switch {
	case high == 0:
		p.y.from, p.y.to = 0, 1
		if p.y.log {
			p.y.from, p.y.to = 1, 10
		}
	case p.y.log:
		p.y.from = math.Pow(10, math.Floor(math.Log10(low)))
		p.y.to = math.Pow(10, math.Ceil(math.Log10(high*1.01)))
	default:
		step := stepFor(high)
		p.y.to = math.Ceil(high*1.01/step) * step
	}
	return p
}

// stepFor is a round distance for about five marks up to high.
func stepFor(high float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(high/5)))
	for _, m := range []float64{1, 2, 5} {
		if high/(m*unit) <= 6 {
			return m * unit
		}
	}
	return 10 * unit
}

// marks are the values with a label.
func (a *axis) marks() (all []float64) {
	if a.log {
		for v := a.from; v <= a.to*1.001; v *= 10 {
			all = append(all, v)
		}
		return all
	}
	step := a.ticks
	if step == 0 {
		step = stepFor(a.to)
	}
	for i := 0; float64(i)*step <= a.to*1.001; i++ {
		all = append(all, float64(i)*step)
	}
	return all
}

// at is where v lies, from 0 to 1.
func (a *axis) at(v float64) float64 {
	if a.log {
		return math.Log(v/a.from) / math.Log(a.to/a.from)
	}
	return (v - a.from) / (a.to - a.from)
}

func (p *plot) px(v float64) float64 { return leftRoom + p.x.at(v)*innerWidth }
func (p *plot) py(v float64) float64 { return topRoom + (1-p.y.at(v))*innerHeight }

// write appends the plot.
func (p *plot) write(l *lines) {
	l.f("<svg viewBox=\"0 0 %g %g\" role=\"img\">\n", plotWidth, plotHeight)
	for _, v := range p.y.marks() {
		y := p.py(v)
		l.f("<line class=\"grid\" x1=\"%g\" x2=\"%g\" y1=\"%.1f\" y2=\"%.1f\"/><text x=\"%g\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
			leftRoom, plotWidth-rightRoom, y, y, leftRoom-8, y+4, html.EscapeString(p.y.text(v)))
	}
	for _, v := range p.x.marks() {
		l.f("<text x=\"%.1f\" y=\"%g\" text-anchor=\"middle\">%s</text>\n", p.px(v), plotHeight-8, html.EscapeString(p.x.text(v)))
	}
	for n, s := range p.series {
		x := leftRoom + float64(n)*120
		l.f("<line class=\"s%d\" x1=\"%g\" x2=\"%g\" y1=\"12\" y2=\"12\"/><text x=\"%g\" y=\"16\">%s</text>\n", s.class, x, x+20, x+26, html.EscapeString(s.name))
		for _, part := range s.parts {
			if len(part) == 0 {
				continue
			}
			l.f("<path class=\"s%d\" d=\"", s.class)
			for i, at := range part {
				l.f("%s%.1f %.1f", map[bool]string{true: "M", false: "L"}[i == 0], p.px(at[0]), p.py(at[1]))
			}
			if len(part) == 1 {
				l.f("h2") // a single value would not show
			}
			l.f("\"/>\n")
		}
	}
	l.f("</svg>\n")
}

// digits writes a number as short as it can be.
func digits(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
