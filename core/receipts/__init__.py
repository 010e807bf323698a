"""Receipts on a worker's disk, and how lost orders are put back from them."""
