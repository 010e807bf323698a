"""What organisers do with an event and its ticket types."""
