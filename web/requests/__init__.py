"""What buyers ask for, checked before anything is done about it."""
