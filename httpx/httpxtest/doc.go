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
// # Limitations
//
// Nothing passes a wire: what would break HTTP is not noticed, and no timeout but
// the context's applies.
package httpxtest
