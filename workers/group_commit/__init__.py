"""Group commit: what arrives while one commit is under way is the next batch."""
