"""Copies fields between structs that have some of the same names."""

from typing import Any

from core.schema.records import RecordT


def copied(kind: type[RecordT], *sources: object, **others: Any) -> RecordT:
    """Makes a struct of the sources' fields and of `others`; what comes later counts."""
    found = {
        name: getattr(source, name)
        for source in sources
        for name in kind.__struct_fields__
        if hasattr(source, name)
    }
    return kind(**(found | others))
