package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"
)

// The layout of a chart, in units of its viewBox.
const (
	chartWidth  = 860.0
	labelRoom   = 150.0 // for the names, at the left
	valueRoom   = 180.0 // for the numbers, at the right
	rowHeight   = 24.0
	barHeight   = 14.0
	chartMargin = 6.0
	innerWidth  = chartWidth - labelRoom - valueRoom
)

// bar is a row of a bar chart: a median with its interval.
type bar struct {
	name           string
	ours           bool
	value          float64
	low, high      float64
	text, describe string // the number at the right, and the tooltip
}

// bars draws a bar chart from zero. An interval is a line with ends over its bar.
func bars(title string, rows []bar) template.HTML {
	top := 0.0
	for _, r := range rows {
		top = max(top, r.value, r.high)
	}
	x := func(v float64) float64 { return labelRoom + innerWidth*v/max(top, math.SmallestNonzeroFloat64) }
	return svg(title, len(rows), func(b *strings.Builder, i int, y float64) {
		r := rows[i]
		class := "theirs"
		if r.ours {
			class = "ours"
		}
		row(b, y, r.name, r.text)
		fmt.Fprintf(b, `<g><title>%s</title><rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.0f" rx="2"/>`,
			html.EscapeString(r.describe), class, labelRoom, y+(rowHeight-barHeight)/2, x(r.value)-labelRoom, barHeight)
		m := y + rowHeight/2
		fmt.Fprintf(b, `<path class="interval" d="M%.1f %.1fV%.1fM%.1f %.1fH%.1fM%.1f %.1fV%.1f"/></g>`,
			x(r.low), m-4, m+4, x(r.low), m, x(r.high), x(r.high), m-4, m+4)
	})
}

// span is a row of a chart of percentiles.
type span struct {
	name   string
	ours   bool
	values []float64 // rising
	text   string
}

// spans draws values on a logarithmic scale: a line from the first to the last with
// a mark for each.
func spans(title string, rows []span) template.HTML {
	low, high := math.Inf(1), 0.0
	for _, r := range rows {
		low, high = min(low, r.values[0]), max(high, r.values[len(r.values)-1])
	}
	low, high = math.Log(max(low, 1)), math.Log(max(high, 1))
	x := func(v float64) float64 {
		return labelRoom + innerWidth*(0.02+0.96*(math.Log(max(v, 1))-low)/max(high-low, 0.1))
	}
	return svg(title, len(rows), func(b *strings.Builder, i int, y float64) {
		r := rows[i]
		class := "theirs"
		if r.ours {
			class = "ours"
		}
		row(b, y, r.name, r.text)
		m := y + rowHeight/2
		fmt.Fprintf(b, `<path class="%s line" d="M%.1f %.1fH%.1f"/>`, class, x(r.values[0]), m, x(r.values[len(r.values)-1]))
		for _, v := range r.values {
			fmt.Fprintf(b, `<circle class="%s" cx="%.1f" cy="%.1f" r="4"/>`, class, x(v), m)
		}
	})
}

// svg is a chart of n rows, each drawn below y.
func svg(title string, n int, draw func(b *strings.Builder, i int, y float64)) template.HTML {
	var b strings.Builder
	height := float64(n)*rowHeight + 2*chartMargin
	fmt.Fprintf(&b, `<svg viewBox="0 0 %.0f %.0f" role="img" aria-label="%s">`, chartWidth, height, html.EscapeString(title))
	fmt.Fprintf(&b, `<path class="axis" d="M%.1f 0V%.1f"/>`, labelRoom, height)
	for i := range n {
		draw(&b, i, chartMargin+float64(i)*rowHeight)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}

// row writes what is beside the bar.
func row(b *strings.Builder, y float64, name, text string) {
	base := y + rowHeight/2 + 4
	fmt.Fprintf(b, `<text class="name" x="%.1f" y="%.1f">%s</text><text class="value" x="%.1f" y="%.1f">%s</text>`,
		labelRoom-8, base, html.EscapeString(name), chartWidth-valueRoom+10, base, html.EscapeString(text))
}
