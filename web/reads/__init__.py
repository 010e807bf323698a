"""What is left and what became of an order, read from memory or from ZooKeeper."""
