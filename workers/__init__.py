"""A worker: takes purchases over links, sells them by group commit, answers."""
