"""What the commands take, a module for each group of them.

Each imports what it does when it is called: `--help` and completion are quick.
"""
