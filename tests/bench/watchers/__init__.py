"""What two thousand watchers cost a sale."""
