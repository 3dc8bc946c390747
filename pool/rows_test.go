package pool_test

import "testing"

// TestRows says which test shows which promise. The numbers are those of the
// project's list of features.
func TestRows(t *testing.T) {
	for _, row := range []struct {
		name string
		test func(t *testing.T)
	}{
		{"A16.1 a bound for each host", TestMaxConnsPerHost},
		{"A16.2 idle ones are counted", TestMaxIdleCountsIdleOnly},
		{"A16.3 idle connections go by the clock", TestIdleConnectionsExpire},
		{"A16.4 dead idle connections", TestDeadIdleConnectionsAreDropped},
		{"A16.5 waiters in order", TestWaitersAreServedInOrder},
		{"A16.5 the oldest waiter of any origin", TestOldestWaiterFirstAcrossOrigins},
		{"A16.5 the longest idle makes room", TestEvictsTheLongestIdle},
		{"A16.6 a fresh connection is its dialler's", TestFreshConnectionIsNotRefused},
		{"A16.7 after the first dial, side by side", TestProbeThenFanOut},
		{"A16.7 after the first dial, shared", TestProbeThenShare},
		{"A16.8 a failed dial", TestDialFailureFailsItsOwnRequestOnly},
		{"A16.10 numbers", TestStats},
		{"A16.11 Close", TestClose},
		{"A16.11 Shutdown", TestShutdown},
		{"A15.5 the wait for a stream", TestWaitForAStreamIsPoolTime},
		{"A23.8 cancelled while waiting", TestContextEndedBefore},
		{"B11 a bound for each host", TestMaxConnsPerHost},
		{"B12 age", TestMaxAge},
		{"B48 connections made ahead", TestPreconnect},
		{"B48 idle connections closed", TestCloseIdle},
		{"C1 random schedules of cancels", TestRandomSchedules},
		{"C2 one waiter for one connection", TestWaitersAreServedInOrder},
		{"C4 busy connections are not counted", TestMaxIdleCountsIdleOnly},
		{"C5 replay after a dead connection", TestReplayMeetsOneDeadConnectionAfterAnother},
		{"C20 what may be sent again", TestReplayRule},
		{"C22 the text of a pool timeout", TestPoolTimeoutText},
		{"C32 age", TestMaxAge},
		{"C34 numbers", TestStats},
		{"D7 gone when its time is over", TestIdleConnectionsExpire},
	} {
		t.Run(row.name, row.test)
	}
}
