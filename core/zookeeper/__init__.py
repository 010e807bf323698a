"""ZooKeeper for asyncio, over kazoo: one client, and what is built on it."""
