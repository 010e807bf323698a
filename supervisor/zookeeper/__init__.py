"""ZooKeeper's servers: Java, jars, configuration, and what goes wrong with their disks."""
