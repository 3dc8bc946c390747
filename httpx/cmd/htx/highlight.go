package main

import (
	"context"
	"io"
	"mime"
	"strings"
	"time"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"
	"github.com/fatih/color"
)

const (
	// mostColoured is the longest text that is coloured; a longer one is printed
	// as it is.
	mostColoured = 256 << 10
	// patienceColours bounds how long colouring may take. A lexer is made of
	// regular expressions, and there are texts on which they take for ever.
	patienceColours = time.Second
)

// lexerOf returns what knows the syntax of a media type; nil for none.
func lexerOf(mediaType string) chroma.Lexer {
	switch mediaType {
	case "text/plain", "text/event-stream": // they have none, and often come bit by bit
		return nil
	}
	_, sub, _ := strings.Cut(mediaType, "/")
	if i := strings.LastIndexByte(sub, '+'); i >= 0 {
		sub = sub[i+1:] // "problem+json"
	}
	for _, t := range []string{mediaType, "application/" + sub} {
		if l := lexers.MatchMimeType(t); l != nil {
			return l
		}
	}
	switch sub = strings.TrimPrefix(sub, "x-"); sub {
	case "json", "xml", "html", "css", "javascript", "yaml", "toml", "markdown", "sql", "diff":
		return lexers.Get(sub)
	}
	return nil
}

// highlight prints text, which is tame, in the colours of its syntax.
func (c *console) highlight(ctx context.Context, mediaType, text string) error {
	if !c.colour || len(text) > mostColoured {
		_, err := io.WriteString(c.out, text)
		return err
	}
	_, err := io.WriteString(c.out, coloured(ctx, lexerOf(mediaType), text))
	return err
}

// coloured is text in colours, as far as the lexer gets in time. Nothing of the
// text is lost or changed, whatever a lexer makes of it.
func coloured(ctx context.Context, lexer chroma.Lexer, text string) string {
	if lexer == nil {
		return text
	}
	ctx, cancel := context.WithTimeout(ctx, patienceColours)
	defer cancel()
	tokens := make(chan chroma.Token)
	// Nothing can end a regular expression's search. So it has a goroutine,
	// which ends when its present search does; nobody waits for it.
	go func() {
		defer close(tokens)
		defer func() { _ = recover() }() // chroma hands errors on as panics
		next, err := lexer.Tokenise(&chroma.TokeniseOptions{State: "root"}, text)
		if err != nil {
			return
		}
		for t := next(); t != chroma.EOF; t = next() {
			select {
			case tokens <- t:
			case <-ctx.Done():
				return
			}
		}
	}()
	var b strings.Builder
	for {
		select {
		case t, ok := <-tokens:
			rest, same := strings.CutPrefix(text, t.Value)
			if !ok || !same {
				b.WriteString(text)
				return b.String()
			}
			writeToken(&b, t)
			text = rest
		case <-ctx.Done():
			b.WriteString(text)
			return b.String()
		}
	}
}

// writeToken writes a token, its colour ending with each line.
func writeToken(b *strings.Builder, t chroma.Token) {
	attrs := attributes(t.Type)
	for line := range strings.Lines(t.Value) {
		text := strings.TrimRight(line, "\n")
		if attrs == nil || strings.TrimSpace(text) == "" {
			b.WriteString(line)
			continue
		}
		b.WriteString(painter(true).paint(text, attrs...))
		b.WriteString(line[len(text):])
	}
}

// attributes are the colours of a kind of token, of the sixteen that every
// terminal has and its owner has chosen.
func attributes(t chroma.TokenType) []color.Attribute {
	switch {
	case t == chroma.NameTag, t == chroma.NameClass, t == chroma.NameFunction:
		return []color.Attribute{color.FgBlue, color.Bold}
	case t == chroma.NameAttribute, t == chroma.NameProperty, t == chroma.NameVariable:
		return []color.Attribute{color.FgCyan}
	case t.InSubCategory(chroma.LiteralString), t == chroma.GenericInserted:
		return []color.Attribute{color.FgGreen}
	case t.InSubCategory(chroma.LiteralNumber):
		return []color.Attribute{color.FgMagenta}
	case t.InCategory(chroma.Keyword):
		return []color.Attribute{color.FgYellow}
	case t.InCategory(chroma.Comment):
		return []color.Attribute{color.FgHiBlack}
	case t == chroma.GenericDeleted:
		return []color.Attribute{color.FgRed}
	case t == chroma.GenericHeading, t == chroma.GenericSubheading:
		return []color.Attribute{color.Bold}
	}
	return nil
}

// mediaTypeOf is the type in a Content-Type, in lower case and without
// parameters.
func mediaTypeOf(contentType string) string {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil && t == "" {
		return ""
	}
	return t
}
