module gohttpx.dev/bench

go 1.25.0

replace gohttpx.dev => ../
