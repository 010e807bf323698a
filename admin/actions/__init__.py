"""What the commands do and print, once their options are read."""
