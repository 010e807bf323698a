"""A private instance, which `zkticket.py` starts and stops as it does a user's."""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from admin.drill.processes import ObservedProcess, look
from core.errors import StartupError
from core.machine.program import SCRIPT
from core.settings import Settings

START_S = 300.0
STOP_S = 45.0


class Shop(msgspec.Struct, frozen=True):
    """An instance whose data directory is `directory/data`."""

    directory: Path
    port: int
    zookeeper_port: int
    environ: Mapping[str, str]

    @property
    def settings(self) -> Settings:
        return Settings(
            data_dir=self.directory / "data", port=self.port, zookeeper_port=self.zookeeper_port
        )

    async def up(self) -> None:
        """Starts it, or takes over what a dead supervisor left. Raises `StartupError`."""
        ports = ("--port", str(self.port), "--zookeeper-port", str(self.zookeeper_port))
        code, said = await self._run("up", "--detach", "--quantity", "0", *ports, timeout_s=START_S)
        if code:
            raise StartupError(f"the drill's own instance does not start: {said}")

    async def processes(self) -> tuple[ObservedProcess, ...]:
        return await look(self.settings.data_dir)

    async def down(self) -> None:
        """Stops it in order, if possible; the drill's reaper ends whatever is left."""
        with suppress(StartupError):
            await self._run("down", timeout_s=STOP_S)

    async def _run(self, command: str, *options: str, timeout_s: float) -> tuple[int, str]:
        """Runs a command; returns its exit code and last line. Raises `StartupError` when late."""
        # In a session of its own: Ctrl-C reaches only the drill, which then stops it in order.
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            str(SCRIPT),
            command,
            *options,
            "--data-dir",
            str(self.settings.data_dir),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self.environ,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(timeout_s):
                said, _ = await child.communicate()
        except TimeoutError:
            raise StartupError(f"`{command}` took more than {timeout_s:.0f} s") from None
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        lines = said.decode(errors="replace").strip().splitlines()
        return child.returncode or 0, lines[-1].removeprefix("error: ") if lines else ""
