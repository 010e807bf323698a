"""Authentication: operators by token or session, programs by signature."""
