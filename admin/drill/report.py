"""The results of a drill."""

from collections.abc import Sequence

import msgspec

from admin.drill.proof.checker import Finding, Kind


class FaultResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one fault: what its buyers saw, and how many findings there are of each kind.

    `errors` counts the answers that are neither a sale nor a definite refusal, by code; `pause_s`
    is the longest time in which buyers asked and none was served.
    """

    fault: str
    pause_s: float
    errors: dict[str, int]
    sold: int
    recovered: bool
    lost: int
    doubled: int
    oversold: int
    stranded: int
    misreported: int
    foreign: int
    findings: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return self.recovered and not self.findings


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a drill. `breach` is what `verify` found; `kept` is where its data still is."""

    ok: bool
    seed: int
    faults: tuple[FaultResult, ...]
    orders: int
    breach: str | None
    kept: str | None = None


def counted(findings: Sequence[Finding]) -> dict[str, int]:
    """Counts the findings of each kind."""
    return {kind.value: sum(each.kind is kind for each in findings) for kind in Kind}


def said(finding: Finding) -> str:
    """Writes a finding as one line."""
    about = finding.key or finding.order
    return f"{finding.kind}: {finding.text}" + (f" ({about})" if about else "")
