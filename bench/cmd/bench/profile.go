package main

import (
	"errors"
	"os"
	"runtime"
	"runtime/pprof"
)

// profile starts the profiles that were asked for; stop writes them.
func profile(f flags) (stop func() error, err error) {
	var stops []func() error
	stop = func() error {
		var errs []error
		for _, s := range stops {
			errs = append(errs, s())
		}
		return errors.Join(errs...)
	}
	if f.memProfile != "" {
		usual := runtime.MemProfileRate
		runtime.MemProfileRate = 1
		stops = append(stops, func() error {
			out, err := os.Create(f.memProfile)
			if err != nil {
				return err
			}
			// Not before the profile is written, which is scaled by it.
			defer func() { runtime.MemProfileRate = usual }()
			return errors.Join(pprof.Lookup("allocs").WriteTo(out, 0), out.Close())
		})
	}
	if f.cpuProfile != "" {
		out, err := os.Create(f.cpuProfile)
		if err != nil {
			return nil, err
		}
		if err := pprof.StartCPUProfile(out); err != nil {
			return nil, errors.Join(err, out.Close())
		}
		stops = append(stops, func() error {
			pprof.StopCPUProfile()
			return out.Close()
		})
	}
	return stop, nil
}
