"""Crowds that buy while a test does something else."""
