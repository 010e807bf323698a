"""The results, as a page, plots and tables."""
