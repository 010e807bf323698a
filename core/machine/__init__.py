"""This machine: its files, processes, disks and streams."""
