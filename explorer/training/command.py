"""`python -m explorer train`: make the shipped networks again, or print the table of their scores.

python -m explorer train --form encoder_decoder --cell gru     the networks of one form and cell
python -m explorer train                                       all of them: some ten minutes of one core
python -m explorer train --choose                              what was tried, compared on the validation part
python -m explorer train --table                               the scores of those that are there, as Markdown
"""

from __future__ import annotations

import time
from pathlib import Path

from explorer import trained
from explorer.cells import CELLS
from explorer.i18n import words as speaking

SEEDS = {"encoder_decoder": (2,)}  # of the candidates; the shipped networks have seed 1


def add(commands) -> None:
    """Add the command to an argparse parser's subparsers; it is called with the parsed arguments."""
    parser = commands.add_parser("train", help="train the shipped networks again, or print their scores")
    parser.add_argument("--form", choices=trained.RECIPES, help="one form; all if not given")
    parser.add_argument("--variant", choices=sorted({v for form in trained.RECIPES.values() for v in form}))
    parser.add_argument("--cell", choices=CELLS, help="one cell; all if not given")
    parser.add_argument("--out", type=Path, default=trained.FOLDER, help="the folder to write to")
    parser.add_argument("--table", action="store_true", help="print the scores of the shipped networks, train nothing")
    parser.add_argument("--choose", action="store_true", help="compare what was tried, on the validation part")
    parser.set_defaults(command=_run, name="train")


def _run(given) -> None:
    if given.table:
        print(table())
    else:
        given.out.mkdir(parents=True, exist_ok=True)
        (choose if given.choose else make)(given)


def make(given) -> None:
    """Train what was asked for; each network goes into a file, and what was seen on the way into log.txt."""
    for form, variant, cell in _asked(given):
        _one(form, variant, cell, given.out)


def _asked(given) -> list[tuple[str, str, str]]:
    """What is meant by --form, --variant and --cell."""
    return [
        (form, variant, cell)
        for form, variants in trained.RECIPES.items()
        for variant in variants
        for cell in CELLS
        if given.form in (None, form) and given.variant in (None, variant) and given.cell in (None, cell)
    ]


def _one(form: str, variant: str, cell: str, folder: Path) -> None:
    settings, lines, began = trained.recipe(form, variant, cell), [], time.process_time()

    def told(line: str) -> None:
        print(line, flush=True)
        lines.append(line)

    told(f"{form} {variant} {cell}: seed {settings.seed}, {settings.updates} updates, {_changed(settings)}")
    run = trained.train(settings, told)
    told(f"  finished: validation {trained.in_words(run.measured(validation=True))}")
    scores = run.measured()
    told(f"  held out, scored once: {trained.in_words(scores)}; {time.process_time() - began:.0f} s of one core")
    trained.put(run, scores, folder / trained.file(form, variant, cell).name)
    with (folder / "log.txt").open("a", encoding="utf-8") as log:
        log.write("\n".join(lines) + "\n")


def choose(given) -> None:
    """Train every candidate with seeds of their own; their scores on the validation part go into choice.txt."""
    asked = _asked(given)
    with (given.out / "choice.txt").open("a", encoding="utf-8") as log:
        for form in dict.fromkeys(form for form, _, _ in asked):
            for changes in trained.CANDIDATES[form]:
                found = {}
                for _, variant, cell in (which for which in asked if which[0] == form):
                    for seed in SEEDS.get(form, (2, 3)):
                        settings = trained.recipe(form, variant, cell).replace(seed=seed, data_seed=seed, **changes)
                        scores = trained.train(settings).measured(validation=True)
                        found.setdefault(cell, []).append(scores)
                for cell, several in found.items():
                    means = {name: sum(scores[name] for scores in several) / len(several) for name in several[0]}
                    line = f"{form} {changes} {cell}: validation, mean of {len(several)}: {trained.in_words(means)}"
                    print(line, flush=True)
                    log.write(line + "\n")


def _changed(settings) -> str:
    return ", ".join(f"{key}={value}" for key, value in settings.to_query().items())


def table() -> str:
    """The scores on what was held out, a Markdown table."""
    english = speaking("en")
    rows = ["| form | data | measure, on what was held out | " + " | ".join(c.upper() for c in CELLS) + " |"]
    rows.append("|" + "---|" * (3 + len(CELLS)))
    for form, variants in trained.RECIPES.items():
        for variant in variants:
            scores = {cell: trained.load(form, variant, cell).scores for cell in CELLS}
            for measure in next(iter(scores.values())):
                numbers = " | ".join(f"{scores[cell][measure]:.4g}" for cell in CELLS)
                measured = english(f"forms.measure_{measure}").rstrip(":")
                rows.append(f"| {english(f'choice.form.{form}')} | {variant} | {measured} | {numbers} |")
    return "\n".join(rows)
