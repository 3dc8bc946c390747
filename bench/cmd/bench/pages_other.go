//go:build !linux

package main

// keepPages does nothing: the setting is Linux's.
func keepPages() error { return nil }
