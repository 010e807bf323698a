"""What this machine tells and is told: its files, processes, disks and streams."""
