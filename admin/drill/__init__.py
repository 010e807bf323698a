"""`drill`: a sale in which things are broken on purpose, and the proof that nothing went wrong."""
