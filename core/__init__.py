"""What the supervisor, the web, the workers and the operator's commands share.

`core` imports none of them. kazoo stays behind `core.zk`; events, their stock, orders and
holds stay behind `core.store` and `core.backoffice`.
"""
