"""HTTP itself: connections, heads, cookies, proxies, routing and whole answers."""
