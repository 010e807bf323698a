"""Measures what two thousand watchers cost a sale."""
