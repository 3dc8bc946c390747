package httpx

import (
	"math"
	"strings"
	"time"
)

// maxAge reads the numbers of Max-Age that http.ParseSetCookie leaves aside, as
// RFC 6265bis §5.6.2 does: too many digits, or a zero in front. 0 is none.
func maxAge(s string) int {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0
	}
	n := 0
	for i := 0; i < len(digits) && n < math.MaxInt32/10; i++ {
		n = n*10 + int(digits[i]-'0')
	}
	if n == 0 || s[0] == '-' {
		return -1
	}
	return n
}

// parseCookieDate is the algorithm of RFC 6265bis §5.1.1, which finds the parts
// of a date in any order and among other words.
func parseCookieDate(s string) (time.Time, bool) {
	var hour, minute, second, day, month, year int
	var hasTime, hasDay, hasMonth, hasYear bool
	for _, token := range strings.FieldsFunc(s, isDateDelimiter) {
		if !hasTime {
			if h, m, sec, ok := dateTime(token); ok {
				hour, minute, second, hasTime = h, m, sec, true
				continue
			}
		}
		if !hasDay {
			if n, ok := dateNumber(token, 1, 2); ok {
				day, hasDay = n, true
				continue
			}
		}
		if !hasMonth {
			if m := dateMonth(token); m > 0 {
				month, hasMonth = m, true
				continue
			}
		}
		if !hasYear {
			if n, ok := dateNumber(token, 2, 4); ok {
				year, hasYear = n, true
			}
		}
	}
	switch {
	case year >= 70 && year <= 99:
		year += 1900
	case year >= 0 && year <= 69:
		year += 2000
	}
	if !hasTime || !hasDay || !hasMonth || !hasYear || year < 1601 || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	if t.Day() != day { // 31 February, or a day 0
		return time.Time{}, false
	}
	return t, true
}

func isDateDelimiter(r rune) bool {
	return r == '\t' || ' ' <= r && r <= '/' || ';' <= r && r <= '@' || '[' <= r && r <= '`' || '{' <= r && r <= '~'
}

// dateNumber reads least to most digits; what follows them is no digit.
func dateNumber(s string, least, most int) (n int, ok bool) {
	i := 0
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		if i == most {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, i >= least
}

func dateTime(s string) (hour, minute, second int, ok bool) {
	h, rest, _ := strings.Cut(s, ":")
	m, sec, colon := strings.Cut(rest, ":")
	if !colon || len(h) > 2 || len(m) > 2 {
		return 0, 0, 0, false
	}
	hour, ok1 := dateNumber(h, len(h), 2)
	minute, ok2 := dateNumber(m, len(m), 2)
	second, ok3 := dateNumber(sec, 1, 2)
	return hour, minute, second, ok1 && ok2 && ok3 && h != "" && m != ""
}

func dateMonth(s string) int {
	if len(s) < 3 {
		return 0
	}
	i := strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", strings.ToLower(s[:3]))
	if i < 0 || i%3 != 0 {
		return 0
	}
	return i/3 + 1
}
