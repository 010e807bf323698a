"""Every route of the site.

`api`, `pages` and `boards` are the part of the description that is written by hand; the data is
in `answered` and `taken`, and the words and statuses of problems are those of
`web.http.problems`.
"""

from web.openapi import api, boards, pages
from web.openapi.operation import Operation


def operations() -> tuple[Operation, ...]:
    """In the order in which people should read them."""
    return (*api.operations(), *pages.operations(), *boards.operations())
