"""A clock, a network and disks that a schedule moves."""
