"""The operators' pages: who may see them, what they show, and what their buttons do."""
