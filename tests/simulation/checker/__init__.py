"""The truth that every answer is compared with."""
