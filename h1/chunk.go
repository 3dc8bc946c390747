package h1

import "gohttpx.dev/wire"

type ChunkDecoder struct{}

func (d *ChunkDecoder) Reset(limits Limits, rules Rules) {}
func (d *ChunkDecoder) Anomalies() wire.Anomalies        { return 0 }
func (d *ChunkDecoder) Next(src []byte) (data []byte, n int, done bool, err error) {
	return nil, 0, false, nil
}
func AppendChunk(dst, data []byte) []byte                              { return dst }
func AppendLastChunk(dst []byte, trailers wire.Fields) ([]byte, error) { return dst, nil }
