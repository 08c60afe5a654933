"""Both languages say everything, and nothing that nobody asks for."""

import ast
import re
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from explorer import Experiment
from explorer.cells import CELLS
from explorer.datasets import DATASETS
from explorer.experiment import KINDS
from explorer.figures import theme
from explorer.forms import FORMS
from explorer.i18n import LANGUAGES, NOUN, PARTICLES, final_consonant, table, with_particle, words
from explorer.inputs.tables import DECIMALS, SEPARATORS, Reading
from explorer.long_run import METHODS
from explorer.long_series import SERIES
from explorer.parallel_time import REASONS
from explorer.performing import FAIR, rivals
from explorer.settings import Choice
from explorer.sweep import AXES
from explorer.training.racing import ENTRANTS
from explorer.training.studies import STUDIES
from explorer.training.tasks import TASKS
from explorer.training.translators import ATTENTION
from explorer.ui.components.chart import TOOLS
from explorer.ui.frame import PAGES
from explorer.ui.questions import QUESTIONS
from explorer.ui.settings import HELPED
from explorer.ui.state import ASKS, TRAINED, kinds

ROOT = Path(__file__).parents[1]
SOURCES = [ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py")), *sorted((ROOT / "explorer").rglob("*.py"))]
EN, KO = table("en"), table("ko")
HANGUL = re.compile("[가-힣]")
every_key = pytest.mark.parametrize("key", EN)
every_language = pytest.mark.parametrize("language", LANGUAGES)

REASONS_TO_REFUSE = {  # by the reader of tables
    call.args[0].value
    for path in (ROOT / "explorer" / "inputs").glob("*.py")
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Unreadable"
    if isinstance(call.args[0], ast.Constant)
}
QUANTITIES = {q for cell in CELLS.values() for q in (*cell.gates, *cell.states)}
FAMILIES = {  # of composed keys: exactly these and no others
    "symbol": QUANTITIES,
    "panel": QUANTITIES,
    "cell": set(CELLS),
    "network": {*rivals(Experiment()), *ENTRANTS, "lstm_c"},
    "band": set(theme.BANDS),
    "toolbar": {*TOOLS, "failed"},
    "page": set(PAGES),
    "look": set(QUESTIONS),
    "choice.loss": {"last", "all", "step"},
    "choice.series": set(SERIES),
    "choice.form": set(FORMS),
    "choice.attention": set(ATTENTION),
    "choice.method": set(METHODS),
    "long.reason": set(REASONS),
    "study": set(STUDIES),
    "ask": set(ASKS),
    "lead": set(ASKS),
    "lesson": set(ASKS),
    "fair": set(FAIR),
    "factor": {"slopes", "weights", "both", "slopes_step", "weights_step"},
    "road": {"direct", "rest", "whole"},
    "start": set(theme.REMEDIES),
    "wiring": {"all", "last", "step"},
    **{f"choice.{name}": {*kinds(Reading)[name].options} - {"auto"} for name in ("separator", "decimal", "missing")},
    **{f"choice.{name}": set(kind.options) for name, kind in (KINDS | TRAINED).items() if isinstance(kind, Choice)},
}
AMONG = {  # composed keys among others
    "setting": {*KINDS, *TRAINED},
    "help": set(HELPED),
    "edge": {
        *(f"holds_{kind}" for kind in ("tanh", "keep", "none")),
        *(f"axis_{axis}" for axis in AXES),
        *(f"sentence_{which}" for which in ("none", "all", "on", "some")),
    },
    "job": {"refused", "memory", "disk", "late", "crashed"},
    "forms": {
        *(f"refused_{reason}" for reason in ("empty", "unknown", "picture", "source", "series")),
        *(f"refused_numbers_{reason}" for reason in ("none", "many", "bad")),
        *(f"measure_{measure}" for measure in ("error_network", "error_naive", "right_side", "near", "exact")),
        *(f"measure_spelt_{language}" for language in LANGUAGES),
        *(f"{shown}{which}_picture" for shown in ("gates", "states") for which in ("", "_encoder", "_decoder")),
    },
    "long": {f"input_{name}{cut}" for name in (*SERIES, "owns") for cut in ("", "_cut") if not cut or "own" in name}
    | {f"too_much_{what}" for what in ("memory", "disk")},
    "home": set(PAGES) - {"home"},
    "question": set(QUESTIONS),
    "input": set(DATASETS),
    "note": {"numbers_none", "numbers_many", "numbers_bad"},
    "table": {f"refused_{reason}" for reason in {*REASONS_TO_REFUSE, "bad", "infinite", "long"}}
    | {f"job_{kind}" for kind in ("refused", "memory", "disk", "late", "crashed")}
    | {f"format_{form}" for form in ("excel", "parquet", "npy")}
    | {f"mended_{missing}" for missing in ("drop", "carry")}
    | {f"kind_{kind}" for kind in ("number", "date", "text", "empty")}
    | {f"written_{name}" for name in {*SEPARATORS} - {"none"}}
    | {f"written_decimal_{name}" for name in DECIMALS},
    "training": {f"{task}_{what}" for task in TASKS for what in ("question", "about")} | {"whole", "cut"},
    "lab": {*(f"by_{by}" for by in FAIR), *(f"list_{cell}" for cell in CELLS)},
    "gradients": {"loss_last", "loss_all", "loss_step"},
    "saturation": {"open", "shut", "open_side", "shut_side"},
}
# Names and symbols that are the same in every language.
SAME = [
    r"symbol\.\w",
    r"axis\.(gradient|gradient_log|long_x|jacobian|entry|memory)",
    r"(choice\.)?cell\.\w+",
    r"network\.(rnn_tanh|rnn_relu|gru|lstm)",
    r"choice\.activation\.(tanh|relu)",
    r"choice\.scheme\.xavier",
    r"convention\.(pytorch|keras)",
    r"unrolled\.before",
    r"choice\.task\.anbn",
    r"choice\.optimiser\.(sgd|rmsprop|adam)",
    r"choice\.dtype\.float64",
    r"training\.one(_reach)?",
    r"choice\.method\.cuda",
    r"job\.running",
    r"long\.line\.(x\d?|dh|dc)",
    r"lab\.network",
    r"plane\.(h_1|h_2|c_1)",
    r"forms\.answer_translation",
]


def fields(text: str) -> dict[str, str]:
    """The placeholders of a text with their formats; a particle is no format, nor is a noun."""
    found = {name: spec for _, name, spec, _ in string.Formatter().parse(text) if name is not None}
    return {name: "" if spec in PARTICLES or NOUN.fullmatch(spec) else spec for name, spec in found.items()}


def members(prefix: str) -> set[str]:
    return {key.removeprefix(f"{prefix}.") for key in EN if re.fullmatch(rf"{re.escape(prefix)}\.[^.]+", key)}


class TestTables:
    def test_have_the_same_keys(self):
        assert set(EN) == set(KO)

    @every_key
    def test_have_the_same_placeholders(self, key):
        assert fields(EN[key]) == fields(KO[key])

    @every_language
    def test_say_something(self, language):
        for key, text in table(language).items():
            assert isinstance(text, str) and text.strip() == text and text, key

    @every_key
    def test_korean_is_korean(self, key):
        same = any(re.fullmatch(pattern, key) for pattern in SAME)
        assert bool(HANGUL.search(KO[key])) != same, "a name that is not translated is listed in SAME"
        assert not same or KO[key] == EN[key]

    @every_key
    def test_english_is_english(self, key):
        assert not HANGUL.search(EN[key]) or key in ("input.korean", "forms.source", "forms.refused_source")

    @every_language
    def test_markup_is_balanced(self, language):
        for key, text in table(language).items():
            text = text.replace("<br>", " ")  # stands alone
            tags = re.findall(r"<(/?)(\w+)>", text)
            assert re.sub(r"</?\w+>", "", text).count("<") == 0, key
            open_tags = []
            for close, tag in tags:
                assert not close or (open_tags and open_tags.pop() == tag), f"{key}: {text}"
                if not close:
                    open_tags.append(tag)
            assert not open_tags, f"{key}: {text}"
            assert text.count("**") % 2 == 0 and text.count("`") % 2 == 0 and text.count("$") % 2 == 0, key
            for left, right in ("()", "[]", "{}", "“”"):
                assert text.count(left) == text.count(right), f"{key}: {text}"

    def test_no_particle_is_guessed(self):
        """A particle right after a value is written {value:은}, so that it fits whatever the value is."""
        for key, text in KO.items():
            assert not re.search(r"\}(은|는|이|가|을|를|과|와|으로|로)(?=[\s.,]|$)", text), f"{key}: {text}"

    def test_every_particle_is_known(self):
        for key, text in KO.items():
            for _, name, spec, _ in string.Formatter().parse(text):
                assert not name or not spec or spec in PARTICLES, f"{key}: {spec}"

    def test_no_noun_is_guessed(self):
        """What a value counts is written {value:steps}, so that one is a step."""
        for key, text in EN.items():
            assert not re.search(r"\{\w+\} (steps|units|seeds|runs|numbers|layers|letters)\b", text), f"{key}: {text}"

    def test_numbers_are_typeset(self):
        for language in LANGUAGES:
            for key, text in table(language).items():
                assert not re.search(r"(?<![\w{])-\d", text), f"{language} {key}: − not - before a number"


class TestFamilies:
    @pytest.mark.parametrize("family", FAMILIES)
    def test_are_complete_and_have_nothing_left_over(self, family):
        assert members(family) == FAMILIES[family]

    @pytest.mark.parametrize("family", AMONG)
    def test_have_what_is_composed(self, family):
        assert members(family) >= AMONG[family]

    def test_all_families_of_choices_are_known(self):
        assert {key.rpartition(".")[0] for key in EN if key.startswith("choice.")} == {
            family for family in FAMILIES if family.startswith("choice.")
        }


def strings(node) -> list[str]:
    """The texts that an expression can be, placeholders of an f-string as \\0."""
    match node:
        case ast.Constant(str(text)):
            return [text]
        case ast.JoinedStr(values):
            return ["".join(v.value if isinstance(v, ast.Constant) else "\0" for v in values)]
        case ast.IfExp(_, body, orelse):
            return strings(body) + strings(orelse)
    return []


TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}
WRITTEN = {text for tree in TREES.values() for node in ast.walk(tree) for text in strings(node)}
SAID = [
    (path, call, key)
    for path, tree in TREES.items()
    for call in ast.walk(tree)
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("say", "words")
    if path.parent.name != "i18n"
    for key in (strings(call.args[0]) if call.args else ())
]


def matching(written: str) -> list[str]:
    """The keys that a text of the sources stands for."""
    pattern = r"[^.]+".join(map(re.escape, written.split("\0")))
    return [key for key in EN if re.fullmatch(pattern, key)]


# What the stage's scripts write, placeholders as \\0: the keys below "stage." that it stands for.
SCRIPTS = [path.read_text(encoding="utf-8") for path in (ROOT / "explorer/ui/components/stage").glob("*.js")]
ON_STAGE = {
    key
    for script in SCRIPTS
    for text in re.findall(r"""["'`]([\w.]*(?:\$\{[^`]*?\}[\w.]*)*)["'`]""", script)
    if re.match(r"[a-z_]{3,}", text)
    for key in matching("stage." + re.sub(r"\$\{.*?\}(?=[\w.]|$|\$)", "\0", text))
}


class TestSources:
    def test_speak_at_all(self):
        assert len(SAID) > 50

    @every_key
    def test_each_key_is_used(self, key):
        composed = [text for text in WRITTEN if "\0" in text and re.match(r"[a-z_]+\.", text)]
        used = key in WRITTEN or any(key in matching(text) for text in composed)
        assert used or (key.startswith("stage.") and key in ON_STAGE), "no source asks for it"

    def test_each_key_asked_for_exists(self):
        for path, call, key in SAID:
            assert matching(key), f"{path.name}:{call.lineno} asks for {key!r}"

    def test_each_placeholder_is_given(self):
        for path, call, key in SAID:
            if any(keyword.arg is None for keyword in call.keywords) or "\0" in key:
                continue
            given = {keyword.arg for keyword in call.keywords}
            assert set(fields(EN[key])) <= given, f"{path.name}:{call.lineno} {key}"

    def test_no_text_for_people_hides_in_the_code(self):
        for path, tree in TREES.items():
            if path.parent.name in ("i18n", "datasets", "corpora", "inputs"):
                continue
            docs = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, DOCUMENTED)}
            for text in {t for node in ast.walk(tree) for t in strings(node)} - docs:
                assert not HANGUL.search(text), f"{path.name}: {text!r}"


DOCUMENTED = (ast.Module, ast.FunctionDef, ast.ClassDef)


class TestParticles:
    @pytest.mark.parametrize(
        ("word", "particle", "wanted"),
        [
            ("LSTM", "은", "LSTM은"),
            ("GRU", "은", "GRU는"),
            ("RNN", "은", "RNN은"),
            ("RNN", "이", "RNN이"),
            ("GRU", "이", "GRU가"),
            ("GRU", "과", "GRU와"),
            ("LSTM", "과", "LSTM과"),
            ("C", "을", "C를"),
            ("H", "을", "H를"),
            ("L", "을", "L을"),
            ("r", "은", "r은"),
            ("0", "을", "0을"),
            ("1", "을", "1을"),
            ("2", "을", "2를"),
            ("3", "을", "3을"),
            ("4", "을", "4를"),
            ("5", "을", "5를"),
            ("6", "을", "6을"),
            ("7", "을", "7을"),
            ("8", "을", "8을"),
            ("9", "을", "9를"),
            ("10", "은", "10은"),
            ("100", "이", "100이"),
            ("0", "으로", "0으로"),
            ("1", "으로", "1로"),
            ("2", "으로", "2로"),
            ("3", "으로", "3으로"),
            ("6", "으로", "6으로"),
            ("7", "으로", "7로"),
            ("8", "으로", "8로"),
            ("LSTM", "으로", "LSTM으로"),
            ("L", "으로", "L로"),
            ("10⁻¹³", "이", "10⁻¹³이"),
            ("10⁻¹³", "을", "10⁻¹³을"),
            ("10⁻¹³", "으로", "10⁻¹³으로"),
            ("3.1·10⁻⁹", "은", "3.1·10⁻⁹은"),
            ("0.412", "을", "0.412를"),
            ("−0.05", "은", "−0.05는"),
            ("95 %", "을", "95 %를"),
            ("100 %", "은", "100 %는"),
            ("∞", "이", "∞가"),
            ("게이트", "은", "게이트는"),
            ("망각", "은", "망각은"),
            ("기울기", "을", "기울기를"),
            ("셀", "으로", "셀로"),
            ("값", "으로", "값으로"),
            ("h(3)", "은", "h(3)은"),
            ("“좋다”", "을", "“좋다”를"),
            ("", "은", "는"),
            ("...", "을", "...를"),
        ],
    )
    def test_table(self, word, particle, wanted):
        assert with_particle(word, particle) == wanted

    @given(some.characters(min_codepoint=ord("가"), max_codepoint=ord("힣")))
    def test_a_syllable_ends_as_it_is_written(self, syllable):
        """The final consonant is what is left of the syllable when it is taken apart."""
        import unicodedata

        jamo = unicodedata.normalize("NFD", syllable)
        assert bool(final_consonant(syllable)) == (len(jamo) == 3)
        assert (final_consonant(syllable) == "ㄹ") == (len(jamo) == 3 and jamo[2] == "ᆯ")

    @given(some.text(), some.sampled_from(list(PARTICLES)))
    def test_any_word_takes_a_particle(self, word, particle):
        assert with_particle(word, particle) in (word + particle, word + PARTICLES[particle])

    def test_a_text_takes_them_from_its_values(self):
        say = words("ko")
        assert "LSTM은" in say("unrolled.question", cell="LSTM")
        assert "GRU는" in say("unrolled.question", cell="GRU")

    def test_one_is_one_step(self):
        said = [words("en")("lab.bracket", window=window) for window in (1, 2, "1.0", "11", "20,000")]
        assert said == ["1 step", "2 steps", "1.0 steps", "11 steps", "20,000 steps"]

    @given(some.text())
    def test_a_value_is_never_a_template(self, value):
        said = words("en")("note.fallback", name=value, given="{x}{0.__class__}", used="{}")
        assert "{x}{0.__class__}" in said and value in said


def test_a_missing_value_is_an_error():
    with pytest.raises(KeyError):
        words("en")("home.lead", H=3)
    with pytest.raises(KeyError):
        words("en")("no.such.key")
