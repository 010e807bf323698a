"""Processes: how they are started, watched, replaced and stopped."""
