"""ZooKeeper, simulated: its tree, its servers, and sessions on them."""
