"""Knows the truth, and compares every answer with it."""
