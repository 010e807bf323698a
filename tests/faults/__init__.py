"""Breaks a running sale in every way that we can think of, and checks what its buyers were told."""
