"""What the supervisor, the web, the workers and the operator's commands share.

`core` imports none of them. kazoo stays behind `core.zookeeper`; events, their stock,
orders and holds stay behind `core.store.store` and `core.events.edit`.
"""
