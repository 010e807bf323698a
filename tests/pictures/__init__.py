"""The pictures of README, taken of the real thing."""
