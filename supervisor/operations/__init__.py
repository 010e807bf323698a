"""What operators ask a supervisor for, and how it is done while the sale goes on."""
