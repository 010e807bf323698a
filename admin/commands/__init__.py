"""What the commands take, a module for each group of them.

Each command imports its action when it is called, so `--help` and completion are quick.
"""
