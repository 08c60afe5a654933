"""What the README says is true: its example prints what it claims, its files and pages exist."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from explorer.i18n import words
from explorer.ui.frame import PAGES

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_the_example_prints_what_it_claims(example):
    claimed = re.findall(r"^# (.*)$", example, re.MULTILINE)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(example, "README.md", "exec"), {})
    assert claimed and printed.getvalue().splitlines() == claimed


@pytest.mark.parametrize("name", ["README.md", "README.ko.md", "CONTRIBUTING.md", "benchmarks/README.md"])
def test_links_lead_to_files(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert ((ROOT / name).parent / target).exists(), target


@pytest.mark.parametrize("language, file", [("en", "README.md"), ("ko", "README.ko.md")])
def test_every_page_is_named(language, file):
    text = (ROOT / file).read_text(encoding="utf-8")
    for page in PAGES:
        assert f"| {words(language)(f'page.{page}')} |" in text


def test_every_command_is_run_by_ci():
    ci = (ROOT / ".ci/run").read_text(encoding="utf-8") + (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = [line.split("#")[0].strip() for line in re.findall(r"^    (\S.*)$", README, re.MULTILINE)]
    commands = [c for c in commands if c.startswith(("make", "pip", "streamlit", "python"))]
    assert len(commands) >= 4
    for command in commands:
        essence = command.replace("pip install", "").strip()
        assert essence in ci, f"CI does not run: {command}"
