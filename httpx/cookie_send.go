package httpx

func (c *Client) hasCookies(*more) bool { return false }

func (c *Client) keepCookies(*Response) {}

func (x *exchange) addCookies(*Request) error { return nil }
