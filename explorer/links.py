"""What a link says: the settings that it names, and what in it is not as it should be.

A link is copied out of HTML, through mailers and messengers, and by hand. Where that has left its mark and the meaning
is beyond doubt, the link is read as it was meant, and this is said; anything else is left out, and said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from urllib.parse import parse_qsl, unquote

MOST, LONGEST = 1000, 2**19  # parts and characters that are read; as many as Streamlit takes
MENDED, LONGEST_MENDED, DEEP = 100, 4096, 3  # parts that are looked at closely, their characters, marks on one another
SHOWN = 40  # characters of what somebody wrote
EMBED = ("embed", "embed_options")  # Streamlit's: they stay in the address
PASSED_OVER = re.compile(
    "|".join(
        (
            *(*EMBED, "staticAppId"),
            *("(utm|mtm|pk|hsa|gad|mc|n)_.+", "_hs.+", "_g[al]", "gclsrc", "mkt_tok", "epik", "igsh", "NaPm"),
            *("(fb|g|dc|y|msclk|tt|tw|li_fat_|igsh|srslt|vero_|oly_enc_|s_c|sc_)(cl|c)?id", "[gw]braid"),
        )
    ),
    re.IGNORECASE,
)
ESCAPED = re.compile("(amp;|#38;|#x26;)+", re.IGNORECASE)
SPACE = " \t\r\n\v\f\u00a0\u200b\u200c\u2060\ufeff"
SAID = {
    "amp": "this one was copied with &amp; in place of &: {given!r} means {used}",
    "encoded": "this one is percent-encoded twice: {given!r} means {used}",
    "question": "this one has a ? too many: {given!r} means {used}",
    "space": "this one has spaces that do not belong there: {given!r} means {used}",
    "repeated": "this one sets {given} more than once",
    "unknown": "has no setting {given!r}",
    "many": "this one has {given} parts, of which {used} are read",
    "long": "this one has {given} parts, more than can be read",
}


@dataclass(frozen=True)
class Strange:
    """A part of a link that is not as it should be.

    reason   "amp": escaped as in HTML; "encoded": percent-encoded twice; "question": behind another question mark;
             "space": with white space around it; "repeated": given before with another value, the last counts;
             "unknown": no setting is called so; "many": the link has more parts than are read; "long": so many that
             a browser's server reads none
    given    the part; of one that is repeated its key; of many how many
    used     what it is read as; of an unknown one the key that may be meant; of many how many are read; "" for nothing
    """

    reason: str
    given: str
    used: str = ""

    def __str__(self) -> str:
        meant = f": is it {self.used}?" if self.reason == "unknown" and self.used else ""
        return SAID[self.reason].format(given=self.given, used=self.used) + meant


def read(query: str, known: Mapping[str, object]) -> tuple[dict[str, str], tuple[Strange, ...]]:
    """The settings of a query string, {key: value}, and what in it is strange.

    known   the kinds of settings that there are, by their keys (see `explorer.settings`); what one of them refuses is
            no matter of the link, and is among the settings
    """
    parts = query[:LONGEST].split("&", MOST)
    values: dict[str, str] = {}
    strange: list[Strange] = []
    if len(query) > LONGEST or len(parts) > MOST:
        strange.append(Strange("many", f"{query.count('&') + 1:,}", f"{len(parts[:MOST]):,}"))
    mended = 0
    for part in filter(None, parts[:MOST]):
        key, _, _ = pair = _pair(part)
        found, reason = _settings(*pair, known, DEEP if len(part) <= LONGEST_MENDED and mended < MENDED else 0)
        mended += bool(reason)
        if reason:
            used = "&".join(f"{key}={value}" for key, value in found) or _meant(key, known)
            strange.append(Strange(reason, _short(part if reason == "encoded" else unquote(part)), _short(used)))
        for key, value in found:
            if values.get(key, value) != value:
                strange.append(Strange("repeated", key, _short(value)))
            values[key] = value
    return values, tuple(strange)


def _pair(part: str) -> tuple[str, str, str]:
    """Key, value, and what stands between them, of one part."""
    ((key, value),) = parse_qsl(part, keep_blank_values=True)
    ends = "=" in part and not (set("=%") & set(key))  # some write a part as key= that was nothing but a key
    return key, value, "=" if value or ends else ""


def _settings(key: str, value: str, equals: str, known: Mapping, deep: int) -> tuple[list[tuple[str, str]], str]:
    """What a part sets, and why it is strange, "" if it is not."""
    if PASSED_OVER.fullmatch(key):
        return [], ""
    if key in known and _reads(known[key], value):
        return [(key, value)], ""
    second = None
    for reason, pairs in _mends(key, value, equals) if deep else ():
        inside = [_settings(*pair, known, deep - 1) for pair in pairs]
        if not inside or any(why == "unknown" for _, why in inside):
            continue
        found = [one for settings, _ in inside for one in settings]
        if all(_reads(known[key], value) for key, value in found):
            return found, reason
        second = second or (found, reason)
    if key in known:
        return [(key, value)], ""
    return second or ([], "unknown")


def _mends(key: str, value: str, equals: str) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Marks that a way may have left on a part, and what it was without them."""
    if escaped := ESCAPED.match(key):
        yield "amp", [(key[escaped.end() :], value, equals)]
    if "?" in key:
        yield "question", [(key.rpartition("?")[2], value, equals)]
    if "?" in value:
        head, _, tail = value.partition("?")
        yield "question", [(key, head, equals), *_pairs(tail)]
    if (key, value) != (key.strip(SPACE), value.strip(SPACE)):
        yield "space", [(key.strip(SPACE), value.strip(SPACE), equals)]
    text = key + equals + value
    while text:
        if "=" in text and (text != key + equals + value or "=" in key or "&" in text or "%" in text):
            yield "encoded", _pairs(text)
        text = unquote(text) if unquote(text) != text else ""


def _pairs(query: str) -> list[tuple[str, str, str]]:
    return [_pair(part) for part in query.split("&", MENDED)[:MENDED] if part]


def _reads(kind, value: str) -> bool:
    try:
        kind.read(value)
    except ValueError:
        return False
    return True


def _meant(key: str, known: Mapping) -> str:
    """The key that somebody may have meant, "" if none comes near."""
    same = [one for one in known if one.casefold() == key.strip(SPACE).casefold()]
    near = same or (get_close_matches(key[:SHOWN], known, 1, 0.7) if len(key) > 2 else [])
    return near[0] if len(near) == 1 else ""


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
