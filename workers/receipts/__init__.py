"""No buyer hears "sold" before the receipt is on this worker's disk."""
