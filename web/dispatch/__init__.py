"""Chooses a worker for each purchase, and asks another one where that is safe."""
