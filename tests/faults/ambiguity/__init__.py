"""Sales with hundreds of ambiguous commits."""
