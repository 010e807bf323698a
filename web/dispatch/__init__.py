"""Chooses a worker for each purchase, and asks another one if that is safe."""
