// Package httpxtest answers requests in tests, without a server.
//
// # Overview
//
// Response makes a response out of nothing. Func is a transport of one function,
// Router one of routes and scripted answers that keeps a log of its calls:
//
//	routes := httpxtest.NewRouter()
//	routes.On("GET /v1/items/{id}").Respond(503).Respond(200, httpxtest.JSON(item))
//	client, err := httpx.New(httpx.WithTransport(routes))
//
// Record and Replay keep what a real server has answered. For an http.Handler in
// place of a server there is httpx.HandlerTransport.
//
// # Concurrency
//
// A Router and a Recorder are safe for concurrent use. Routes are added before
// the first request. A Response belongs to one goroutine, and can be read once.
//
// # Errors
//
// What Func, Route.Fail and Route.Func return reaches the caller as that of any other
// transport, wrapped in an *httpx.Error. A request without a route, and one that is not
// in a record (ErrNotRecorded), fail with an error that says what there is. What can
// only be a mistake in the test, such as a status that is none, panics.
//
// # Limitations
//
// Nothing passes a wire: what would break HTTP is not noticed, and no timeout but
// the context's applies.
package httpxtest
