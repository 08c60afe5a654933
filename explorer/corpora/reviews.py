"""Short reviews in Korean and English with a score from 0 to 100, made by a small grammar.

An opinion has a value from −1 to 1, an adverb strengthens or weakens it, a denial turns it round: 추천해요 is good,
추천하지 않아요 and 안 추천해요 are bad, 나쁘지 않아요 is rather good. After "but" the second half weighs more. The
scores are those of these rules, not of readers.

The held-out part has sentence patterns that are never trained on, of words that are. So has the validation part,
which is there to choose settings by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product
from types import MappingProxyType

import numpy as np

from explorer.check import known, whole

DENIED_GOOD, DENIED_BAD = -0.8, -0.6  # "not good" is nearly bad; "not bad" is half good
FIRST_HALF, SECOND_HALF = 0.3, 0.7  # of "…, but …"


EXAMPLES = {"ko": "추천해요 굉장히 좋다", "en": "i recommend it . it is really good"}


def language_of(text: str) -> str:
    """Korean if there is any Hangul in it, else English."""
    return "ko" if any("가" <= letter <= "힣" for letter in text) else "en"


@dataclass(frozen=True)
class Clause:
    """One opinion in words: `text` with the subject put in, `opinion` what it is about, `value` from −1 to 1."""

    text: str
    opinion: str
    value: float


@dataclass(frozen=True)
class Review:
    words: tuple[str, ...]
    score: int


@dataclass(frozen=True)
class Opinion:
    """What can be said of something.

    says, stem   the affirmative, and what a denial is made of (in English the same)
    value        from −1 to 1
    degrees      adverb -> factor, "" for none
    deniable     whether people say that it is not so
    shortly      in Korean, whether they also say so with 안
    """

    says: str
    stem: str
    value: float
    degrees: MappingProxyType
    deniable: bool = True
    shortly: bool = False


def _degrees(**factors) -> MappingProxyType:
    return MappingProxyType({"": 1.0} | {adverb.replace("_", " "): factor for adverb, factor in factors.items()})


VERY = _degrees(굉장히=1.35, 정말=1.2, 아주=1.25, 꽤=1.1)
OR_A_LITTLE = _degrees(굉장히=1.35, 정말=1.2, 아주=1.25, 꽤=1.1, 조금=0.5)
WARMLY = _degrees(적극=1.35, 정말=1.2)
MODESTLY = _degrees(꽤=1.1, 그럭저럭=0.7)
NOT_AT_ALL = _degrees(전혀=1.3, 별로=0.8, 그다지=0.7)
KOREAN = (
    Opinion("추천해요", "추천하", 0.82, WARMLY, shortly=True),
    Opinion("좋아요", "좋", 0.7, VERY, shortly=True),
    Opinion("최고예요", "최고", 0.95, _degrees(정말=1.2), deniable=False),
    Opinion("훌륭해요", "훌륭하", 0.85, VERY),
    Opinion("재미있어요", "재미있", 0.7, VERY),
    Opinion("감동적이에요", "감동적이", 0.75, VERY),
    Opinion("만족스러워요", "만족스럽", 0.65, VERY),
    Opinion("괜찮아요", "괜찮", 0.3, MODESTLY, deniable=False),
    Opinion("나빠요", "나쁘", -0.7, VERY, shortly=True),
    Opinion("싫어요", "싫", -0.7, VERY),
    Opinion("지루해요", "지루하", -0.6, OR_A_LITTLE, shortly=True),
    Opinion("재미없어요", "재미없", -0.65, OR_A_LITTLE, deniable=False),
    Opinion("별로예요", "별로", -0.5, _degrees(정말=1.2), deniable=False),
    Opinion("실망스러워요", "실망스럽", -0.75, OR_A_LITTLE),
    Opinion("아쉬워요", "아쉽", -0.4, OR_A_LITTLE),
    Opinion("형편없어요", "형편없", -0.85, _degrees(정말=1.2, 아주=1.25), deniable=False),
)
KOREAN_TOPICS = tuple(f"이 {noun}" for noun in ("영화는", "책은", "공연은", "소설은", "만화는", "게임은", "강의는"))

REALLY = _degrees(really=1.2, extremely=1.35, very=1.25, quite=1.1)
REALLY_ONLY = _degrees(really=1.2)
HIGHLY = _degrees(highly=1.35, really=1.2)
LITTLE = _degrees(really=1.2, extremely=1.35, very=1.25, quite=1.1, a_little=0.5)
NOT_SO = _degrees(at_all=1.3, very=0.8, really=0.7)
ENGLISH = (
    Opinion("recommend", "recommend", 0.8, HIGHLY),
    Opinion("like", "like", 0.6, REALLY_ONLY),
    Opinion("love", "love", 0.9, REALLY_ONLY),
    Opinion("good", "good", 0.7, REALLY),
    Opinion("great", "great", 0.85, REALLY_ONLY),
    Opinion("impressive", "impressive", 0.85, REALLY),
    Opinion("fun", "fun", 0.7, REALLY),
    Opinion("moving", "moving", 0.75, REALLY),
    Opinion("satisfying", "satisfying", 0.65, REALLY),
    Opinion("fine", "fine", 0.3, _degrees(), deniable=False),
    Opinion("bad", "bad", -0.7, REALLY),
    Opinion("boring", "boring", -0.6, LITTLE),
    Opinion("disappointing", "disappointing", -0.75, LITTLE),
    Opinion("slow", "slow", -0.4, LITTLE),
    Opinion("awful", "awful", -0.85, REALLY_ONLY, deniable=False),
    Opinion("terrible", "terrible", -0.9, REALLY_ONLY),
    Opinion("hate", "hate", -0.9, REALLY_ONLY, deniable=False),
)
VERBS = ("recommend", "like", "love", "hate")  # what "i" do; all others are what "it is"
ENGLISH_TOPICS = tuple(f"this {noun}" for noun in ("movie", "book", "show", "novel", "comic", "game", "course"))


def korean_clauses(ending: str = "polite") -> Iterator[Clause]:
    """All opinions; ending "polite" 좋아요, "plain" 좋다, "but" 좋지만. They name no subject."""
    for opinion in KOREAN:
        for adverb, value, denied in _said(opinion, NOT_AT_ALL):
            verb = opinion.stem == "추천하"
            if ending == "but":
                word = f"{opinion.stem}지 않지만" if denied else f"{opinion.stem}지만"
            elif ending == "plain":
                word = f"{opinion.stem}지 않{'는다' if verb else '다'}" if denied else _plain(opinion.stem, verb)
            else:
                word = f"{opinion.stem}지 않아요" if denied else opinion.says
            yield Clause(f"{adverb} {word}".strip(), opinion.stem, value)
            if denied and not adverb and opinion.shortly and ending == "polite":
                yield Clause(f"안 {opinion.says}", opinion.stem, value)


def _plain(stem: str, verb: bool) -> str:
    return "추천한다" if verb else f"{stem}다"


def english_clauses(subject: str) -> Iterator[Clause]:
    """All opinions on a subject: it is not very good, i highly recommend this book."""
    for opinion in ENGLISH:
        for adverb, value, denied in _said(opinion, NOT_SO):
            after = "at all" if adverb == "at all" else ""
            before = "" if after else adverb
            if opinion.says in VERBS:
                if denied and before == "very":  # nobody does not very recommend
                    continue
                verb = f"do not {before}" if denied else before
                text = f"i {verb} {opinion.says} {subject} {after}"
            else:
                text = f"{subject} is {'not' if denied else ''} {before} {opinion.says} {after}"
            yield Clause(" ".join(text.split()), opinion.says, value)


def _said(opinion: Opinion, denials) -> Iterator[tuple[str, float, bool]]:
    """(adverb, value, whether it is denied) of everything that can be said with an opinion."""
    for adverb, factor in opinion.degrees.items():
        yield adverb, float(np.clip(opinion.value * factor, -1, 1)), False
    if opinion.deniable:
        turned = opinion.value * (DENIED_GOOD if opinion.value > 0 else DENIED_BAD)
        for adverb, factor in denials.items():
            yield adverb, float(np.clip(turned * factor, -1, 1)), True


def _agree(first: Clause, second: Clause) -> bool:
    return first.value * second.value > 0 and first.opinion != second.opinion


def _oppose(first: Clause, second: Clause) -> bool:
    return first.value * second.value < 0 and first.opinion != second.opinion


def _mean(*clauses: Clause) -> float:
    return sum(clause.value for clause in clauses) / len(clauses)


def _but(first: Clause, second: Clause) -> float:
    return FIRST_HALF * first.value + SECOND_HALF * second.value


@dataclass(frozen=True)
class Pattern:
    """One way to put clauses into a sentence.

    name      its name
    slots     for each clause, the clauses to choose from
    fits      whether two neighbouring clauses go together, one rule for each pair of neighbours
    words     the text with {t} for the topic and {0}, {1}, {2} for the clauses
    value     clauses -> from −1 to 1
    held_out, validation   never trained on
    """

    name: str
    slots: tuple[tuple[Clause, ...], ...]
    fits: tuple[Callable, ...]
    words: str
    value: Callable
    held_out: bool = False
    validation: bool = False

    def review(self, topic: str, clauses: tuple[Clause, ...]) -> Review:
        text = self.words.format(*(clause.text for clause in clauses), t=topic)
        return Review(tuple(text.format(t=topic).split()), round(50 + 50 * self.value(*clauses)))

    def goes(self, clauses: tuple[Clause, ...]) -> bool:
        return all(rule(*pair) for rule, pair in zip(self.fits, pairwise(clauses)))

    def all_clauses(self) -> Iterator[tuple[Clause, ...]]:
        return (clauses for clauses in product(*self.slots) if self.goes(clauses))


@dataclass(frozen=True)
class Grammar:
    """All reviews of one language."""

    language: str
    topics: tuple[str, ...]
    patterns: tuple[Pattern, ...]

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Every word of the patterns that are trained on; symbol 0 is none, the filling."""
        texts = set(self.topics)
        for pattern in self.patterns:
            if not (pattern.held_out or pattern.validation):
                texts |= {pattern.words, *(clause.text for slot in pattern.slots for clause in slot)}
        return ("", *sorted({word for text in texts for word in text.split() if "{" not in word}))

    @cached_property
    def T(self) -> int:
        """No review has more words."""

        def longest(texts) -> int:
            return max(len(text.replace("{t}", self.topics[0]).split()) for text in texts)

        return max(
            longest([pattern.words.format(*[""] * len(pattern.slots), t=self.topics[0])])
            + sum(longest(clause.text for clause in slot) for slot in pattern.slots)
            for pattern in self.patterns
        )

    def draw(self, seed, B: int, held_out: bool = False, validation: bool = False) -> list[Review]:
        """B reviews, each pattern as often as the others, of the part that is trained on or of another one."""
        rng, found = np.random.default_rng(seed), []
        part = held_out, validation
        patterns = [pattern for pattern in self.patterns if (pattern.held_out, pattern.validation) == part]
        for _ in range(whole(B, 1, 10_000, "B")):
            pattern = patterns[rng.integers(len(patterns))]
            while True:
                clauses = tuple(slot[rng.integers(len(slot))] for slot in pattern.slots)
                if pattern.goes(clauses):
                    break
            found.append(pattern.review(self.topics[rng.integers(len(self.topics))], clauses))
        return found

    def encode(self, reviews) -> tuple[np.ndarray, np.ndarray]:
        """Words as symbols (T, B), filled up before the beginning; scores (B,) from 0 to 1."""
        places = {word: k for k, word in enumerate(self.words)}
        T = max(len(review.words) for review in reviews)
        symbols = np.zeros((T, len(reviews)), int)
        for b, review in enumerate(reviews):
            for word in review.words:
                known(word, places, f"{self.language} word")
            symbols[T - len(review.words) :, b] = [places[word] for word in review.words]
        return symbols, np.array([review.score for review in reviews]) / 100


def _korean() -> Grammar:
    polite, plain, but = (tuple(korean_clauses(ending)) for ending in ("polite", "plain", "but"))
    return Grammar(
        "ko",
        KOREAN_TOPICS,
        (
            Pattern("topic", (polite,), (), "{t} {0}", _mean),
            Pattern("alone", (polite,), (), "{0}", _mean),
            Pattern("but", (but, polite), (_oppose,), "{t} {0} {1}", _but),
            Pattern("two", (polite, plain), (_agree,), "{0} {1}", _mean),
            Pattern("and", (polite, polite), (_agree,), "{t} {0} 그리고 {1}", _mean),
            Pattern("topic, two", (polite, plain), (_agree,), "{t} {0} {1}", _mean),
            Pattern("but, alone", (but, polite), (_oppose,), "{0} {1}", _but),
            Pattern("and, alone", (polite, polite), (_agree,), "{0} 그리고 {1}", _mean),
            Pattern("two topics", (polite, plain), (_agree,), "{t} {0} {t} {1}", _mean),
            Pattern("honestly", (polite,), (), "솔직히 {t} {0}", _mean),
            Pattern("honestly at the end", (polite,), (), "{0} 솔직히", _mean),
            Pattern("but, honestly", (but, polite), (_oppose,), "{0} 솔직히 {1}", _but),
            Pattern("but, honestly at the end", (but, polite), (_oppose,), "{0} {1} 솔직히", _but),
            Pattern("two, honestly at the end", (polite, plain), (_agree,), "{0} {1} 솔직히", _mean),
            Pattern("and, then topic", (polite, polite), (_agree,), "{0} 그리고 {t} {1}", _mean, validation=True),
            Pattern("but, late topic", (but, polite), (_oppose,), "{0} {1} {t}", _but, validation=True),
            Pattern("and, and", (polite,) * 3, (_agree, _agree), "{0} 그리고 {1} 그리고 {2}", _mean, validation=True),
            Pattern("late topic", (polite,), (), "{0} {t}", _mean, held_out=True),
            Pattern("but, then topic", (but, polite), (_oppose,), "{0} {t} {1}", _but, held_out=True),
            Pattern("three", (polite, polite, plain), (_agree, _agree), "{t} {0} 그리고 {1} {2}", _mean, held_out=True),
        ),
    )


def _english() -> Grammar:
    topic, it = tuple(english_clauses("{t}")), tuple(english_clauses("it"))
    return Grammar(
        "en",
        ENGLISH_TOPICS,
        (
            Pattern("topic", (topic,), (), "{0}", _mean),
            Pattern("alone", (it,), (), "{0}", _mean),
            Pattern("but", (topic, it), (_oppose,), "{0} but {1}", _but),
            Pattern("two", (topic, it), (_agree,), "{0} . {1}", _mean),
            Pattern("and", (it, it), (_agree,), "{0} and {1}", _mean),
            Pattern("topic, and", (topic, it), (_agree,), "{0} and {1}", _mean),
            Pattern("but, alone", (it, it), (_oppose,), "{0} but {1}", _but),
            Pattern("two, alone", (it, it), (_agree,), "{0} . {1}", _mean),
            Pattern("two topics", (topic, topic), (_agree,), "{0} . {1}", _mean),
            Pattern("honestly", (topic,), (), "honestly {0}", _mean),
            Pattern("honestly at the end", (it,), (), "{0} honestly", _mean),
            Pattern("but, honestly", (it, it), (_oppose,), "{0} but honestly {1}", _but),
            Pattern("but, honestly at the end", (topic, it), (_oppose,), "{0} but {1} honestly", _but),
            Pattern("two, honestly at the end", (it, it), (_agree,), "{0} . {1} honestly", _mean),
            Pattern("and, then topic", (it, topic), (_agree,), "{0} and {1}", _mean, validation=True),
            Pattern("but, topic twice", (topic, topic), (_oppose,), "{0} but {1}", _but, validation=True),
            Pattern("and, and", (topic, it, it), (_agree, _agree), "{0} and {1} and {2}", _mean, validation=True),
            Pattern("late topic", (it, topic), (_agree,), "{0} . {1}", _mean, held_out=True),
            Pattern("but, then topic", (it, topic), (_oppose,), "{0} but {1}", _but, held_out=True),
            Pattern("three", (topic, it, it), (_agree, _agree), "{0} . {1} and {2}", _mean, held_out=True),
        ),
    )


GRAMMARS: MappingProxyType[str, Grammar] = MappingProxyType(
    {grammar.language: grammar for grammar in (_korean(), _english())}
)
