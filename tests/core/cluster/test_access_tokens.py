"""Tokens of people and devices: what is kept of them, their names, and the bounds."""

import pytest

from core.cluster import access_tokens
from core.errors import NoSuchEvent, NoSuchToken, TokenExists, WrongUsage, ZkticketError
from core.events import create
from core.schema import paths
from core.schema.records import Event, Role, TicketType
from core.zookeeper.client import ZooKeeper
from tests.support.zookeeper_server import Server

NOW = 1_750_000_000.0


def test_a_token_is_told_once_and_only_its_digest_is_kept(server: Server) -> None:
    async def work(zk: ZooKeeper) -> None:
        token, made = await access_tokens.create(zk, "organiser", " Zoë Müller\u200e", "", NOW)
        kept = (await zk.get(paths.TOKENS)).data
        assert (made.name, made.made_at) == ("Zoë Müller", NOW)
        assert made in await access_tokens.load(zk)
        assert access_tokens.digest(token) == made.digest
        assert token.encode() not in kept
        assert len(token) == 64

    server.session(work)


def test_a_name_has_one_token_however_it_is_spelled(server: Server) -> None:
    async def work(zk: ZooKeeper) -> None:
        await access_tokens.create(zk, "door", "North Door", "", NOW)
        with pytest.raises(TokenExists, match="NORTH"):
            await access_tokens.create(zk, "operator", "NORTH  door", "", NOW)
        assert (await access_tokens.revoke(zk, "north door")).role == "door"
        with pytest.raises(NoSuchToken):
            await access_tokens.revoke(zk, "North Door")
        again, _ = await access_tokens.create(zk, "operator", "North Door", "", NOW)
        assert again

    server.session(work)


@pytest.mark.parametrize(
    ("role", "name", "event", "error"),
    [
        ("door", "", "", WrongUsage),
        ("door", "\u200b", "", WrongUsage),
        ("door", "x" * 65, "", WrongUsage),
        ("door", "a\nb", "", WrongUsage),
        ("operator", "The Operator's Token", "", WrongUsage),
        ("operator", "Operator", "", WrongUsage),
        ("organiser", "Ann", "gala", WrongUsage),
        ("door", "West", "nothing", NoSuchEvent),
    ],
)
def test_what_can_be_no_token_is_refused(
    server: Server, role: Role, name: str, event: str, error: type[ZkticketError]
) -> None:
    async def work(zk: ZooKeeper) -> None:
        with pytest.raises(error):
            await access_tokens.create(zk, role, name, event, NOW)

    server.session(work)


def test_a_door_may_be_bound_to_an_event_and_the_number_of_tokens_is_bounded(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(zk: ZooKeeper) -> None:
        types = {"A": TicketType(capacity=7)}
        await create.create_event(zk, "ball", Event(generation="0a", title="Ball"), types)
        _, made = await access_tokens.create(zk, "door", "East", "ball", NOW)
        assert made.event == "ball"
        monkeypatch.setattr(access_tokens, "MOST", len(await access_tokens.load(zk)))
        with pytest.raises(ZkticketError, match="revoke"):
            await access_tokens.create(zk, "door", "One too many", "", NOW)

    server.session(work)
