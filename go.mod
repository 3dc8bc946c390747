module gohttpx.dev

go 1.25
