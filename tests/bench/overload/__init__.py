"""The bench of overload: goodput when far more is offered than can be sold."""
