"""Reviews: every score worked out again from the words alone, by a reader of its own."""

import numpy as np
import pytest

from explorer.corpora.reviews import GRAMMARS

PARTS = ({}, {"held_out": True}, {"validation": True})
every_language = pytest.mark.parametrize("grammar", GRAMMARS.values(), ids=GRAMMARS)

STEMS = {
    **{"추천": 0.82, "좋": 0.7, "훌륭": 0.85, "재미있": 0.7, "감동적": 0.75, "만족": 0.65, "괜찮": 0.3},
    **{"나": -0.7, "지루": -0.6, "실망": -0.75, "아쉬": -0.4, "아쉽": -0.4, "형편없": -0.85},
    **{"최고": 0.95, "싫": -0.7, "재미없": -0.65, "별로": -0.5},
    **{"recommend": 0.8, "good": 0.7, "impressive": 0.85, "fun": 0.7, "moving": 0.75, "satisfying": 0.65, "fine": 0.3},
    **{"bad": -0.7, "boring": -0.6, "disappointing": -0.75, "slow": -0.4, "awful": -0.85},
    **{"like": 0.6, "love": 0.9, "great": 0.85, "terrible": -0.9, "hate": -0.9},
}
SAID = {"굉장히": 1.35, "정말": 1.2, "아주": 1.25, "꽤": 1.1, "조금": 0.5, "적극": 1.35, "그럭저럭": 0.7}
SAID |= {"really": 1.2, "extremely": 1.35, "very": 1.25, "quite": 1.1, "little": 0.5, "highly": 1.35}
NOT_SAID = {"전혀": 1.3, "별로": 0.8, "그다지": 0.7, "all": 1.3, "very": 0.8, "really": 0.7}


def all_parts(grammar, seed, B):
    return [review for part in PARTS for review in grammar.draw(seed, B, **part)]


def clause_value(words, denied):
    value = next(STEMS[stem] for word in words for stem in STEMS if word.startswith(stem) and word not in NOT_SAID)
    factors = [(NOT_SAID if denied else SAID)[word] for word in words if word in (NOT_SAID if denied else SAID)]
    if denied:
        value *= -0.8 if value > 0 else -0.6
    return max(-1, min(1, value * (factors[0] if factors else 1)))


def clauses_of(words, language):
    """[(words, denied)] of each clause, and whether it is a sentence with "but"."""
    words = [word for word in words if word not in ("솔직히", "honestly")]
    if language == "en":
        text = " ".join(words)
        parts = text.replace(" but ", "|").replace(" . ", "|").replace(" and ", "|").split("|")
        return [(part.split(), " not " in part) for part in parts], " but " in text
    parts, now = [], []
    for word in words:
        if word in ("이", "그리고") or (word.endswith(("는", "은")) and word != "않는다"):
            continue
        now.append(word)
        if word.endswith(("요", "다", "만")):
            parts.append((now, word.startswith("않") or "안" in now))
            now = []
    assert not now
    return parts, any(word.endswith("지만") for word in words)


def score_again(review, language):
    parts, but = clauses_of(review.words, language)
    values = [clause_value(words, denied) for words, denied in parts]
    value = 0.3 * values[0] + 0.7 * values[1] if but else sum(values) / len(values)
    return 50 + 50 * value


@every_language
def test_scores_follow_from_the_words(grammar):
    for review in all_parts(grammar, 1, 1500):
        assert 0 <= review.score <= 100
        assert abs(review.score - score_again(review, grammar.language)) <= 0.5 + 1e-9, " ".join(review.words)


def score_of(grammar, text):
    """Of the sentence itself, wherever the grammar makes it."""
    for pattern in grammar.patterns:
        if len(pattern.slots) > 2:
            continue
        for clauses in pattern.all_clauses():
            for topic in grammar.topics:
                review = pattern.review(topic, clauses)
                if " ".join(review.words) == text:
                    return review.score
                if "{t}" not in pattern.words and "{t}" not in clauses[0].text:
                    break
    raise AssertionError(f"the grammar does not say {text}")


def test_sentences_that_everybody_knows():
    ko, en = GRAMMARS["ko"], GRAMMARS["en"]
    assert score_of(ko, "추천해요 굉장히 좋다") >= 94
    assert score_of(ko, "추천해요") == 91 and score_of(ko, "추천하지 않아요") == 17
    assert score_of(ko, "이 영화는 전혀 추천하지 않아요") < 10
    assert score_of(ko, "안 좋아요") == score_of(ko, "좋지 않아요") == 22 and score_of(ko, "별로예요") == 25
    assert score_of(en, "i do not like it") < 30 < 70 < score_of(en, "i like it")
    assert 50 < score_of(ko, "나쁘지 않아요") < score_of(ko, "좋아요") < score_of(ko, "굉장히 좋아요")
    assert score_of(ko, "조금 지루해요") > score_of(ko, "지루해요") > score_of(ko, "굉장히 지루해요")
    assert score_of(ko, "이 영화는 지루하지만 추천해요") > 60 > 45 > score_of(ko, "이 영화는 추천하지만 지루해요")
    assert score_of(en, "i recommend it") == 90 and score_of(en, "i do not recommend it") == 18
    assert score_of(en, "this movie is not very good") < 40 and score_of(en, "it is not bad at all") > 70


@every_language
def test_there_are_thousands_of_them_and_some_patterns_are_held_out(grammar):
    known = [pattern for pattern in grammar.patterns if not (pattern.held_out or pattern.validation)]
    sentences = {pattern.review(grammar.topics[0], c).words for pattern in known for c in pattern.all_clauses()}
    assert len(sentences) > 2000
    held = {review.words for review in grammar.draw(3, 2000, held_out=True)}
    learnt = {review.words for review in grammar.draw(3, 5000)}
    assert len(held) > 1000 and len(learnt) > 2000
    assert not held & (learnt | sentences)
    chosen_by = {review.words for review in grammar.draw(3, 2000, validation=True)}
    assert len(chosen_by) > 1000 and not chosen_by & (learnt | sentences | held)


@every_language
def test_scores_are_spread_over_the_scale(grammar):
    for part in PARTS:
        scores = np.array([review.score for review in grammar.draw(0, 2000, **part)])
        assert (scores < 35).mean() > 0.2 and (scores > 65).mean() > 0.2 and scores.min() < 5 and scores.max() > 95


@every_language
def test_every_word_of_the_held_out_part_is_known(grammar):
    reviews = all_parts(grammar, 4, 500)
    symbols, scores = grammar.encode(reviews)
    for b, review in enumerate(reviews):
        assert tuple(grammar.words[s] for s in symbols[:, b] if s) == review.words
        assert symbols[-1, b] and scores[b] == review.score / 100
    assert grammar.words[0] == "" and len(set(grammar.words)) == len(grammar.words) < 90
    assert grammar.draw([1, 2], 5) == grammar.draw([1, 2], 5) != grammar.draw([1, 3], 5)


def test_a_word_of_another_language_is_answered():
    with pytest.raises(ValueError, match=r"unknown ko word '\w+': expected one of"):
        GRAMMARS["ko"].encode(GRAMMARS["en"].draw(1, 3))
