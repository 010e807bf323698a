"""Requests of buyers and programs, checked before anything is done about them."""
