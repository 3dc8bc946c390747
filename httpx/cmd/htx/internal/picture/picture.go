// Package picture draws what a program wrote to a terminal as SVG. It knows the
// escape sequences that htx writes: colours and weights (ECMA-48 §8.3.117, SGR),
// of the sixteen colours the foreground only.
package picture

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Sizes in pixels. Each span of text has a place of its own, so that lines fit
// whatever font there is.
const (
	cellWidth  = 8.4
	lineHeight = 20
	fontSize   = 14
	margin     = 20
	bar        = 36 // the window's, above the text
)

const (
	background = "#1b1f27"
	foreground = "#d7dae0"
)

// palette are the colours 30 to 37 and 90 to 97.
var palette = map[int]string{
	30: "#3f4451", 31: "#e06c75", 32: "#98c379", 33: "#e5c07b", 34: "#61afef", 35: "#c678dd", 36: "#56b6c2", 37: "#d7dae0",
	90: "#7f848e", 91: "#ff7b86", 92: "#a5e075", 93: "#f0d197", 94: "#7ec0ff", 95: "#de9cf0", 96: "#6fd3df", 97: "#ffffff",
}

// style is how text looks from a sequence on.
type style struct {
	colour int // 0: the foreground
	bold   bool
	faint  bool
}

// span is text of one style, at a column.
type span struct {
	style
	column int
	text   string
}

// SVG draws text, whose lines end with LF and go on in the next one behind so
// many columns. title is the window's. A sequence that it does not know is an
// error, as is a control character.
func SVG(title, text string, columns int) ([]byte, error) {
	lines, width, err := parse(strings.TrimSuffix(text, "\n"), columns)
	if err != nil {
		return nil, err
	}
	w, h := margin*2+int(float64(width)*cellWidth), bar+margin+len(lines)*lineHeight
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`+"\n", w, h, w, h, escape(title))
	fmt.Fprintf(&b, `<rect width="%d" height="%d" rx="8" fill="%s"/>`+"\n", w, h, background)
	for i, colour := range []string{"#ff5f57", "#febc2e", "#28c840"} {
		fmt.Fprintf(&b, `<circle cx="%d" cy="18" r="6" fill="%s"/>`+"\n", margin+i*20, colour)
	}
	fmt.Fprintf(&b, `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="%d" fill="%s">`+"\n", fontSize, foreground)
	for i, line := range lines {
		if len(line) == 0 {
			continue
		}
		fmt.Fprintf(&b, `<text xml:space="preserve" y="%d">`, bar+fontSize+i*lineHeight)
		for _, s := range line {
			fmt.Fprintf(&b, `<tspan x="%s"%s>%s</tspan>`, strconv.FormatFloat(margin+float64(s.column)*cellWidth, 'f', -1, 32), s.attributes(), escape(s.text))
		}
		b.WriteString("</text>\n")
	}
	b.WriteString("</g>\n</svg>\n")
	return []byte(b.String()), nil
}

func (s style) attributes() string {
	a := ""
	if s.colour != 0 {
		a += ` fill="` + palette[s.colour] + `"`
	}
	if s.bold {
		a += ` font-weight="bold"`
	}
	if s.faint {
		a += ` opacity="0.6"`
	}
	return a
}

// parse cuts text into lines of spans. width is that of the longest line.
func parse(text string, columns int) (lines [][]span, width int, err error) {
	var now style
	for line := range strings.SplitSeq(text, "\n") {
		var spans []span
		column := 0
		for line != "" {
			plain, rest, found := strings.Cut(line, "\x1b[")
			if strings.ContainsFunc(plain, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				return nil, 0, fmt.Errorf("picture: a control character in %q", plain)
			}
			for plain != "" {
				if column == columns {
					lines, spans, column, width = append(lines, spans), nil, 0, columns
				}
				var part string
				part, plain = cut(plain, columns-column)
				if strings.TrimSpace(part) != "" {
					spans = append(spans, span{now, column, part})
				}
				column += utf8.RuneCountInString(part)
			}
			line = rest
			if found {
				codes, after, ok := strings.Cut(rest, "m")
				if !ok {
					return nil, 0, fmt.Errorf("picture: unknown sequence before %q", rest)
				}
				if err := now.apply(codes); err != nil {
					return nil, 0, err
				}
				line = after
			}
		}
		width = max(width, column)
		lines = append(lines, spans)
	}
	return lines, width, nil
}

// cut splits s behind n characters.
func cut(s string, n int) (before, after string) {
	for i := range s {
		if n == 0 {
			return s[:i], s[i:]
		}
		n--
	}
	return s, ""
}

func (s *style) apply(codes string) error {
	for code := range strings.SplitSeq(codes, ";") {
		n, err := strconv.Atoi(code)
		switch _, known := palette[n]; {
		case err == nil && n == 0:
			*s = style{}
		case n == 1:
			s.bold = true
		case n == 2:
			s.faint = true
		case n == 22:
			s.bold, s.faint = false, false
		case known:
			s.colour = n
		default:
			return fmt.Errorf("picture: unknown sequence with %q", codes)
		}
	}
	return nil
}

// escape makes text fit for XML.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}
