package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// exported returns a line for everything that p exports, and the names of what
// has no comment.
func exported(p *packages.Package) (lines, silent []string) {
	name := strings.TrimPrefix(strings.TrimPrefix(p.PkgPath, p.Module.Path), "/")
	l := &listing{pkg: p.Types, prefix: "pkg " + name + ", ", name: name, docs: comments(p)}
	if !l.docs[token.NoPos] {
		l.silent = append(l.silent, "package "+name)
	}
	scope := p.Types.Scope()
	for _, n := range scope.Names() {
		if obj := scope.Lookup(n); obj.Exported() {
			l.object(obj)
		}
	}
	return l.lines, l.silent
}

type listing struct {
	pkg          *types.Package
	prefix, name string
	docs         map[token.Pos]bool // of the names that have a comment; NoPos: the package
	lines        []string
	silent       []string
}

func (l *listing) add(s string) { l.lines = append(l.lines, l.prefix+s) }

// need complains about obj if it has no comment.
func (l *listing) need(obj types.Object, name string) {
	if obj.Pkg() == l.pkg && !l.docs[obj.Pos()] {
		l.silent = append(l.silent, l.name+"."+name)
	}
}

// text writes a type with the packages' names, ours without.
func (l *listing) text(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string {
		if p == l.pkg {
			return ""
		}
		return p.Name()
	})
}

func (l *listing) object(obj types.Object) {
	l.need(obj, obj.Name())
	switch obj := obj.(type) {
	case *types.Const:
		l.add("const " + obj.Name() + " " + l.text(obj.Type()) + " = " + obj.Val().ExactString())
	case *types.Var:
		l.add("var " + obj.Name() + " " + l.text(obj.Type()))
	case *types.Func:
		l.add("func " + obj.Name() + strings.TrimPrefix(l.text(obj.Type()), "func"))
	case *types.TypeName:
		l.typeName(obj)
	}
}

func (l *listing) typeName(obj *types.TypeName) {
	t := obj.Type()
	if obj.IsAlias() {
		l.add("type " + obj.Name() + " = " + l.text(types.Unalias(t)))
		return
	}
	head := "type " + l.text(t)
	switch u := t.Underlying().(type) {
	case *types.Struct:
		l.add(head + " struct")
		l.fields(obj.Name(), u)
	case *types.Interface:
		l.add(head + " interface")
		l.interfaceMethods(obj.Name(), u)
	default:
		l.add(head + " " + l.text(u))
	}
	l.methods(obj, t)
}

func (l *listing) fields(of string, s *types.Struct) {
	for f := range s.Fields() {
		if !f.Exported() {
			continue
		}
		kind := " " + l.text(f.Type())
		if f.Embedded() {
			kind += " (embedded)"
		} else {
			l.need(f, of+"."+f.Name())
		}
		l.add("type " + of + " struct, " + f.Name() + kind)
	}
}

func (l *listing) interfaceMethods(of string, i *types.Interface) {
	var hidden bool
	for m := range i.Methods() {
		if !m.Exported() {
			hidden = true
			continue
		}
		l.need(m, of+"."+m.Name())
		l.add("type " + of + " interface, " + m.Name() + strings.TrimPrefix(l.text(m.Type()), "func"))
	}
	if hidden {
		l.add("type " + of + " interface, unexported methods")
	}
	for e := range i.EmbeddedTypes() {
		if !types.IsInterface(e) { // the terms of a constraint
			l.add("type " + of + " interface, " + l.text(e))
		}
	}
}

// methods are those of the pointer, which has all of them, those that come with
// embedded fields included.
func (l *listing) methods(obj *types.TypeName, t types.Type) {
	if types.IsInterface(t) {
		return
	}
	value := types.NewMethodSet(t)
	set := types.NewMethodSet(types.NewPointer(t))
	for sel := range set.Methods() {
		m := sel.Obj()
		if !m.Exported() {
			continue
		}
		receiver := "*" + obj.Name()
		if value.Lookup(m.Pkg(), m.Name()) != nil {
			receiver = obj.Name()
		}
		if len(sel.Index()) == 1 {
			l.need(m, obj.Name()+"."+m.Name())
		}
		l.add("method (" + receiver + ") " + m.Name() + strings.TrimPrefix(l.text(sel.Type()), "func"))
	}
}

// comments finds what has a comment: above, behind, or above the group of
// constants or variables that it stands in.
func comments(p *packages.Package) map[token.Pos]bool {
	docs := map[token.Pos]bool{}
	for _, f := range p.Syntax {
		docs[token.NoPos] = docs[token.NoPos] || f.Doc.Text() != ""
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				docs[n.Name.Pos()] = n.Doc.Text() != ""
				return false
			case *ast.GenDecl:
				for _, s := range n.Specs {
					spec(docs, s, n.Doc)
				}
			case *ast.StructType:
				fieldList(p.Fset, docs, n.Fields)
			case *ast.InterfaceType:
				fieldList(p.Fset, docs, n.Methods)
			}
			return true
		})
	}
	return docs
}

func spec(docs map[token.Pos]bool, s ast.Spec, group *ast.CommentGroup) {
	switch s := s.(type) {
	case *ast.ValueSpec:
		for _, n := range s.Names {
			docs[n.Pos()] = has(s.Doc, s.Comment, group)
		}
	case *ast.TypeSpec:
		docs[s.Name.Pos()] = has(s.Doc, s.Comment, group)
	}
}

// fieldList marks the fields or methods of a type. Lines that follow each other
// share the comment above the first.
func fieldList(fset *token.FileSet, docs map[token.Pos]bool, l *ast.FieldList) {
	var above bool
	var end int
	for _, f := range l.List {
		above = has(f.Doc, f.Comment) || above && f.Doc == nil && fset.Position(f.Pos()).Line == end+1
		for _, n := range f.Names {
			docs[n.Pos()] = above
		}
		end = fset.Position(f.End()).Line
	}
}

func has(groups ...*ast.CommentGroup) bool {
	return slices.ContainsFunc(groups, func(g *ast.CommentGroup) bool { return g.Text() != "" })
}
