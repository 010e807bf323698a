"""The log of every process, kept in ZooKeeper for operators to look up."""
