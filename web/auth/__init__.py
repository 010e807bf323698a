"""Who may pass: operators by token or session, programs by signature."""
