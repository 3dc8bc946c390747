package httpx

import (
	"fmt"
	"strings"

	"golang.org/x/net/http2/hpack"

	"gohttpx.dev/h2"
	"gohttpx.dev/wire"
)

// h2 returns the hook that writes the frames of a connection; nil for the nil
// dumper.
func (d *dumper) h2(info *wire.ConnInfo) func(out bool, f h2.Frame) {
	if d == nil {
		return nil
	}
	c := d.conn(info)
	in, out := newFrameDump(c, '<'), newFrameDump(c, '>')
	return func(o bool, f h2.Frame) {
		if o {
			out.show(f)
		} else {
			in.show(f)
		}
	}
}

// frameDump shows the frames of one direction, with a table of fields of its own.
type frameDump struct {
	connDump
	direction byte
	dec       *hpack.Decoder
	broken    bool // the table is not what the peer has
	fields    []string
	size      int // of fields
}

const (
	// maxDumpTable bounds the table of fields.
	maxDumpTable = 64 << 10
	// maxDumpFields bounds the fields of a block that are shown, in bytes.
	maxDumpFields = 256 << 10
)

func newFrameDump(c connDump, direction byte) *frameDump {
	d := &frameDump{connDump: c, direction: direction}
	d.dec = hpack.NewDecoder(4096, func(f hpack.HeaderField) {
		if d.size += len(f.Name) + len(f.Value); d.size <= maxDumpFields {
			d.fields = append(d.fields, "  "+d.field(wire.Field{Name: f.Name, Value: f.Value, Sensitive: f.Sensitive}))
		}
	})
	d.dec.SetAllowedMaxDynamicTableSize(maxDumpTable)
	return d
}

func (d *frameDump) show(f h2.Frame) {
	line := fmt.Sprintf("%v stream=%d length=%d", f.Type, f.StreamID, f.Length)
	if s := flagNames(f); s != "" {
		line += " " + s
	}
	if f.Check() != nil {
		d.lines(d.direction, line+" malformed")
		return
	}
	d.fields, d.size = nil, 0
	switch f.Type {
	case h2.FrameData:
		if data := f.Data(); len(data) > 0 {
			s, _ := d.content(data, 0)
			line += " " + s
		}
	case h2.FrameHeaders, h2.FrameContinuation:
		d.decode(f.Fragment(), f.EndHeaders())
	case h2.FramePushPromise:
		promised, fragment := f.PushPromise()
		line += fmt.Sprintf(" promised=%d", promised)
		d.decode(fragment, f.EndHeaders())
	case h2.FrameSettings:
		for s := range f.Settings() {
			line += " " + s.String()
		}
	case h2.FrameRSTStream:
		line += " " + f.Code().String()
	case h2.FramePing:
		line += fmt.Sprintf(" %x", f.Ping())
	case h2.FrameGoAway:
		g := f.GoAway()
		line += fmt.Sprintf(" last=%d %v", g.LastID, g.Code)
		if g.Debug != "" {
			line += fmt.Sprintf(" %q", g.Debug)
		}
	case h2.FrameWindowUpdate:
		line += fmt.Sprintf(" increment=%d", f.Increment())
	}
	d.lines(d.direction, append([]string{line}, d.fields...)...)
}

// decode takes a fragment of a field block. Its fields are shown with the frame
// that they are whole in.
func (d *frameDump) decode(fragment []byte, end bool) {
	if !d.broken {
		_, err := d.dec.Write(fragment)
		if err == nil && end {
			err = d.dec.Close()
		}
		d.broken = err != nil
	}
	switch {
	case d.broken:
		d.fields = append(d.fields, "  (the fields cannot be decoded)")
	case d.size > maxDumpFields:
		d.fields = append(d.fields, fmt.Sprintf("  (%d bytes of fields, not all of them shown)", d.size))
	}
}

func flagNames(f h2.Frame) string {
	var names []string
	add := func(on bool, name string) {
		if on {
			names = append(names, name)
		}
	}
	switch f.Type {
	case h2.FrameData, h2.FrameHeaders:
		add(f.EndStream(), "END_STREAM")
	case h2.FrameSettings, h2.FramePing:
		add(f.Ack(), "ACK")
	}
	switch f.Type {
	case h2.FrameHeaders, h2.FramePushPromise, h2.FrameContinuation:
		add(f.EndHeaders(), "END_HEADERS")
	}
	return strings.Join(names, "|")
}
