"""Text that others wrote, made safe for a terminal."""


def printable(text: str) -> str:
    """The text with control, invisible and unassigned characters escaped."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def printable_bytes(data: bytes) -> str:
    """A znode's data as one line; what is not UTF-8 is shown as `\\xNN`."""
    return printable(data.decode("utf-8", errors="backslashreplace"))
