"""What the supervisor, the web, the workers and the operator's commands share.

`core` imports none of them. kazoo stays behind `core.zk`; event, stock and order
znodes stay behind `core.store`.
"""
