package wire

// Field is one field line as it was received or is to be sent: the case of the
// name is kept, and the value has no surrounding whitespace.
//
// Its layout equals hpack.HeaderField, so that one converts to the other at no
// cost.
type Field struct {
	// Name and Value are as they are sent, or as they were received.
	Name, Value string
	// Sensitive asks HTTP/2 never to put the field in an index (RFC 7541
	// §7.1.3) and everyone never to log its value.
	Sensitive bool
}

// Fields is a field section: order, case and duplicates are kept. Look-ups fold
// ASCII case (RFC 9110 §5.1) and are linear, which for the usual ten to thirty
// fields beats a map.
type Fields []Field

// Get returns the value of the first field of that name, or "".
func (f Fields) Get(name string) string {
	if i := f.index(name); i >= 0 {
		return f[i].Value
	}
	return ""
}

// Has reports whether a field of that name is present.
func (f Fields) Has(name string) bool { return f.index(name) >= 0 }

// Values returns the values of all fields of that name in order; nil if none.
func (f Fields) Values(name string) []string {
	var vs []string
	for i := range f {
		if EqualFold(f[i].Name, name) {
			vs = append(vs, f[i].Value)
		}
	}
	return vs
}

// Add appends a field.
func (f *Fields) Add(name, value string) { *f = append(*f, Field{Name: name, Value: value}) }

// Set gives the first field of that name the value and removes the others of
// that name; without one it appends.
func (f *Fields) Set(name, value string) {
	i := f.index(name)
	if i < 0 {
		f.Add(name, value)
		return
	}
	(*f)[i] = Field{Name: name, Value: value}
	f.delFrom(i+1, name)
}

// Del removes every field of that name.
func (f *Fields) Del(name string) { f.delFrom(0, name) }

// Clone returns a copy that shares no array with f.
func (f Fields) Clone() Fields {
	if f == nil {
		return nil
	}
	return append(make(Fields, 0, len(f)), f...)
}

func (f Fields) index(name string) int {
	for i := range f {
		if EqualFold(f[i].Name, name) {
			return i
		}
	}
	return -1
}

func (f *Fields) delFrom(from int, name string) {
	s := *f
	n := from
	for i := from; i < len(s); i++ {
		if !EqualFold(s[i].Name, name) {
			s[n] = s[i]
			n++
		}
	}
	clear(s[n:])
	*f = s[:n]
}
