"""Prometheus' text format, version 0.0.4: families of samples, each with its help and its type.

A figure that could not be read has no sample: an alert can notice a missing series, but not a wrong
one. `prometheus_client` is not used: it costs 33 ms of processor time at each start of a web.
"""

from collections.abc import Iterable, Mapping

import msgspec

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, str]


class MetricSample(msgspec.Struct, frozen=True):
    """`suffix` belongs to the name: a histogram's `_bucket`, say."""

    value: float
    labels: Labels
    suffix: str = ""


class Family(msgspec.Struct, frozen=True):
    """`kind` is counter, gauge, histogram or summary; names are without the `zkticket_`."""

    name: str
    kind: str
    help: str
    samples: tuple[MetricSample, ...]


def counter(name: str, help_: str, samples: Iterable[MetricSample]) -> Family:
    return Family(name, "counter", help_, tuple(samples))


def gauge(name: str, help_: str, samples: Iterable[MetricSample]) -> Family:
    return Family(name, "gauge", help_, tuple(samples))


def one(name: str, help_: str, value: float | None) -> Family:
    """A gauge without labels; `None` makes no sample."""
    return gauge(name, help_, () if value is None else (MetricSample(value, {}),))


def summed(samples: Iterable[MetricSample]) -> tuple[MetricSample, ...]:
    """One sample for each set of labels: two instances on one host may have the same names."""
    sums: dict[frozenset[tuple[str, str]], MetricSample] = {}
    for sample in samples:
        key = frozenset(sample.labels.items())
        before = sums[key].value if key in sums else 0
        sums[key] = MetricSample(before + sample.value, sample.labels, sample.suffix)
    return tuple(sums.values())


def text(families: Iterable[Family]) -> str:
    """The families that have samples."""
    return "".join(f"{line}\n" for family in families for line in _lines(family))


def _lines(family: Family) -> Iterable[str]:
    if family.samples:
        name = f"zkticket_{family.name}"
        yield f"# HELP {name} {_escaped_help(family.help)}"
        yield f"# TYPE {name} {family.kind}"
        for sample in family.samples:
            yield f"{name}{sample.suffix}{_labels(sample.labels)} {_number(sample.value)}"


def _labels(labels: Labels) -> str:
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _number(value: float) -> str:
    """The number as text, whole ones in full: `repr` would write some as 1e+16."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _escaped(label: str) -> str:
    return _escaped_help(label).replace('"', '\\"')


def _escaped_help(text_: str) -> str:
    return text_.replace("\\", "\\\\").replace("\n", "\\n")
