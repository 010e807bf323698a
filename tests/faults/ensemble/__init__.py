"""ZooKeeper servers that die and are parted."""
