package main

// helpWidth is the longest line of the flags' table, in columns.
const helpWidth = 100

func helpText() string {
	fs, _ := newFlagSet(new(flags))
	return `htx sends an HTTP request and prints the response.

Usage:
  htx URL [flags]
  htx demo        run a tour of the client against servers within this program

Flags (those with * may be repeated):
` + fs.FlagUsagesWrapped(helpWidth) + `
NAME and VALUE are two arguments, "-p page 2", or one that is part of the flag's:
"--params=page=2", "--headers=Accept:text/plain", "--auth=USER:PASSWORD".

On a terminal status line, headers and body are printed, JSON re-indented and
what is known in colours. In a pipe the body alone is, byte for byte; -i adds the
head. The progress of uploads is shown on a terminal only, that of -o in a pipe by
a line now and then. NO_COLOR switches the colours off.

The proxies of HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY are used, and the
certificates of SSL_CERT_FILE and SSL_CERT_DIR.

Exit code: 0 if the status is 2xx, 1 if it is another or the request failed, 2 if
the command line is wrong. With --exit-codes, in place of 1:

   6 name not found         7 no connection         8 not HTTP
  22 status is not 2xx     23 file not written     26 file not read
  28 a timeout             35 TLS failed           47 redirects
  55 sending failed        56 receiving failed     58 a client certificate is wanted
  60 certificate refused   61 content not decoded  65 cannot be sent again
  92 HTTP/2 failed         97 proxy failed        130 interrupted
   1 anything else
`
}
