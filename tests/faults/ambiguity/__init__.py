"""Sales whose commits are made ambiguous by the hundred."""
