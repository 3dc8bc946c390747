package h1

import (
	"testing"

	"gohttpx.dev/wire"
)

func TestBodyFraming(t *testing.T) {
	const max63 = "9223372036854775807"
	tests := []struct {
		name    string
		method  string
		status  int
		fields  string
		rules   Rules
		framing Framing
		length  int64
		odd     wire.Anomalies
		err     string
	}{
		{"nothing", "GET", 200, "", 0, UntilClose, -1, 0, ""},
		{"length", "GET", 200, "content-length: 10\r\n", Strict, Length, 10, 0, ""},
		{"length 0", "GET", 200, "Content-Length: 0\r\n", Strict, Length, 0, 0, ""},
		{"length with zeros in front", "GET", 200, "Content-Length: 0010\r\n", 0, Length, 10, 0, ""},
		{"largest length", "GET", 200, "Content-Length: " + max63 + "\r\n", 0, Length, 1<<63 - 1, 0, ""},
		{"length 2^63", "GET", 200, "Content-Length: 9223372036854775808\r\n", 0, 0, 0, 0, ruleLengthRange},
		{"length 2^64 + 10", "GET", 200, "Content-Length: 18446744073709551626\r\n", 0, 0, 0, 0, ruleLengthRange},
		{"length of 100 digits", "GET", 200, "Content-Length: 1" + max63 + max63 + max63 + max63 + max63 + "\r\n", 0, 0, 0, 0, ruleLengthRange},
		{"signed length", "GET", 200, "Content-Length: +10\r\n", 0, 0, 0, 0, ruleLength},
		{"negative length", "GET", 200, "Content-Length: -1\r\n", 0, 0, 0, 0, ruleLength},
		{"hexadecimal length", "GET", 200, "Content-Length: 0x10\r\n", 0, 0, 0, 0, ruleLength},
		{"empty length", "GET", 200, "Content-Length:\r\n", 0, 0, 0, 0, ruleLength},
		{"length of two words", "GET", 200, "Content-Length: 1 0\r\n", 0, 0, 0, 0, ruleLength},
		{"length with underscore", "GET", 200, "Content-Length: 1_0\r\n", 0, 0, 0, 0, ruleLength},
		{"length with an empty list element", "GET", 200, "Content-Length: 10,\r\n", 0, 0, 0, 0, ruleLength},
		{"length in other digits", "GET", 200, "Content-Length: \xd9\xa1\r\n", 0, 0, 0, 0, ruleLength},
		{"equal lengths in a list", "GET", 200, "Content-Length: 10 ,\t10\r\n", 0, Length, 10, wire.RepeatedLength, ""},
		{"equal lengths in two lines", "GET", 200, "Content-Length: 10\r\ncontent-length: 10\r\n", 0, Length, 10, wire.RepeatedLength, ""},
		{"equal lengths, strict", "GET", 200, "Content-Length: 10, 10\r\n", Strict, 0, 0, 0, ruleOneLength},
		{"equal lengths, strict but allowed", "GET", 200, "Content-Length: 10, 10\r\n", Strict | AllowRepeatedLength, Length, 10, wire.RepeatedLength, ""},
		{"differing lengths in a list", "GET", 200, "Content-Length: 10, 11\r\n", 0, 0, 0, 0, ruleSameLength},
		{"differing lengths in two lines", "GET", 200, "Content-Length: 10\r\nContent-Length: 11\r\n", 0, 0, 0, 0, ruleSameLength},
		{"differing lengths, first wins", "GET", 200, "Content-Length: 10\r\nContent-Length: 11\r\n", UnsafeFirstLengthWins, Length, 10, wire.DifferentLengths, ""},
		{"second length malformed, first wins", "GET", 200, "Content-Length: 10\r\nContent-Length: x\r\n", UnsafeFirstLengthWins, 0, 0, 0, ruleLength},

		{"chunked", "GET", 200, "Transfer-Encoding: chunked\r\n", Strict, Chunked, -1, 0, ""},
		{"chunked in another case", "GET", 200, "transfer-ENCODING: CHUNKed\r\n", Strict, Chunked, -1, 0, ""},
		{"chunked with length", "GET", 200, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 0, Chunked, -1, wire.LengthAndTransfer, ""},
		{"chunked with malformed length", "GET", 200, "Transfer-Encoding: chunked\r\nContent-Length: x\r\n", 0, Chunked, -1, wire.LengthAndTransfer, ""},
		{"chunked with length, strict", "GET", 200, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", Strict, 0, 0, 0, ruleBoth},
		{"chunked with length, strict but allowed", "GET", 200, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", Strict | AllowLengthAndTransfer, Chunked, -1, wire.LengthAndTransfer, ""},
		{"chunked twice in a list", "GET", 200, "Transfer-Encoding: chunked, chunked\r\n", 0, 0, 0, 0, ruleCoding},
		{"chunked twice in two lines", "GET", 200, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 0, 0, 0, 0, ruleCoding},
		{"gzip, chunked", "GET", 200, "Transfer-Encoding: gzip, chunked\r\n", 0, 0, 0, 0, ruleCoding},
		{"chunked, identity in two lines", "GET", 200, "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 0, 0, 0, 0, ruleCoding},
		{"identity", "GET", 200, "Transfer-Encoding: identity\r\n", 0, 0, 0, 0, ruleCoding},
		{"empty coding", "GET", 200, "Transfer-Encoding:\r\n", 0, 0, 0, 0, ruleCoding},
		{"chunked with a parameter", "GET", 200, "Transfer-Encoding: chunked;q=1\r\n", 0, 0, 0, 0, ruleCoding},
		{"quoted chunked", "GET", 200, "Transfer-Encoding: \"chunked\"\r\n", 0, 0, 0, 0, ruleCoding},
		{"control byte before chunked", "GET", 200, "Transfer-Encoding: \x0bchunked\r\n", AllowCTL, 0, 0, 0, ruleCoding},
		{"chun\u212aed with a KELVIN SIGN", "GET", 200, "Transfer-Encoding: chun\u212aed\r\n", 0, 0, 0, 0, ruleCoding},
		{"unknown coding with length", "GET", 200, "Transfer-Encoding: x\r\nContent-Length: 5\r\n", 0, 0, 0, 0, ruleCoding},

		{"HEAD", "HEAD", 200, "Content-Length: 10\r\n", Strict, NoBody, 0, 0, ""},
		{"HEAD with chunked", "HEAD", 200, "Transfer-Encoding: chunked\r\n", Strict, NoBody, 0, 0, ""},
		{"HEAD with nonsense", "HEAD", 200, "Content-Length: x\r\n", Strict, NoBody, 0, 0, ""},
		{"lower-case head is another method", "head", 200, "Content-Length: 10\r\n", Strict, Length, 10, 0, ""},
		{"100", "GET", 100, "Content-Length: 10\r\n", 0, NoBody, 0, 0, ""},
		{"101", "GET", 101, "Content-Length: 10\r\n", 0, Switched, 0, 0, ""},
		{"199", "GET", 199, "Transfer-Encoding: chunked\r\n", 0, NoBody, 0, 0, ""},
		{"204", "GET", 204, "Content-Length: 10\r\n", 0, NoBody, 0, 0, ""},
		{"205 has the length it says", "GET", 205, "Content-Length: 10\r\n", 0, Length, 10, 0, ""},
		{"304", "GET", 304, "Content-Length: 10\r\nTransfer-Encoding: chunked\r\n", 0, NoBody, 0, 0, ""},
		{"CONNECT 200", "CONNECT", 200, "Content-Length: x\r\nTransfer-Encoding: gzip\r\n", Strict, Switched, 0, 0, ""},
		{"CONNECT 299", "CONNECT", 299, "", 0, Switched, 0, 0, ""},
		{"CONNECT 407", "CONNECT", 407, "Content-Length: 10\r\n", 0, Length, 10, 0, ""},
		{"CONNECT 300", "CONNECT", 300, "", 0, UntilClose, -1, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r wire.Response
			src := "HTTP/1.1 200 OK\r\n" + tt.fields + "\r\n"
			if _, err := ParseResponse([]byte(src), &r, tt.rules|AllowCTL); err != nil {
				t.Fatal(err)
			}
			r.Status, r.Anomalies = tt.status, 0
			r.ContentLength = -7
			f, n, err := BodyFraming(tt.method, &r, tt.rules)
			if tt.err != "" {
				if err == nil || rule(err) != tt.err {
					t.Errorf("%v %d, error %v; want %s", f, n, err, tt.err)
				}
				return
			}
			if err != nil || f != tt.framing || n != tt.length || r.Anomalies != tt.odd || r.ContentLength != n {
				t.Errorf("%v %d [%v] ContentLength %d, error %v; want %v %d [%v]", f, n, r.Anomalies, r.ContentLength, err, tt.framing, tt.length, tt.odd)
			}
		})
	}
}

func TestBodyFramingHTTP10(t *testing.T) {
	for _, rules := range []Rules{0, Strict, AllowTransferInHTTP10} {
		r := wire.Response{Status: 200, Proto: wire.HTTP10, Fields: wire.Fields{{Name: "Transfer-Encoding", Value: "chunked"}}}
		f, _, err := BodyFraming("GET", &r, rules)
		if rules != AllowTransferInHTTP10 {
			if err == nil || rule(err) != ruleCoding10 {
				t.Errorf("rules %b: %v, %v", rules, f, err)
			}
			continue
		}
		if err != nil || f != Chunked || r.Anomalies != wire.TransferInHTTP10 || KeepAlive(&r, false) {
			t.Errorf("allowed: %v [%v], %v", f, r.Anomalies, err)
		}
	}
}

func TestKeepAlive(t *testing.T) {
	tests := []struct {
		name   string
		proto  wire.Proto
		fields wire.Fields
		odd    wire.Anomalies
		close  bool
		want   bool
	}{
		{"HTTP/1.1", wire.HTTP11, nil, 0, false, true},
		{"HTTP/1.1, request with close", wire.HTTP11, nil, 0, true, false},
		{"HTTP/1.1 close", wire.HTTP11, wire.Fields{{Name: "connection", Value: "Close"}}, 0, false, false},
		{"close in a list", wire.HTTP11, wire.Fields{{Name: "Connection", Value: "foo,\tclose , bar"}}, 0, false, false},
		{"close in the second line", wire.HTTP11, wire.Fields{{Name: "Connection", Value: "keep-alive"}, {Name: "Connection", Value: "close"}}, 0, false, false},
		{"closed is another option", wire.HTTP11, wire.Fields{{Name: "Connection", Value: "closed, not-close"}}, 0, false, true},
		{"empty list", wire.HTTP11, wire.Fields{{Name: "Connection", Value: ", ,"}}, 0, false, true},
		{"Proxy-Connection says nothing", wire.HTTP11, wire.Fields{{Name: "Proxy-Connection", Value: "close"}}, 0, false, true},
		{"HTTP/1.0", wire.HTTP10, nil, 0, false, false},
		{"HTTP/1.0 keep-alive", wire.HTTP10, wire.Fields{{Name: "Connection", Value: "Keep-Alive"}}, 0, false, true},
		{"HTTP/1.0 keep-alive, close", wire.HTTP10, wire.Fields{{Name: "Connection", Value: "keep-alive, close"}}, 0, false, false},
		{"two framings", wire.HTTP11, nil, wire.LengthAndTransfer, false, false},
		{"differing lengths", wire.HTTP11, nil, wire.DifferentLengths, false, false},
		{"forgiven fold", wire.HTTP11, nil, wire.ObsFold | wire.BareLF | wire.RepeatedLength, false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := wire.Response{Status: 200, Proto: tt.proto, Fields: tt.fields, Anomalies: tt.odd}
			if got := KeepAlive(&r, tt.close); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
