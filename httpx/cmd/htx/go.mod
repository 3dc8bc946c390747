module gohttpx.dev/httpx/cmd/htx

go 1.25.0

replace gohttpx.dev => ../../../

require (
	github.com/alecthomas/chroma/v2 v2.27.0
	github.com/creack/pty v1.1.24
	github.com/fatih/color v1.19.0
	github.com/mccutchen/go-httpbin/v2 v2.25.0
	github.com/schollz/progressbar/v3 v3.19.1
	github.com/spf13/pflag v1.0.10
	gohttpx.dev v0.0.0-00010101000000-000000000000
	golang.org/x/term v0.45.0
)

require (
	github.com/andybalholm/brotli v1.2.4 // indirect
	github.com/dlclark/regexp2/v2 v2.2.1 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/mattn/go-colorable v0.1.14 // indirect
	github.com/mattn/go-isatty v0.0.22 // indirect
	github.com/mitchellh/colorstring v0.0.0-20190213212951-d06e56a500db // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
	golang.org/x/net v0.58.0 // indirect
	golang.org/x/sync v0.22.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
	golang.org/x/text v0.41.0 // indirect
	golang.org/x/time v0.15.0 // indirect
)
