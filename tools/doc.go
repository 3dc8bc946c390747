// Package tools holds no code: go.mod beside it pins the versions of the
// checkers that make lint and make vuln build, apart from what the library
// needs.
package tools
