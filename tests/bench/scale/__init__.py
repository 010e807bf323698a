"""Sells a million orders, and measures and draws what grows with their number."""
