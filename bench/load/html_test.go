package main

import (
	"testing"
)

func testHTMLFile(t *testing.T) {}
