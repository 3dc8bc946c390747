package picture

import (
	"encoding/xml"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestSVG(t *testing.T) {
	b, err := SVG(`a "title"`, "\x1b[32;1mok\x1b[0;22m <b> ü\n\n  \x1b[2mfaint & \x1b[31mred\x1b[0m\n", 100)
	if err != nil {
		t.Fatal(err)
	}
	s := string(b)
	for _, want := range []string{
		`<tspan x="20" fill="#98c379" font-weight="bold">ok</tspan><tspan x="36.8"> &lt;b&gt; ü</tspan></text>`,
		`y="90"><tspan x="36.8" opacity="0.6">faint &amp; </tspan><tspan x="104" fill="#e06c75" opacity="0.6">red</tspan></text>`,
		`viewBox="0 0 149 116"`, `aria-label="a &quot;title&quot;"`,
	} {
		if !strings.Contains(s, want) {
			t.Errorf("no %s in\n%s", want, s)
		}
	}
	for d := xml.NewDecoder(strings.NewReader(s)); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// A line that is too long goes on below, in its colour.
func TestLongLine(t *testing.T) {
	lines, width, err := parse("ab\x1b[31mcdéfg\x1b[0m\nhij", 3)
	if err != nil || width != 3 || len(lines) != 4 {
		t.Fatal(lines, width, err)
	}
	want := [][]span{
		{{style{}, 0, "ab"}, {style{colour: 31}, 2, "c"}},
		{{style{colour: 31}, 0, "déf"}},
		{{style{colour: 31}, 0, "g"}},
		{{style{}, 0, "hij"}},
	}
	for i := range want {
		if !slices.Equal(lines[i], want[i]) {
			t.Errorf("line %d: %v; want %v", i, lines[i], want[i])
		}
	}
}

func TestWhatCannotBeDrawn(t *testing.T) {
	for _, text := range []string{"\x1b[2J", "\x1b[38;5;1mx", "\x1b[mx", "a\tb", "a\rb", "\x1b]0;t\x07", "\x1b[1"} {
		if b, err := SVG("", text, 100); err == nil {
			t.Errorf("%q makes\n%s", text, b)
		}
	}
}
