"""`python -m explorer train`: make the shipped networks again, or print the table of their scores.

python -m explorer train --form encoder_decoder --out made     the networks of one form, into a folder
python -m explorer train --force                               all of them again, in place of the shipped ones: some
                                                               ten minutes of one core
python -m explorer train --choose --out made                   what was tried, compared on the validation part
python -m explorer train --table                               the scores of the shipped ones, as Markdown
"""

from __future__ import annotations

import time
from importlib.util import find_spec
from pathlib import Path

from explorer import trained
from explorer.cells import CELLS
from explorer.command.outputs import Output, refusal
from explorer.i18n import words as speaking

SEEDS = {"encoder_decoder": (2,)}  # of the candidates; the shipped networks have seed 1


def add(commands) -> None:
    """Add the command to an argparse parser's subparsers; it is called with the parsed arguments."""
    parser = commands.add_parser(
        "train", help="train the shipped networks again, or print their scores", allow_abbrev=False
    )
    parser.add_argument("--form", choices=trained.RECIPES, help="one form; all if not given")
    parser.add_argument("--variant", choices=sorted({v for form in trained.RECIPES.values() for v in form}))
    parser.add_argument("--cell", choices=CELLS, help="one cell; all if not given")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where to write to (default: the shipped networks)")
    parser.add_argument("--force", action="store_true", help="replace networks that are there, add to a choice.txt")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--table", action="store_true", help="print the scores of the shipped networks, train nothing")
    instead.add_argument("--choose", action="store_true", help="compare what was tried, on the validation part")
    parser.set_defaults(command=_run, name="train")


def _run(given) -> None:
    asked = _asked(given)
    if not given.choose and find_spec("safetensors") is None:
        raise ValueError("networks are kept as safetensors, which is not installed here: pip install safetensors")
    if given.table:
        if wrong := [name for name in ("form", "variant", "cell", "out", "force") if getattr(given, name)]:
            raise ValueError(f"--table prints the scores of all shipped networks: leave --{wrong[0]} out")
        print(table())
    else:
        (choose if given.choose else make)(asked, _folder(given), given.force)


def _asked(given) -> list[tuple[str, str, str]]:
    """What is meant by --form, --variant and --cell."""
    if given.form and given.variant and given.variant not in trained.RECIPES[given.form]:
        there = ", ".join(trained.RECIPES[given.form])
        raise ValueError(f"{given.form} has no variant {given.variant}: choose one of {there}, or another form")
    return [
        (form, variant, cell)
        for form, variants in trained.RECIPES.items()
        for variant in variants
        for cell in CELLS
        if given.form in (None, form) and given.variant in (None, variant) and given.cell in (None, cell)
    ]


def _folder(given) -> Path:
    """The folder to write to, made if it is not there."""
    folder = trained.FOLDER if given.out is None else given.out
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise ValueError(f"{folder} is a file: name a folder to write to") from None
    except OSError as error:
        raise ValueError(refusal(folder, error)) from None
    return folder


def make(asked, folder: Path, force: bool) -> None:
    """Train what was asked for; each network goes into a file, and what was seen on the way into log.txt."""
    log = Output(folder / "log.txt", force=True)
    how = "add --force to replace it, or write to another folder with --out"
    outs = [Output(folder / trained.file(*which).name, force, how) for which in asked]
    for which, out in zip(asked, outs):
        lines = _one(*which, out)
        log.append("\n".join(lines) + "\n")


def _one(form: str, variant: str, cell: str, out: Output) -> list[str]:
    """Train one network and write it; what was said on the way."""
    settings, lines, began = trained.recipe(form, variant, cell), [], time.process_time()

    def told(line: str) -> None:
        print(line, flush=True)
        lines.append(line)

    told(f"{form} {variant} {cell}: seed {settings.seed}, {settings.updates} updates, {_changed(settings)}")
    run = trained.train(settings, told)
    told(f"  finished: validation {trained.in_words(run.measured(validation=True))}")
    scores = run.measured()
    told(f"  held out, scored once: {trained.in_words(scores)}; {time.process_time() - began:.0f} s of one core")
    place = out.write(lambda file: file.write(trained.written(run, scores)))
    print(f"  written to {place}", flush=True)
    return lines


def choose(asked, folder: Path, force: bool) -> None:
    """Train every candidate with seeds of their own; their scores on the validation part go into choice.txt."""
    log = Output(folder / "choice.txt", force, "add --force to add to it, or write to another folder with --out")
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
                log.append(line + "\n")


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
