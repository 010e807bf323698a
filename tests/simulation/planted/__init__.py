"""Faults planted into the product, which the simulation has to find."""
