"""ZooKeeper servers that die, and that are cut off from each other."""
