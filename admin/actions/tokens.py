"""`admin token …`, once its options are read."""

import time

import msgspec
import typer

from admin.screen import output, token_tables
from admin.zookeeper_session import with_session
from core.cluster import access_tokens
from core.cluster.access_tokens import said
from core.machine import streams
from core.schema.records import AccessToken, Role
from core.settings import Settings
from core.text.timestamps import rfc3339


class TokenJson(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A token as programs read it; only who makes it is told the `token` itself."""

    name: str
    role: Role
    event: str
    made_at: str
    token: str = ""


def create(settings: Settings, role: Role, name: str, event: str, as_json: bool) -> None:
    token, made = with_session(
        settings, lambda zk: access_tokens.create(zk, role, name, event, time.time())
    )
    if as_json:
        output.put_json(_as_json(made, token))
    else:
        typer.echo(f"token of {made.name} made ({said(made)}); it is shown this once:", err=True)
        streams.tell(token)


def show_all(settings: Settings, as_json: bool) -> None:
    found = with_session(settings, access_tokens.load)
    output.put(list(map(_as_json, found)), token_tables.tokens(found), as_json=as_json)


def revoke(settings: Settings, name: str) -> None:
    revoked = with_session(settings, lambda zk: access_tokens.revoke(zk, name))
    streams.tell(f"token of {revoked.name} revoked ({said(revoked)})")


def _as_json(token: AccessToken, secret: str = "") -> TokenJson:
    return TokenJson(
        name=token.name,
        role=token.role,
        event=token.event,
        made_at=rfc3339(token.made_at),
        token=secret,
    )
