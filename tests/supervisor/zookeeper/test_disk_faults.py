"""A ZooKeeper server that could not write is killed, and starts again from its disk."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from supervisor.processes.child import Child, ChildState
from supervisor.processes.spawned_process import Process, ProcessPlan, Role
from supervisor.zookeeper.disk_faults import Disks, ServerLog

BORN = datetime(2026, 7, 1, 12, 0, 0, tzinfo=UTC).timestamp()


def severe(at: str, thread: str = "SyncThread:3") -> str:
    return (
        f"2026-07-01T{at}.021+0000 [{thread}] ERROR org.apache.zookeeper.server."
        f"ZooKeeperCriticalThread - Severe unrecoverable error, from thread : {thread}\n"
        "java.io.IOException: No space left on device\n"
    )


@dataclass
class FakeServer:
    pid: int = 7
    birth: str = ""
    created: float = BORN
    signals: list[str] = field(default_factory=list)

    def ended(self) -> str | None:
        return "killed by SIGKILL" if "KILL" in self.signals else None

    def terminate(self) -> None:
        self.signals.append("TERM")

    def retire(self) -> None:
        self.signals.append("USR1")

    def kill(self) -> None:
        self.signals.append("KILL")


def running(process: Process, log: Path, clock: Callable[[], float]) -> Child:
    plan = ProcessPlan("zookeeper-3", Role.ZOOKEEPER, ("java",), log)
    child = Child(plan, lambda _: process, clock, lambda: 0.0, lambda _child, _text: None)
    child.start()
    child.advance()
    child.ready()
    child.advance()
    return child


def test_an_error_is_heard_once_and_only_when_its_line_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "zookeeper-3.log"
    log = ServerLog(path)
    assert not log.severe_news()
    line = severe("12:00:05")
    path.write_text("2026-07-01T12:00:01.000+0000 [main] INFO all is well\n" + line[:60])
    assert not log.severe_news()
    with path.open("a") as file:
        file.write(line[60:])
    assert log.severe_news() == [BORN + 5.021]
    assert not log.severe_news()


def test_the_error_of_an_earlier_process_says_nothing_of_this_one(tmp_path: Path) -> None:
    path = tmp_path / "zookeeper-3.log"
    path.write_text(severe("11:59:59"))
    server = FakeServer()
    child = running(server, path, lambda: 0.0)
    assert not Disks(lambda: 0.0).restart([child])
    server.created -= 60.0
    assert Disks(lambda: 0.0).restart([child])


def test_a_follower_whose_leader_has_died_can_still_write(tmp_path: Path) -> None:
    path = tmp_path / "zookeeper-3.log"
    path.write_text(severe("12:00:05", thread="FollowerRequestProcessor:3"))
    assert not ServerLog(path).severe_news()


def test_a_log_that_was_put_aside_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "zookeeper-3.log"
    path.write_text("x" * 1000 + "\n")
    log = ServerLog(path)
    assert not log.severe_news()
    path.write_text(severe("12:00:05"))
    assert log.severe_news() == [BORN + 5.021]


def test_a_server_that_could_not_write_is_killed_at_once_and_started_again(tmp_path: Path) -> None:
    path = tmp_path / "zookeeper-3.log"
    process = FakeServer()
    server = running(process, path, lambda: 100.0)
    disks = Disks(lambda: 100.0)
    assert not disks.restart([server])
    path.write_text(severe("12:00:05"))
    assert disks.restart([server])
    for _ in range(3):
        server.advance()
    assert process.signals == ["TERM", "KILL"]
    assert server.state is ChildState.BACKOFF
    assert server.reason == "it could not write to its disk, killed by SIGKILL"


def test_a_server_that_was_given_up_over_a_full_disk_starts_again_once_there_is_room(
    tmp_path: Path,
) -> None:
    full = True
    process = FakeServer()
    server = running(process, tmp_path / "zookeeper-3.log", lambda: 100.0)
    disks = Disks(lambda: 100.0, lambda _place: full)
    server.state, server.process = ChildState.FATAL, None
    assert not disks.restart([server])
    full = False
    assert disks.restart([server])
    server.advance()
    assert server.state is ChildState.STARTING


def test_a_server_that_was_given_up_for_another_reason_stays_so(tmp_path: Path) -> None:
    server = running(FakeServer(), tmp_path / "zookeeper-3.log", lambda: 100.0)
    server.state, server.process = ChildState.FATAL, None
    assert not Disks(lambda: 100.0, lambda _place: False).restart([server])
