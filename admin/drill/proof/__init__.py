"""Holds what buyers were told against what the tree has in the end."""
