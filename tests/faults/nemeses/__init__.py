"""Faults for a running shop, one by one and in mixtures."""
