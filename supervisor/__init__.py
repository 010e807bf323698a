"""Starts an instance's processes, watches over them, restarts what has to be, stops them all."""
