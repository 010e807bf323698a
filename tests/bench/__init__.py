"""Measures how fast a whole instance sells."""
