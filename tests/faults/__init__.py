"""Breaks a running sale in every way we know, and checks what its buyers were told."""
