"""Receipts: no buyer hears "sold" before the sale is on this worker's own disk."""
