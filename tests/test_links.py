"""What a link says: read as it was meant where that is beyond doubt, else left out; always said, always bounded."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer import links
from explorer.__main__ import main
from explorer.experiment import KINDS, Experiment
from explorer.links import Strange
from explorer.training import Training
from explorer.ui.state import KNOWN, PARTS, kinds

FINE = [
    ("", {}),
    ("T=50&cell=rnn", {"T": "50", "cell": "rnn"}),
    ("&&T=50&", {"T": "50"}),
    ("T=50&T=50", {"T": "50"}),
    ("source=%EA%B5%AC%EC%8B%AD&review=is+it+good%3F", {"source": "구십", "review": "is it good?"}),
    ("x=1%2C2&input=own", {"x": "1,2", "input": "own"}),
    ("T=999&cell=xxx", {"T": "999", "cell": "xxx"}),  # what is wrong with these, their settings say
    ("T=50&embed=true&EMBED=1&embed_options=show_toolbar&embed_options=dark_theme", {"T": "50"}),
    ("utm_source=a&utm_medium=b&UTM_x=c&fbclid=1&gclid=2&gbraid=3&msclkid=4&mc_cid=5&igshid=6&_ga=7&T=50", {"T": "50"}),
]
MENDED = [
    ("cell=rnn&amp;T=50", ["amp"]),
    ("cell=rnn&AMP;T=50", ["amp"]),
    ("cell=rnn&amp;amp;T=50", ["amp"]),
    ("amp;cell=rnn&#38;T=50", ["amp", "amp"]),
    ("cell%3Drnn%26T%3D50", ["encoded"]),
    ("cell%253Drnn%2526T%253D50", ["encoded"]),
    ("cell%3Drnn%26T%3D50=", ["encoded"]),
    ("cell=rnn%26T%3D50", ["encoded"]),
    ("cell%3Drnn&T%3D50", ["encoded", "encoded"]),
    ("cell=rnn%26amp%3BT%3D50", ["encoded"]),
    ("cell=%2572nn&T=50", ["encoded"]),
    ("?cell=rnn&T=50", ["question"]),
    ("cell=rnn?T=50", ["question"]),
    ("https://example.org/gates?cell=rnn&T=50", ["question"]),
    ("cell=rnn+&T=50", ["space"]),
    ("%20cell=%0Arnn&%C2%A0T=50", ["space", "space"]),
    ("?amp;cell=rnn&amp;T=50+", ["question", "amp"]),
    ("cell=gru&T=50&cell=rnn", ["repeated"]),
]
UNKNOWN = [
    ("cel=rnn", "cell"),
    ("CELL=rnn", "cell"),
    ("h=8", "H"),
    ("Seed=3", "seed"),
    ("foo=1", ""),
    ("=", ""),
    ("%00=1", ""),
    ("amp;foo=1", ""),
    ("foo%3D1%26bar%3D2", ""),
    ("<b>x</b>=1", ""),
]


@pytest.mark.parametrize(("query", "wanted"), FINE)
def test_a_link_without_fault_says_nothing(query, wanted):
    assert links.read(query, KNOWN) == (wanted, ())


@pytest.mark.parametrize(("query", "reasons"), MENDED)
def test_what_a_way_has_left_on_a_link_is_mended_and_said(query, reasons):
    values, strange = links.read(query, KNOWN)
    assert values.keys() == {"cell", "T"} and values["cell"] == "rnn" and values["T"].strip() == "50"
    assert [one.reason for one in strange] == reasons
    assert all(one.used for one in strange)


@pytest.mark.parametrize(("part", "meant"), UNKNOWN)
def test_what_no_setting_is_called_is_left_out_and_said(part, meant):
    values, strange = links.read(f"T=50&{part}", KNOWN)
    assert values == {"T": "50"}
    assert [(one.reason, one.used) for one in strange] == [("unknown", meant)]


def test_a_text_is_taken_as_it_stands():
    assert links.read("review=a?T=5&source=%2541%2526", KNOWN) == ({"review": "a?T=5", "source": "%41%26"}, ())


def test_all_that_the_pages_publish_is_known():
    keys = {kind.key for part in (Experiment, Training, *PARTS.values()) for kind in kinds(part).values()}
    assert keys == set(KNOWN)
    assert not [key for key in keys if links.PASSED_OVER.fullmatch(key)]


PIECES = [
    "amp;",
    "%26",
    "%3D",
    "%25",
    "?",
    "=",
    "&",
    "T",
    "cell",
    "rnn",
    "50",
    " ",
    "+",
    "%20",
    "%00",
    "é",
    ";",
    "x" * 99,
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_nothing_of_a_link_is_lost_without_a_word(query):
    values, strange = links.read(query, KNOWN)
    assert values.keys() <= set(KNOWN)
    if re.sub("[&]", "", query) and not values:
        assert strange
    assert all(len(one.given) <= links.SHOWN and len(one.used) <= links.SHOWN for one in strange)


HOSTILE = [
    "a=1&" * 200_000,
    "&".join(f"key{k}=1" for k in range(10_000)),
    "%25" * 170_000,
    "&".join(["%2525" * 800 + "=1"] * 128),
    "&".join(["T=%253F%26" * 400] * 128),
    "&".join(["amp;" * 1000 + "?" * 50 + "=x"] * 1000),
    "&".join(["%26" * 1000 + "T%3D%3F"] * 160),
]


@pytest.mark.parametrize("query", HOSTILE, ids=lambda query: query[:12])
def test_no_link_costs_without_bound(query):
    began = time.process_time()
    values, strange = links.read(query, KNOWN)
    assert time.process_time() - began < 5
    assert len(values) <= len(KNOWN) and len(strange) <= links.MOST + 1
    assert sum(len(one.given) + len(one.used) for one in strange) <= 2 * links.SHOWN * (links.MOST + 1)


def test_a_link_with_too_many_parts_says_how_many():
    _, [first, *_] = links.read("&".join(f"key{k}=1" for k in range(10_000)), KNOWN)
    assert first == Strange("many", "10,000", "1,000")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cell=rnn&amp;T=50", "copied with &amp; in place of &"),
        ("https://example.org/gates?cell=rnn&amp;T=50&t=3", "copied with &amp; in place of &"),
        ("cell%3Drnn%26T%3D50", "percent-encoded twice"),
        ("T=50?cell=rnn", "a ? too many"),
        ("T=50&T=60", "sets T more than once"),
        ("T=50&cel=rnn", "has no setting 'cel=rnn': is it cell?"),
    ],
)
def test_the_command_line_says_the_same(capsys, text, said):
    with pytest.raises(SystemExit) as ended:
        main(["trace", text])
    assert ended.value.code == 2
    line = capsys.readouterr().err
    assert said in line and line.count("\n") == 1


@pytest.mark.parametrize(
    "text", ["?T=20&H=4", "https://example.org/gates?T=20&H=4&t=3&utm_source=x", "T=20&H=4&gclid=1"]
)
def test_the_command_line_reads_an_address(capsys, text):
    assert main(["trace", text]) == 0
    assert capsys.readouterr().out.startswith("lstm, T=20, D=1, H=4, loss last")


def test_the_settings_of_an_experiment_are_known_by_their_keys():
    assert {kind.key for kind in KINDS.values()} <= set(KNOWN)
