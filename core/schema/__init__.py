"""The content of ZooKeeper: every path, every record, and when a sale's window is open."""
