"""Decides how much a worker takes on, by how long its commits take."""
