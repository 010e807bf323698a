"""What operators do: they talk to ZooKeeper straight, so it works from any machine."""
