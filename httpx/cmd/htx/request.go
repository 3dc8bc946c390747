package main

import (
	"context"
	"os/signal"
	"strconv"
	"syscall"

	"gohttpx.dev/httpx"
)

// runRequest sends the request that f describes and shows the response.
func runRequest(ctx context.Context, f *flags, con *console) int {
	if !f.curl {
		if f.download != "" {
			if err := checkTarget(f.download); err != nil {
				return con.fail(f, err)
			}
		}
		if err := f.askSecrets(ctx, con); err != nil {
			return con.fail(f, err)
		}
	}
	if f.maxTime != never {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, f.maxTime, errMaxTime)
		defer cancel()
	}
	if f.download != "" {
		// Who reads what is told of the progress may go: the download goes on.
		signal.Ignore(syscall.SIGPIPE)
	}
	t := &teller{con: con, f: f}
	up := &upload{w: con.err, columns: con.barColumns(con.errTerminal)}
	opts := f.clientOptions(t)
	if con.errTerminal && f.verbose < 2 {
		opts = append(opts, httpx.WithUploadProgress(up.report))
	}
	client, err := httpx.New(opts...)
	if err != nil {
		return con.usage("%s", plain(err))
	}
	defer client.Close()
	// curl gets options of its own for content that is not in memory.
	inMemory := f.contentFile == "" && !f.isMultipart()
	req, err := client.NewRequest(f.method, f.url, f.requestOptions(inMemory || !f.curl)...)
	if err != nil {
		return con.badRequest(f, err)
	}
	if f.curl {
		return con.showCurl(f, req)
	}
	resp, err := client.SendStream(ctx, req)
	up.end()
	if err != nil {
		t.headIsTold()
		return con.fail(f, err)
	}
	defer resp.Close()
	head := con.outTerminal || f.include
	t.finalHead(head)
	if head {
		con.showHead(resp)
	}
	switch {
	case f.download != "":
		err = con.download(resp, f.download)
	case f.jsonLines:
		err = con.showJSONLines(ctx, resp)
	default:
		err = con.show(ctx, resp)
	}
	t.end(resp)
	switch {
	case err != nil && !resp.IsSuccess() && f.exitCodes:
		con.fail(f, err)
		return curlStatus
	case err != nil:
		return con.fail(f, err)
	case !resp.IsSuccess() && f.exitCodes:
		return curlStatus
	case !resp.IsSuccess():
		return exitFailed
	}
	return exitOK
}

// badRequest is a request that cannot even be made. Most often the command line
// is wrong.
func (c *console) badRequest(f *flags, err error) int {
	if readsFile(err) {
		return c.fail(f, err)
	}
	return c.usage("%s", plain(err))
}

// showCurl prints curl's command, and a word if it will not do as it is.
func (c *console) showCurl(f *flags, req *httpx.Request) int {
	masked := f.curlCommand(req)
	c.printf("%s\n", masked)
	if !f.secrets {
		open := *f
		open.secrets = true
		if open.curlCommand(req) != masked {
			c.complain("some values are masked or left out; --show-secrets prints all")
		}
	}
	return exitOK
}

func itoa(n int) string { return strconv.Itoa(n) }
