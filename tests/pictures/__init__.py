"""README's pictures, taken of the real thing."""
