"""What was measured, as a page, plots and tables."""
