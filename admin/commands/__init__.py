"""The commands' options and printing, a module for each group of commands."""
