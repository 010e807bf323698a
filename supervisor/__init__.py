"""Starts an instance's processes, watches over them, restarts the failed ones, stops them all."""
