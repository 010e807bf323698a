"""Serves HTTP: connections, heads, proxies, and the way from a request to its handler."""
