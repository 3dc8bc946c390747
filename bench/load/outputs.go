package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// outputs says where the reports go, besides the text.
type outputs struct {
	json, html, hist string
}

func (o *outputs) define(fs *flag.FlagSet) {
	fs.StringVar(&o.json, "json", "", "write the result to `file` as JSON; - is standard output, without the text then")
	fs.StringVar(&o.html, "html", "", "write a report with plots to `file`")
	fs.StringVar(&o.hist, "hist", "", "write all that \"load merge\" needs to `file`")
}

func (o *outputs) check() error {
	if o.html == "-" || o.hist == "-" {
		return errors.New("-html and -hist take a file; standard output is for the text or -json -")
	}
	// What cannot be written is better said before the run than after it.
	for _, f := range []struct{ flag, name string }{{"json", o.json}, {"html", o.html}, {"hist", o.hist}} {
		if f.name == "" || f.name == "-" {
			continue
		}
		if fi, err := os.Stat(f.name); err == nil && fi.IsDir() {
			return fmt.Errorf("-%s: %s is a folder", f.flag, f.name)
		}
		folder := filepath.Dir(f.name)
		if fi, err := os.Stat(folder); err != nil {
			return fmt.Errorf("-%s: %w", f.flag, err)
		} else if !fi.IsDir() {
			return fmt.Errorf("-%s: %s is no folder", f.flag, folder)
		}
	}
	return nil
}

// write writes all reports; one that cannot be written does not keep the others
// from it.
func (o *outputs) write(r *result, con console) error {
	var all []error
	if o.json != "-" {
		_, err := con.out.Write(r.text())
		all = append(all, err)
	}
	for _, f := range []struct {
		flag, name string
		make       func() ([]byte, error)
	}{
		{"json", o.json, r.asJSON},
		{"html", o.html, r.asHTML},
		{"hist", o.hist, r.asHist},
	} {
		if f.name == "" {
			continue
		}
		b, err := f.make()
		switch {
		case err != nil:
		case f.name == "-":
			_, err = con.out.Write(b)
		default:
			err = os.WriteFile(f.name, b, 0o644)
		}
		if err != nil {
			err = fmt.Errorf("-%s: %w", f.flag, err)
		}
		all = append(all, err)
	}
	return errors.Join(all...)
}

// lines is a buffer for a report.
type lines struct{ bytes.Buffer }

func (l *lines) f(format string, args ...any) { fmt.Fprintf(&l.Buffer, format, args...) }
