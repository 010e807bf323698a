"""ZooKeeper's servers: Java, jars, configuration, and failing disks."""
