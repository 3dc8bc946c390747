package fuzz_test

import (
	"bytes"
	"context"
	"math/big"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/httpx"
)

// busy is a transport that answers 503 once, then 200.
type busy struct {
	header httpx.Header
	asked  int
}

func (b *busy) RoundTrip(context.Context, *httpx.Request) (*httpx.Response, error) {
	if b.asked++; b.asked > 1 {
		return &httpx.Response{StatusCode: 200}, nil
	}
	return &httpx.Response{StatusCode: 503, Header: b.header}, nil
}

// FuzzRetryAfter lets a server ask for a wait, in any words, and as a date some
// seconds after its own clock. What RFC 9110 §10.2.3 and §5.6.7 let it say is kept
// to the second, up to the most that the client waits; anything else is the
// client's own wait.
func FuzzRetryAfter(f *testing.F) {
	const most, own = 1000 * time.Second, 10 * time.Second
	f.Fuzz(func(t *testing.T, value, date string, ahead int32, form uint8) {
		synctest.Test(t, func(t *testing.T) {
			wait := func(retryAfter, date string) (d time.Duration, again bool) {
				b := &busy{}
				b.header.Add("Retry-After", retryAfter)
				if date != "" {
					b.header.Add("Date", date)
				}
				c, err := httpx.New(httpx.WithTransport(b), httpx.WithRetry(httpx.Retry{Attempts: 2, MinWait: own, MaxWait: own, MaxRetryAfter: most, Budget: -1}))
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				began := time.Now()
				resp, err := c.Get(t.Context(), "http://e.test/")
				if err != nil {
					t.Fatal(err)
				}
				return time.Since(began), resp.StatusCode == 200
			}

			// Any words.
			got, again := wait(value, date)
			v := strings.TrimSpace(value)
			seconds, isNumber := new(big.Int).SetString(v, 10)
			isNumber = isNumber && strings.Trim(v, "0123456789") == ""
			_, notDate := http.ParseTime(v)
			var ok bool
			switch {
			case isNumber && seconds.Cmp(big.NewInt(int64(most/time.Second))) <= 0:
				ok = again && got == time.Duration(seconds.Int64())*time.Second
			case isNumber:
				ok = !again && got == 0
			case notDate == nil:
				ok = again && got >= 0 && got <= most || !again && got == 0
			default:
				ok = again && got >= 0 && got <= own
			}
			if !ok {
				t.Fatalf("Retry-After: %q, Date: %q: %v, again %v", value, date, got, again)
			}

			// A date in one of the three forms (RFC 9110 §5.6.7), on a clock that is
			// days off.
			clock := time.Now().AddDate(0, 0, int(int8(form))).UTC()
			at := clock.Add(time.Duration(ahead) * time.Second)
			if year := at.Year(); year < 1970 || year > 2060 {
				return
			}
			forms := [...]string{http.TimeFormat, "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC}
			text := at.Format(forms[form%3])
			got, again = wait(text, clock.Format(http.TimeFormat))
			want := max(time.Duration(ahead)*time.Second, 0)
			if again != (want <= most) || again && got != want {
				t.Fatalf("Retry-After: %s at %s: %v, again %v; want %v", text, clock, got, again, want)
			}
		})
	})
}

// The grammar of RFC 6265bis §5.1.1.
var (
	cookieDelimiter = regexp.MustCompile(`[\x09\x20-\x2F\x3B-\x40\x5B-\x60\x7B-\x7E]+`)
	cookieTime      = regexp.MustCompile(`(?s)^(\d{1,2}):(\d{1,2}):(\d{1,2})(\D.*)?$`)
	cookieDay       = regexp.MustCompile(`(?s)^(\d{1,2})(\D.*)?$`)
	cookieMonth     = regexp.MustCompile(`(?is)^(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec).*$`)
	cookieYear      = regexp.MustCompile(`(?s)^(\d{2,4})(\D.*)?$`)
)

// cookieDate is RFC 6265bis §5.1.1 word by word.
func cookieDate(s string) (time.Time, bool) {
	var clock, day, year []string
	month := ""
	for _, token := range cookieDelimiter.Split(s, -1) {
		if m := cookieTime.FindStringSubmatch(token); clock == nil && m != nil {
			clock = m
		} else if m := cookieDay.FindStringSubmatch(token); day == nil && m != nil {
			day = m
		} else if m := cookieMonth.FindStringSubmatch(token); month == "" && m != nil {
			month = strings.ToLower(m[1])
		} else if m := cookieYear.FindStringSubmatch(token); year == nil && m != nil {
			year = m
		}
	}
	if clock == nil || day == nil || month == "" || year == nil {
		return time.Time{}, false
	}
	n := func(s string) int {
		v, _ := strconv.Atoi(s)
		return v
	}
	y := n(year[1])
	if y >= 70 && y <= 99 {
		y += 1900
	} else if y < 70 {
		y += 2000
	}
	if n(day[1]) < 1 || n(day[1]) > 31 || y < 1601 || n(clock[1]) > 23 || n(clock[2]) > 59 || n(clock[3]) > 59 {
		return time.Time{}, false
	}
	t := time.Date(y, time.Month(strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", month)/3+1), n(day[1]), n(clock[1]), n(clock[2]), n(clock[3]), 0, time.UTC)
	return t, t.Day() == n(day[1])
}

// FuzzCookieDate gives cookies any Expires, as http.ParseSetCookie leaves what it
// does not understand, and expects what the regular expressions above find. Where
// net/http reads a date, it is the same.
func FuzzCookieDate(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		synctest.Test(t, func(t *testing.T) { // the clock stands at the start of 2000
			expiry := func(c *http.Cookie) (time.Time, bool) {
				jar := httpx.NewCookies(httpx.CookiesConfig{})
				jar.SetCookies(&url.URL{Scheme: "https", Host: "e.test", Path: "/"}, []*http.Cookie{c})
				for c := range jar.All() {
					if file := new(bytes.Buffer); jar.SaveAll(file) != nil || c.Name != "n" {
						t.Fatalf("%v", c)
					}
					return c.Expires, true
				}
				return time.Time{}, false
			}
			at, kept := expiry(&http.Cookie{Name: "n", Value: "v", RawExpires: text})
			want, ok := cookieDate(text)
			now := time.Now()
			switch latest := now.Add(400 * 24 * time.Hour); {
			case !ok:
				want = time.Time{} // until the session ends
			case want.After(latest):
				want = latest
			}
			if expired := ok && !want.After(now); kept == expired || kept && !at.Equal(want) {
				t.Fatalf("%q: kept %v until %v; RFC 6265bis says %v, a date is %v", text, kept, at, want, ok)
			}
			if strings.ContainsAny(text, ";\r\n") {
				return
			}
			c, err := http.ParseSetCookie("n=v; Expires=" + text)
			if err != nil || c.Expires.IsZero() || !ok {
				return
			}
			if theirs, theirsKept := expiry(c); theirsKept != kept || !theirs.Equal(at) {
				t.Fatalf("%q: kept %v until %v; by net/http %v until %v", text, kept, at, theirsKept, theirs)
			}
		})
	})
}
