package h1

import "gohttpx.dev/wire"

// Parser parses heads.
type Parser struct {
	Rules     Rules
	MaxFields int
	Anomalies wire.Anomalies
}

func (p *Parser) Response(src []byte, r *wire.Response) (n int, err error) { return 0, nil }
func ParseResponse(src []byte, r *wire.Response, rules Rules) (n int, err error) {
	p := Parser{Rules: rules}
	return p.Response(src, r)
}
func (p *Parser) Trailers(src []byte, dst wire.Fields) (fields wire.Fields, n int, err error) {
	return dst, 0, nil
}
func ParseTrailers(src []byte, dst wire.Fields, rules Rules) (fields wire.Fields, n int, err error) {
	p := Parser{Rules: rules}
	return p.Trailers(src, dst)
}
