"""Settings: a flag overrides the environment, which overrides the default."""

from pathlib import Path
from typing import Any

import pytest

from core.errors import WrongUsage
from core.settings import Settings, read_settings


def test_defaults_are_those_of_the_contract() -> None:
    assert read_settings({}, {}) == Settings()
    assert Settings().hosts == "127.0.0.1:2181,127.0.0.1:2182,127.0.0.1:2183"


def test_a_flag_wins_over_the_environment_and_that_over_the_default() -> None:
    environ = {"ZKTICKET_PORT": "9000", "ZKTICKET_WORKERS": "5"}
    settings = read_settings(environ, {"port": 9001, "workers": None})
    assert (settings.port, settings.workers, settings.servers) == (9001, 5, 3)


def test_the_environment_is_converted_to_the_settings_types() -> None:
    settings = read_settings({"ZKTICKET_DATA_DIR": "/x", "ZKTICKET_DRAIN_S": "2.5"}, {})
    assert settings.data_dir == Path("/x")
    assert settings.logs_dir == Path("/x/logs")
    assert settings.drain_s == 2.5


def test_an_empty_value_of_the_environment_is_none() -> None:
    assert read_settings({"ZKTICKET_PORT": "", "ZKTICKET_DATA_DIR": ""}, {}) == Settings()


def test_a_value_that_a_flag_overrides_has_to_fit_as_well() -> None:
    """The workers that `up` starts read the environment without that flag: they used to die."""
    with pytest.raises(WrongUsage, match="ZKTICKET_PORT is '8000x'"):
        read_settings({"ZKTICKET_PORT": "8000x"}, {"port": 9000})


@pytest.mark.parametrize("hosts", ["a:0", "a:65536", "a:2181,b:99999", "a:2181,", "a", "a:²"])
def test_an_ensemble_has_ports_that_there_are(hosts: str) -> None:
    with pytest.raises(WrongUsage, match="--zookeeper"):
        read_settings({}, {"zookeeper": hosts})


def test_an_ensemble_elsewhere_is_not_ours() -> None:
    settings = read_settings({}, {"zookeeper": "a:1,b:2"})
    assert settings.hosts == "a:1,b:2"
    assert not settings.owns_ensemble


def test_a_value_of_the_wrong_kind_is_named() -> None:
    with pytest.raises(WrongUsage, match="ZKTICKET_PORT"):
        read_settings({"ZKTICKET_PORT": "many"}, {})


@pytest.mark.parametrize(
    "flags",
    [
        {"port": 0},
        {"port": 65536},
        {"workers": 0},
        {"servers": 8},
        {"quantity": -1},
        {"zookeeper": "somewhere"},
        {"zookeeper": "a:1,"},
        {"zookeeper": "a:1/elsewhere"},
        {"zookeeper": "a b:1"},
    ],
    ids=str,
)
def test_a_value_out_of_range_is_refused(flags: dict[str, Any]) -> None:
    with pytest.raises(WrongUsage, match="--"):
        read_settings({}, flags)


@pytest.mark.parametrize("name", ["worker_hung_s", "drain_s", "session_s"])
@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "-1", "1e300"])
def test_a_time_that_is_none_is_refused(name: str, text: str) -> None:
    with pytest.raises(WrongUsage, match="it must be from"):
        read_settings({f"ZKTICKET_{name.upper()}": text}, {})
    with pytest.raises(WrongUsage, match="it must be from"):
        read_settings({}, {name: float(text)})


def test_an_option_that_may_be_repeated_is_a_list_between_commas_in_the_environment() -> None:
    environ = {"ZKTICKET_TRUSTED_PROXY": "10.0.0.0/8,::1"}
    assert read_settings(environ, {"trusted_proxy": []}).trusted_proxy == "10.0.0.0/8,::1"
    given = read_settings(environ, {"trusted_proxy": ["192.0.2.1", "192.0.2.2"]})
    assert given.trusted_proxy == "192.0.2.1,192.0.2.2"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", ""),
        ("https://tickets.example", "https://tickets.example"),
        ("HTTPS://Tickets.Example/", "https://tickets.example"),
        ("http://[2001:db8::1]:8000", "http://[2001:db8::1]:8000"),
    ],
)
def test_the_public_address_is_kept_as_it_is_compared(given: str, kept: str) -> None:
    assert read_settings({}, {"public_url": given}).public_url == kept


@pytest.mark.parametrize(
    "flags",
    [
        {"public_url": "tickets.example"},
        {"public_url": "ftp://tickets.example"},
        {"public_url": "https://tickets.example/shop"},
        {"public_url": "https://user@tickets.example"},
        {"trusted_proxy": ["nginx"]},
        {"trusted_proxy": ["10.0.0.0/33"]},
        {"holds_per_address": -1},
        {"held_per_address": -1},
        {"connections_per_address": -1},
    ],
    ids=str,
)
def test_a_bound_or_an_address_that_cannot_be_meant_is_refused(flags: dict[str, Any]) -> None:
    with pytest.raises(WrongUsage, match="--"):
        read_settings({}, flags)
