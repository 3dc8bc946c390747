package h2

import "testing"

func settingsFrame(s ...Setting) Frame {
	f, _, _ := ParseFrame(AppendSettings(nil, s...), 0)
	return f
}

func TestPeerSettings(t *testing.T) {
	const conn = "conn PROTOCOL_ERROR "
	for _, tt := range []struct {
		name   string
		frames [][]Setting
		want   string              // of the last frame
		is     func(*PeerSettings) // changes from the initial values
		delta  int64
	}{
		{"empty", [][]Setting{{}}, "", func(*PeerSettings) {}, 0},
		{"all", [][]Setting{{{1, 0}, {2, 0}, {3, 5}, {4, 100}, {5, 1 << 20}, {6, 9}, {8, 1}, {9, 1}}}, "", func(p *PeerSettings) {
			*p = PeerSettings{0, 5, 100, 1 << 20, 9, true, true, true}
		}, 100 - 65535},
		{"unknown", [][]Setting{{{0, 1}, {7, 1}, {0xffff, 1<<32 - 1}}}, "", func(*PeerSettings) {}, 0},
		{"the last one counts", [][]Setting{{{4, 1}, {3, 1}, {4, 65536}, {3, 2}}}, "", func(p *PeerSettings) {
			p.InitialWindowSize, p.MaxConcurrentStreams = 65536, 2
		}, 1},
		{"push on", [][]Setting{{{2, 1}}}, conn + "§6.5.2", nil, 0},
		{"push 2", [][]Setting{{{2, 2}}}, conn + "§6.5.2", nil, 0},
		{"window 2^31-1", [][]Setting{{{4, MaxWindow}}}, "", func(p *PeerSettings) { p.InitialWindowSize = MaxWindow }, MaxWindow - 65535},
		{"window 2^31", [][]Setting{{{3, 1}, {4, MaxWindow + 1}}}, "conn FLOW_CONTROL_ERROR §6.5.2", nil, 0},
		{"frame size 0", [][]Setting{{{5, 0}}}, conn + "§6.5.2", nil, 0},
		{"frame size 2^14-1", [][]Setting{{{5, MinMaxFrameSize - 1}}}, conn + "§6.5.2", nil, 0},
		{"frame size 2^24-1", [][]Setting{{{5, MaxMaxFrameSize}}}, "", func(p *PeerSettings) { p.MaxFrameSize = MaxMaxFrameSize }, 0},
		{"frame size 2^24", [][]Setting{{{5, MaxMaxFrameSize + 1}}}, conn + "§6.5.2", nil, 0},
		{"connect 2", [][]Setting{{{8, 2}}}, conn + "RFC 8441 §3", nil, 0},
		{"connect taken back", [][]Setting{{{8, 1}}, {{8, 0}}}, conn + "RFC 8441 §3", nil, 0},
		{"connect taken back at once", [][]Setting{{{8, 1}, {8, 0}}}, conn + "RFC 8441 §3", nil, 0},
		{"connect later", [][]Setting{{{8, 0}}, {{8, 1}}, {}}, "", func(p *PeerSettings) { p.EnableConnect = true }, 0},
		{"priorities 2", [][]Setting{{{9, 2}}}, conn + "RFC 9218 §2.1", nil, 0},
		{"priorities later", [][]Setting{{}, {{9, 1}}}, conn + "RFC 9218 §2.1", nil, 0},
		{"priorities again", [][]Setting{{{9, 1}}, {{9, 1}}}, "", func(p *PeerSettings) { p.NoRFC7540Priorities = true }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := NewPeerSettings()
			var delta int64
			var err error
			before := p
			for i, s := range tt.frames {
				before = p
				if delta, err = p.Apply(settingsFrame(s...)); err != nil && i < len(tt.frames)-1 {
					t.Fatal(err)
				}
			}
			if got := verdict(err); got != tt.want || delta != tt.delta {
				t.Errorf("%q, delta %d", got, delta)
			}
			want := NewPeerSettings()
			want.Received = true
			if tt.is == nil {
				want = before
			} else {
				tt.is(&want)
			}
			if p != want {
				t.Errorf("%+v\nwant %+v", p, want)
			}
		})
	}
	p := NewPeerSettings()
	if _, err := p.Apply(frames(t, AppendSettingsAck(nil), 0)[0]); err != nil || p.Received {
		t.Errorf("an acknowledgement counts as SETTINGS: %v", err)
	}
	if least, last, ok := HeaderTableSizes(settingsFrame(Setting{1, 50}, Setting{1, 10}, Setting{3, 1}, Setting{1, 70})); least != 10 || last != 70 || !ok {
		t.Error(least, last, ok)
	}
	if _, _, ok := HeaderTableSizes(settingsFrame(Setting{3, 1})); ok {
		t.Error("a table size from nowhere")
	}
}

func TestSendWindow(t *testing.T) {
	w := NewSendWindow(65535)
	if n := w.Take(70_000); n != 65535 || w.Available() != 0 || w.Take(1) != 0 {
		t.Errorf("took %d, left %d", n, w.Available())
	}
	// RFC 9113 §6.9.2: its example, with a window of 16 KB after 60 KB were sent.
	if err := w.Shift(16384 - 65535); err != nil || w.Size() != -49151 || w.Available() != 0 || w.Take(5) != 0 {
		t.Errorf("%v, %d", err, w.Size())
	}
	if err := w.Add(1, 49151); err != nil || w.Available() != 0 {
		t.Errorf("%v, %d", err, w.Size())
	}
	if err := w.Add(1, 10); err != nil || w.Take(100) != 10 {
		t.Errorf("%v, %d", err, w.Size())
	}
	w.Put(4)
	if w.Available() != 4 {
		t.Error(w.Size())
	}
	w = NewSendWindow(MaxWindow)
	for _, tt := range []struct {
		err  error
		want string
	}{
		{w.Add(0, 1), "conn FLOW_CONTROL_ERROR §6.9.1"},
		{w.Add(3, MaxWindow), "stream FLOW_CONTROL_ERROR §6.9.1"},
		{w.Shift(1), "conn FLOW_CONTROL_ERROR §6.9.2"},
		{w.Shift(MaxWindow), "conn FLOW_CONTROL_ERROR §6.9.2"},
	} {
		if got := verdict(tt.err); got != tt.want || w.Size() != MaxWindow {
			t.Errorf("%s, want %s; window %d", got, tt.want, w.Size())
		}
	}
	for range 3 {
		if err := w.Shift(-MaxWindow); err != nil {
			t.Error(err)
		}
	}
	if err := w.Add(1, MaxWindow); err != nil || w.Size() != -MaxWindow {
		t.Errorf("%v, %d", err, w.Size())
	}
}

func TestRecvWindow(t *testing.T) {
	w := NewRecvWindow(100)
	if err := w.Receive(1, 60); err != nil || w.Left() != 40 {
		t.Error(err, w.Left())
	}
	if got := verdict(w.Receive(1, 41)); got != "stream FLOW_CONTROL_ERROR §6.9.1" || w.Left() != 40 {
		t.Error(got, w.Left())
	}
	if got := verdict(w.Receive(0, 41)); got != "conn FLOW_CONTROL_ERROR §6.9.1" {
		t.Error(got)
	}
	w.Credit(24)
	if w.Due(4) != 0 || w.Update(4) != 0 {
		t.Error("less than a quarter is announced")
	}
	w.Credit(1)
	if w.Due(2) != 0 || w.Due(4) != 25 || w.Due(0) != 0 {
		t.Error(w.Due(2), w.Due(4))
	}
	if w.Update(4) != 25 || w.Left() != 65 || w.Due(4) != 0 {
		t.Error(w.Left())
	}
	w.Credit(35)
	w.Grow(100)
	if w.Size() != 200 || w.Update(2) != 135 || w.Left() != 200 {
		t.Error(w.Size(), w.Left())
	}
	// Smaller: what was told stays told, and credit is kept back.
	w.Grow(-150)
	if w.Size() != 50 || w.Left() != 200 || w.Receive(1, 200) != nil {
		t.Error(w.Size(), w.Left())
	}
	w.Credit(150)
	if w.Update(4) != 0 {
		t.Error("announced more than the smaller window")
	}
	w.Credit(50)
	if w.Update(4) != 50 || w.Left() != 50 {
		t.Error(w.Left())
	}
	w.Grow(1 << 40)
	if w.Size() != MaxWindow || w.Update(2) != MaxWindow-50 || w.Left() != MaxWindow {
		t.Error(w.Size(), w.Left())
	}
	w.Grow(-1 << 40)
	if w.Size() != 0 {
		t.Error(w.Size())
	}
	var zero RecvWindow
	if zero.Due(2) != 0 || zero.Update(2) != 0 || verdict(zero.Receive(0, 1)) == "" {
		t.Error("the zero window gives something")
	}
}
