"""Counts everything again, and puts back what the receipts prove."""
