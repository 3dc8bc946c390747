module gohttpx.dev/bench

go 1.25.0

replace gohttpx.dev => ../

require (
	github.com/HdrHistogram/hdrhistogram-go v1.4.0
	github.com/andybalholm/brotli v1.2.4
	github.com/go-resty/resty/v2 v2.17.2
	github.com/klauspost/compress v1.20.3
	github.com/valyala/fasthttp v1.74.0
	gohttpx.dev v0.0.0-00010101000000-000000000000
	golang.org/x/net v0.58.0
)

require (
	github.com/molecule-man/go-brrr v1.0.1 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	golang.org/x/sync v0.22.0 // indirect
	golang.org/x/text v0.41.0 // indirect
	golang.org/x/time v0.15.0 // indirect
)
