"""How much a worker takes on, learned from how long its commits take."""
