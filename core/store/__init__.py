"""Stock and orders in ZooKeeper, and the transactions that change them together."""
