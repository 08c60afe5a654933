"""A training put away as bytes, and taken up again where it was: NumPy's .npz, without pickles."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np

from explorer.check import known, shaped
from explorer.training.caption_runs import Captioning, CaptionRun
from explorer.training.forecast_runs import Forecasting, ForecastRun
from explorer.training.history import NUMBERS, Record
from explorer.training.review_runs import ReviewRun
from explorer.training.runs import Run, TrainingRun
from explorer.training.specification import Judging, Training, Translating
from explorer.training.translation_runs import TranslationRun

LARGEST = 64 * 2**20  # bytes that a file may unfold to
FORMAT = 1
KINDS = {
    "Training": (Training, TrainingRun),
    "Translating": (Translating, TranslationRun),
    "Judging": (Judging, ReviewRun),
    "Captioning": (Captioning, CaptionRun),
    "Forecasting": (Forecasting, ForecastRun),
}


def save(run: Run) -> bytes:
    """Everything that `load` needs to go on bit by bit: settings, weights, the optimiser's memory, the history."""
    state = {
        "format": FORMAT,
        "kind": type(run.training).__name__,
        "training": run.training.to_json(),
        "distance": run.distance,
        "exploded": run.exploded,
        "every": run.history.every,
        "pictures": [kept.update for kept in run.history.pictures],
    }
    arrays = {"weights": run.vector} | {f"memory.{name}": rows for name, rows in run.memory.items()}
    arrays |= {f"history.{name}": run.history[name] for name in NUMBERS}
    for kept in run.history.pictures:
        arrays |= {f"reach.{kept.update}.{q}": row for q, row in kept.reach.items()}
        arrays |= {f"gates.{kept.update}.{q}": row for q, row in kept.gates.items()}
    file = io.BytesIO()
    np.savez(file, state=np.frombuffer(json.dumps(state).encode(), np.uint8), **arrays)
    return file.getvalue()


def load(data: bytes) -> Run:
    """The run that `save` put away. Raises ValueError, in one sentence, for anything else."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            size = sum(entry.file_size for entry in packed.infolist())
        if size > LARGEST:
            raise ValueError(f"it would unfold to {size} bytes, the most is {LARGEST}")
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return _restored(json.loads(arrays.pop("state").tobytes()), arrays)
    except (ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile, OSError, EOFError) as error:
        raise ValueError(f"expected a saved training, but it cannot be read: {error}") from None


def _restored(state: dict, arrays: dict) -> Run:
    if state["format"] != FORMAT:
        raise ValueError(f"its format is {state['format']!r}, expected {FORMAT}")
    settings, kind_of_run = KINDS[known(state["kind"], KINDS, "kind of training")]
    training, fallbacks = settings.from_json(state["training"])
    if fallbacks:
        raise ValueError(f"its setting {fallbacks[0].name} is {fallbacks[0].given!r}")
    run = kind_of_run(training)
    run.vector = _like(arrays["weights"], run.vector, "weights")
    run.memory = {name: _like(arrays[f"memory.{name}"], rows, name) for name, rows in run.memory.items()}
    numbers = {name: arrays[f"history.{name}"] for name in NUMBERS}
    run.count = len(numbers["loss"])
    if run.count > training.updates:
        raise ValueError(f"it has {run.count} updates of {training.updates} planned")
    low, high = run.distances
    run.distance, run.exploded = int(state["distance"]), bool(state["exploded"])
    if not low <= run.distance <= high:
        raise ValueError(f"its distance is {run.distance}, expected {low} to {high}")
    for name, column in numbers.items():
        column = shaped(column, (run.count,), f"history of {name}")
        run.history.numbers[name] = (column.astype(int) if name == "distance" else column.astype(float)).tolist()
    run.history.every = int(state["every"])
    run.history.pictures = [_picture(int(update), numbers, arrays, run) for update in state["pictures"]]
    return run


def _like(array, wanted, what) -> np.ndarray:
    if array.dtype != wanted.dtype or not np.isfinite(array).all():
        raise ValueError(f"{what} must be finite {wanted.dtype}, but are not")
    return shaped(array, wanted.shape, what).copy()


def _picture(update, numbers, arrays, run) -> Record:
    def rows(kind):
        start = f"{kind}.{update}."
        return {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}

    if not 1 <= update <= run.count:
        raise ValueError(f"it has a picture of update {update}, but {run.count} updates")
    named = {name: run.history.numbers[name][update - 1] for name in NUMBERS}
    return Record(update, **named, reach=rows("reach"), gates=rows("gates"))
