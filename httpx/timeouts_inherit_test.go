package httpx

import (
	"reflect"
	"testing"
	"time"

	"gohttpx.dev/wire"
)

// Each timeout by itself is what the request says, off included, and else what
// stands behind it.
func TestEachTimeoutInherits(t *testing.T) {
	fields := reflect.TypeFor[wire.Timeouts]()
	for i := range fields.NumField() {
		name := fields.Field(i).Name
		with := func(d time.Duration) *wire.Timeouts {
			all := new(wire.Timeouts)
			reflect.ValueOf(all).Elem().Field(i).SetInt(int64(d))
			return all
		}
		for _, tt := range []struct {
			name            string
			own, def, merge *wire.Timeouts
		}{
			{"nothing is said", nil, nil, with(0)},
			{"nothing of the request's", nil, with(time.Second), with(time.Second)},
			{"another of the request's", with(0), with(time.Second), with(time.Second)},
			{"the request's", with(time.Minute), with(time.Second), with(time.Minute)},
			{"the request's alone", with(time.Minute), nil, with(time.Minute)},
			{"off by the request", with(Never), with(time.Second), with(Never)},
			{"off behind it", nil, with(Never), with(Never)},
		} {
			t.Run(name+", "+tt.name, func(t *testing.T) {
				own, def := settings{timeouts: tt.own}, settings{timeouts: tt.def}
				if got := own.timeLimitsOver(&def); got != *tt.merge {
					t.Errorf("got %+v, want %+v", got, *tt.merge)
				}
			})
		}
	}
}

// Settings share their timeouts until one of them gets others.
func TestTimeoutsAreNotChangedInPlace(t *testing.T) {
	client := settings{timeouts: &wire.Timeouts{Read: time.Second}}
	request := client
	request.limitTime(func(all *wire.Timeouts) { all.Read = time.Minute })
	if c, r := client.timeLimits().Read, request.timeLimits().Read; c != time.Second || r != time.Minute {
		t.Errorf("the client has %v, the request %v", c, r)
	}
}
