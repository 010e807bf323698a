"""This program's own file: every process of an instance is started from it."""

from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "zkticket.py"
