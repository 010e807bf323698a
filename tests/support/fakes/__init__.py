"""Stand-ins for parts that are not under test."""
