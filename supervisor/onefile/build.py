"""`python -m supervisor.onefile.build` builds `dist/zkticket`, the one file that brings all.

It holds a launcher (`launcher.c`) and, packed, Debian's Python with the pinned packages, a Java
runtime of the modules that ZooKeeper needs, ZooKeeper's pinned jars, our code, and the licences of
all. Debian's packages are unpacked into a build directory, none is installed.

The same packages make the same file, byte for byte: times are SOURCE_DATE_EPOCH's, else the last
commit's. Debian's packages and gcc are the newest of the release, and change it when they change.
"""

import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from core.errors import StartupError, ZkticketError
from supervisor.zookeeper import zkcli
from supervisor.zookeeper.java import CACHE, FETCHED, POM, require

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OUTPUT = ROOT / "dist" / "zkticket"
WORK = ROOT / ".onefile"
# As `launcher.c` reads it.
TRAILER = struct.Struct("<16sQQQ32s")
MAGIC = b"zkticket-onefile"

APPLICATION = ("zkticket.py", "core", "web", "workers", "supervisor", "admin")
# What is in git, or would be added.
LISTED = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
NOT_FOR_USERS = ("supervisor/onefile/", "supervisor/setup.sh", "supervisor/zkticket.sh")
# What nothing of ours imports, and what needs a library for a terminal, a window or a database.
UNUSED_PYTHON = (
    *("test", "idlelib", "lib2to3", "tkinter", "turtledemo", "ensurepip", "pydoc_data", "venv"),
    *("distutils", "sqlite3", "curses", "dbm", "__pycache__", "LICENSE.txt", "config-*"),
    *("sitecustomize.py", "turtle.py", "_sqlite3*", "_curses*", "readline*", "_dbm*", "_gdbm*"),
    *("_tkinter*", "nis*.so", "_crypt*", "_test*", "_xx*", "xx*", "_ctypes_test*", "ossaudiodev*"),
)
# RECORD would name where this machine's Python is.
UNUSED_PACKAGES = (
    *("bin", "pip*", "setuptools*", "*/test", "*/tests", "*/*.pyx", "*/*.pxd", "*/*.c"),
    "*.dist-info/RECORD",
)
# Found by jdeps in ZooKeeper's jars; Netty's buffers ask for jdk.unsupported.
MODULES = (
    *("java.base", "java.logging", "java.management", "java.naming", "java.security.jgss"),
    *("java.security.sasl", "jdk.unsupported"),
)
# Of all that Python and Java are said to depend on, what they load.
LIBRARIES = re.compile(
    r"libbz2-1\.0|libc6|libexpat1|libffi\d+|libgcc-s1|liblzma5|libssl3(t64)?|libstdc\+\+6"
    r"|libuuid1|zlib1g|gcc-\d+-base"
)


def main(environ: Mapping[str, str]) -> int:
    """Builds it, and says what it has become."""
    try:
        size = Build(WORK, _epoch(environ), environ).run(OUTPUT)
    except (ZkticketError, subprocess.CalledProcessError) as error:
        print(f"zkticket: {_told(error)}", file=sys.stderr)
        return 1
    digest = hashlib.sha256(OUTPUT.read_bytes()).hexdigest()
    print(f"{OUTPUT.relative_to(ROOT)}: {size / 1e6:.1f} MB, SHA-256 {digest}")
    return 0


def _told(error: Exception) -> str:
    if not isinstance(error, subprocess.CalledProcessError):
        return str(error)
    said = (error.stderr or error.stdout or "").strip().splitlines()
    return f"{error.cmd[0]} failed: {said[-1] if said else error.returncode}"


def _epoch(environ: Mapping[str, str]) -> int:
    if told := environ.get("SOURCE_DATE_EPOCH"):
        return int(told)
    return int(_output("git", "-C", str(ROOT), "log", "-1", "--format=%ct"))


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@dataclass(frozen=True)
class Build:
    """One build in a directory of its own, from the packages to the file."""

    work: Path
    epoch: int
    environ: Mapping[str, str]

    @property
    def debian(self) -> Path:
        """Debian's packages, unpacked."""
        return self.work / "debian"

    @property
    def tree(self) -> Path:
        """What the one file unpacks."""
        return self.work / "tree"

    @property
    def python(self) -> Path:
        return self.tree / "bin" / "zkticket"

    @cached_property
    def packages(self) -> "Packages":
        return Packages.of_this_release()

    def run(self, output: Path) -> int:
        """Returns the size of the file in bytes."""
        shutil.rmtree(self.work, ignore_errors=True)
        self.debian.mkdir(parents=True)
        (self.tree / "lib").mkdir(parents=True)
        self._unpack_debian()
        self._add_python()
        self._add_java()
        self._add_application()
        self._add_jars()
        self._add_licences()
        self._add_libraries()
        self._compile()
        _settle_times(self.tree, self.epoch)
        return self._write(output)

    # --- the parts -------------------------------------------------------------------

    def _unpack_debian(self) -> None:
        scratch = self.work / "packages"
        scratch.mkdir()
        # A user who isn't root may not write where apt keeps its own.
        _run("apt-get", "download", "-qq", *self.packages.all, cwd=scratch)
        for package in sorted(scratch.glob("*.deb")):
            _run("dpkg-deb", "-x", str(package), str(self.debian))

    def _add_python(self) -> None:
        name = self.packages.python
        (self.tree / "bin").mkdir()
        shutil.copy(self.debian / "usr/bin" / name, self.python)
        library = self.tree / "lib" / name
        shutil.copytree(
            self.debian / "usr/lib" / name,
            library,
            ignore=shutil.ignore_patterns(*UNUSED_PYTHON),
            ignore_dangling_symlinks=True,
        )
        # Beside our code: so they are found first, whatever Python is on the machine besides.
        target = self.tree / "app"
        # That Python's own wheels, whichever Python this one is.
        _run(
            sys.executable,
            *("-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--require-hashes", "--only-binary", ":all:", "--no-compile", "--no-deps"),
            *("--python-version", name.removeprefix("python"), "--implementation", "cp"),
            *("--target", str(target), "-r", str(ROOT / "requirements.txt")),
        )
        _delete(target, UNUSED_PACKAGES)

    def _add_java(self) -> None:
        home = next((self.debian / "usr/lib/jvm").glob("java-*-openjdk-*"))
        _lead_inside(home, self.debian)
        _run(
            *(str(home / "bin/jlink"), "--module-path", str(home / "jmods")),
            *("--add-modules", ",".join(MODULES), "--strip-debug", "--no-header-files"),
            *("--no-man-pages", "--compress=0", "--output", str(self.tree / "java")),
        )
        for tool in (self.tree / "java/bin").iterdir():
            if tool.name != "java":
                tool.unlink()

    def _add_jars(self) -> None:
        require(self.environ, FETCHED, POM)
        require(self.environ, zkcli.EXTRAS, zkcli.POM)
        for jars in (FETCHED, zkcli.EXTRAS):
            shutil.copytree(jars, self.tree / "app" / CACHE.name / jars.name)

    def _add_application(self) -> None:
        listed = _output("git", "-C", str(ROOT), *LISTED, *APPLICATION).split("\0")
        for name in filter(None, listed):
            if name.endswith(".md") or name.startswith(NOT_FOR_USERS):
                continue
            target = self.tree / "app" / name
            if target.exists():
                raise StartupError(f"a package brings {name} as well")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target)

    def _add_licences(self) -> None:
        target = self.tree / "app" / "licences"
        target.mkdir()
        shutil.copyfile(ROOT / "LICENSE", target / "zkticket")
        for name in self.packages.shipped:
            found = self.debian / "usr/share/doc" / name / "copyright"
            if found.exists():
                shutil.copyfile(found, target / f"debian-{name}")
        for info in (self.tree / "app").glob("*.dist-info"):
            name = info.name.removesuffix(".dist-info")
            (target / f"python-{name}").write_text("\n".join(_texts_of(info)))
        for jar in sorted((self.tree / "app" / CACHE.name).glob("*/*.jar")):
            (target / f"java-{jar.stem}").write_text(_licence_of(jar))

    def _add_libraries(self) -> None:
        """Brings each library that anything inside needs, and has all look for them inside."""
        library = self.tree / "lib"
        offered = {path.name: path for path in self._offered()}
        inside = {path.name for path in self.tree.rglob("*.so*")}
        todo = list(_elfs(self.tree))
        while todo:
            path = todo.pop()
            for name in self._patchelf("--print-needed", str(path)).split():
                if name in inside:
                    continue
                if name not in offered:
                    raise StartupError(f"{path} needs {name}, which no package brings")
                shutil.copy(offered[name], library / name)
                inside.add(name)
                todo.append(library / name)
        loader = Path(self._patchelf("--print-interpreter", str(self.python)).strip()).name
        shutil.copy(offered[loader], library / loader)  # programs name it, and don't need it
        (library / loader).chmod(0o755)
        self._lead_to_libraries(library, loader)

    def _lead_to_libraries(self, library: Path, loader: str) -> None:
        for path in _elfs(self.tree):
            if path.name == loader or path.name.startswith("libc.so"):
                continue
            own = {path.parent, library, self.tree / "java/lib", self.tree / "java/lib/server"}
            if self.tree / "java" not in path.parents:
                own = {path.parent, library}
            ways = (f"$ORIGIN/{os.path.relpath(way, path.parent)}" for way in sorted(own))
            # By force: a DT_RPATH counts before LD_LIBRARY_PATH, and for what is loaded later.
            self._patchelf("--force-rpath", "--set-rpath", ":".join(ways), str(path))

    def _offered(self) -> Iterator[Path]:
        for folder in ("lib", "usr/lib"):
            for path in sorted((self.debian / folder).rglob("*.so*")):
                if path.is_file() and "jvm" not in path.parts:
                    yield path

    def _patchelf(self, *arguments: str) -> str:
        return _output(str(self.debian / "usr/bin/patchelf"), *arguments)

    # --- what is made of them --------------------------------------------------------

    def _compile(self) -> None:
        """Compiles all once, here: `unchecked`, since nobody edits what is unpacked."""
        for folder in (self.tree / "lib" / self.packages.python, self.tree / "app"):
            self._run_inside(
                *(self.python, "-m", "compileall", "-q", "-f", "--invalidation-mode"),
                *("unchecked-hash", "-s", str(self.tree), str(folder)),
            )

    def _run_inside(self, program: Path, *arguments: str) -> None:
        """Runs a program of the tree with the tree's own C library."""
        packed = program.read_bytes()
        loader = Path(self._patchelf("--print-interpreter", str(program)).strip()).name
        self._patchelf("--set-interpreter", str(self.tree / "lib" / loader), str(program))
        _run(str(program), *arguments, env={"PYTHONHASHSEED": "0"})
        program.write_bytes(packed)

    def _write(self, output: Path) -> int:
        output.parent.mkdir(exist_ok=True)
        archive = self.work / "payload.tar"
        unpacked = _archive(self.tree, archive, self.epoch)
        packed = archive.with_suffix(".zst")
        zstd = str(self.debian / "usr/bin/zstd")
        _run(zstd, "-q", "-f", "-9", "--long=27", str(archive), "-o", str(packed))
        launcher, payload = self._launcher().read_bytes(), packed.read_bytes()
        digest = hashlib.sha256(payload).digest()
        end = TRAILER.pack(MAGIC, len(launcher), len(payload), unpacked, digest)
        draft = output.with_suffix(".draft")
        draft.write_bytes(launcher + payload + end)
        draft.chmod(0o755)
        draft.replace(output)
        return output.stat().st_size

    def _launcher(self) -> Path:
        made = self.work / "launcher"
        libraries = next((self.debian / "usr/lib").rglob("libnettle.a")).parent
        _run(
            *("gcc", "-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-s"),
            *("-I", str(self.debian / "usr/include"), "-o", str(made), str(HERE / "launcher.c")),
            *("-L", str(libraries), "-lnettle", "-lzstd"),
        )
        return made


@dataclass(frozen=True)
class Packages:
    """The names of Debian's packages, in the release that builds."""

    python: str
    java: str
    libraries: tuple[str, ...]

    @classmethod
    def of_this_release(cls) -> "Packages":
        python = cls._needed("python3-minimal", r"(python3\.\d+)-minimal")
        java = cls._needed("default-jdk-headless", r"(openjdk-\d+)-jdk-headless")
        return cls(python, java, cls._libraries(f"lib{python}-stdlib", f"{java}-jre-headless"))

    @staticmethod
    def _needed(package: str, pattern: str) -> str:
        found = re.search(pattern, _output("apt-cache", "depends", package))
        if not found:
            raise StartupError(f"apt knows no {package}; run `apt-get update` first")
        return found.group(1)

    @staticmethod
    def _libraries(*packages: str) -> tuple[str, ...]:
        options = ("--recurse", "--no-recommends", "--no-suggests", "--no-conflicts")
        more = ("--no-breaks", "--no-replaces", "--no-enhances", "--no-pre-depends")
        said = _output("apt-cache", "depends", *options, *more, *packages)
        return tuple(sorted({*filter(LIBRARIES.fullmatch, said.splitlines())}))

    @property
    def shipped(self) -> tuple[str, ...]:
        own = (f"{self.python}-minimal", f"lib{self.python}-minimal", f"lib{self.python}-stdlib")
        return (*own, f"{self.java}-jre-headless", *self.libraries)

    @property
    def all(self) -> tuple[str, ...]:
        tools = (f"{self.java}-jdk-headless", "patchelf", "zstd", "libzstd-dev", "nettle-dev")
        return tuple(sorted({*self.shipped, *tools}))


# --- files -------------------------------------------------------------------------------


def _run(*command: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, cwd=cwd, env=env)


def _delete(folder: Path, patterns: Iterable[str]) -> None:
    for pattern in patterns:
        for path in folder.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _lead_inside(home: Path, root: Path) -> None:
    """Has links to /etc lead to the unpacked one."""
    for link in home.rglob("*"):
        if link.is_symlink() and (target := os.readlink(link)).startswith("/etc/java"):
            link.unlink()
            link.symlink_to(root / target.lstrip("/"))


def _elfs(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    yield path


def _texts_of(info: Path) -> Iterator[str]:
    for path in sorted(info.rglob("*")):
        if path.is_file() and re.match(r"(?i)(licen|copying|notice|author)", path.name):
            yield path.read_text(encoding="utf-8", errors="replace")
    for line in (info / "METADATA").read_text(encoding="utf-8").splitlines():
        if line.startswith(("Name:", "Version:", "License", "Classifier: License")):
            yield line


def _licence_of(jar: Path) -> str:
    with zipfile.ZipFile(jar) as file:
        names = [name for name in file.namelist() if re.search(r"(?i)(licen[sc]e|notice)", name)]
        names = sorted(name for name in names if not name.endswith(("/", ".class")))
        texts = [file.read(name).decode(errors="replace") for name in names]
    return "\n".join(texts)


def _settle_times(folder: Path, epoch: int) -> None:
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def _archive(folder: Path, target: Path, epoch: int) -> int:
    """Writes a sorted tar without owners; returns how much disk it takes when it is unpacked."""
    needed = 0
    with tarfile.open(target, "w", format=tarfile.USTAR_FORMAT, dereference=True) as archive:
        for path in sorted(folder.rglob("*")):
            entry = archive.gettarinfo(path, str(path.relative_to(folder)))
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            entry.mtime = epoch
            entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
            if entry.islnk():
                entry.type, entry.size = tarfile.REGTYPE, path.stat().st_size
            needed += (entry.size // 4096 + 1) * 4096
            with path.open("rb") if entry.isfile() else open(os.devnull, "rb") as file:
                archive.addfile(entry, file if entry.isfile() else None)
    return needed


if __name__ == "__main__":
    sys.exit(main(os.environ))
