"""The pages that buyers see."""
