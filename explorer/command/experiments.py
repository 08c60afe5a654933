"""An experiment as it is typed: by what an address says, or by a JSON file."""

from __future__ import annotations

import json
import re
from pathlib import Path

from explorer import links
from explorer.experiment import KINDS, Experiment

LONGEST = 2**20  # bytes of a JSON file


def read_experiment(chosen) -> Experiment:
    """What was chosen by an address or by --json. Raises ValueError, in one sentence, for what is no experiment."""
    if chosen.json is None:
        experiment, fallbacks = Experiment.from_query(_query(chosen.experiment or ""))
    elif chosen.experiment is not None:
        raise ValueError("give the experiment as an address or as a file, not both")
    else:
        experiment, fallbacks = _from_file(chosen.json)
    if fallbacks:
        refused = fallbacks[0]
        if refused.name not in KINDS:
            raise ValueError(f"an experiment has no setting {refused.name[:40]!r}: leave it out")
        raise ValueError(f"{refused.name} cannot be {refused.given!r}: the explorer would take {refused.used or '-'}")
    return experiment


def _query(typed: str) -> dict[str, str]:
    """The settings of an address, or of the part of it after its question mark."""
    address = re.match(r"[^?=&]*\?", typed)
    query, strange = links.read(typed[address.end() if address else 0 :], {kind.key: kind for kind in KINDS.values()})
    if address and len(address[0]) > 1:  # a page's address has settings of its own
        strange = tuple(one for one in strange if one.reason != "unknown")
    if strange:
        raise ValueError(f"an experiment reads like cell=gru&T=200&loss=all, and {strange[0]}")
    return query


def _from_file(path: Path) -> tuple[Experiment, tuple]:
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST + 1)  # a device has no size, and may have no end
    except OSError as error:
        raise ValueError(f"expected a JSON file, but {path} cannot be read: {error.strerror or error}") from None
    if len(data) > LONGEST:
        raise ValueError(f"{path} is larger than {LONGEST} bytes: it cannot be an experiment")
    try:
        text = data.decode(json.detect_encoding(data))
    except UnicodeDecodeError:
        raise ValueError(f"expected JSON in UTF-8 or UTF-16, but {path} is in neither: save it in UTF-8") from None
    if not text.strip():
        raise ValueError(f"expected a JSON object of settings, but {path} is empty")
    try:
        return Experiment.from_json(text)
    except ValueError as error:
        raise ValueError(f"{error}: correct {path}") from None
