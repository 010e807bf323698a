"""Tokens of people and devices at the fake site."""

from core.cluster.access_tokens import digest
from core.schema.records import AccessToken, Role

DOOR, ANY_DOOR, ORGANISER, PERSON = (letter * 64 for letter in "abcd")


def kept(token: str, role: Role, name: str, event: str = "") -> AccessToken:
    return AccessToken(name=name, role=role, event=event, made_at=1.0, digest=digest(token))


KEPT = (
    kept(DOOR, "door", "North door", "gala"),
    kept(ANY_DOOR, "door", "South door"),
    kept(ORGANISER, "organiser", "Zoë Müller"),
    kept(PERSON, "operator", "Otto"),
)
