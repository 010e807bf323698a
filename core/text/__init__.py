"""Texts that people type and hand in: encodings, TOML, names and amounts of money."""
