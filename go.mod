module gohttpx.dev

go 1.25.0

require (
	github.com/andybalholm/brotli v1.2.4
	github.com/klauspost/compress v1.20.3
	golang.org/x/net v0.58.0
	golang.org/x/sync v0.22.0
	golang.org/x/time v0.15.0
)

require golang.org/x/text v0.41.0
