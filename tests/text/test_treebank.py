"""Our words of a sentence against NLTK's own tokenizer, and against its expressions run whole."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from winnow.text.treebank import EDGE, OTHER, SPACE, mark, split_chunk, split_marked, split_whole

# what the expressions speak of: quotes, clitics, contractions, dots, brackets, numbers
PIECES = [
    *"abXſı05.,;:!?'\"’‘“”«»„`()[]{}<>-_*#$%&@…中é\U0010ffff",
    *("..", "--", "''", "``", "cannot", "gimme", "wanna", "GONNA", "'tis", "'Twas", "d'ye"),
    *("more'n", "it's", "don't", "DON'T", "we'll", "I've", "dogs'", "o'clock", "'s", "'x"),
    *("5,000", "3:30", "U.S.", "end.", "\U0010ffffx", "\U0010ffff0"),
]
SPACES = [" ", " ", " ", "\n", "\t", "\u00a0", "  ", " \n"]
CHUNKS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join)
SENTENCES = st.one_of(
    st.lists(st.sampled_from([*PIECES, *SPACES, *SPACES]), max_size=12).map("".join),
    st.lists(st.sampled_from(["'", '"', ".", ")", " ", "\n", "a", "’"]), max_size=9).map("".join),
    st.text(max_size=30),
)


def ours(sentence: str) -> list[str]:
    return [word for chunk in mark(sentence).split() for word in split_marked(chunk)]


@given(SENTENCES)
@example('He said "yes." )')  # closing marks that stand apart from the last period
@example('"" x')
@example("dogs'\nx dogs' x")
@example("a,, b,,")
@example(". .\x85)")
@settings(max_examples=1000, deadline=None)
def test_a_sentence_has_the_tokens_of_nltk(sentence: str) -> None:
    nltk = pytest.importorskip("nltk")
    if not nltk.__version__.startswith("3.8"):
        pytest.skip("the words are those of NLTK 3.8")
    from nltk.tokenize.destructive import NLTKWordTokenizer

    assert ours(sentence) == NLTKWordTokenizer().tokenize(sentence)


@given(CHUNKS, st.sampled_from([SPACE, OTHER, EDGE]), st.sampled_from([SPACE, OTHER, EDGE]))
@settings(max_examples=1000, deadline=None)
def test_short_cuts_for_a_chunk_give_what_the_expressions_give(
    chunk: str, left: int, right: int
) -> None:
    before = {SPACE: "before ", OTHER: "before\n", EDGE: ""}[left]
    after = {SPACE: " after", OTHER: "\nafter", EDGE: ""}[right]
    whole = list(split_whole(before + chunk + after))
    assert whole[: left != EDGE] == ["before"][: left != EDGE]
    assert (
        list(split_chunk(chunk, left, right)) == whole[left != EDGE : len(whole) - (right != EDGE)]
    )


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("They won't (ever) pay $3.88.", "They wo n't ( ever ) pay $ 3.88 ."),
        ("“It’s,” he said, 'tis U.S. law.", "“ It ’ s , ” he said , 't is U.S. law ."),
        ('"We cannot," e.g.', "`` We can not , '' e.g ."),
        ("", ""),
        (" \n ", ""),
    ],
)
def test_examples(sentence: str, words: str) -> None:
    assert ours(sentence) == words.split()


def test_equal_chunks_get_a_mark_only_where_it_may_matter() -> None:
    assert mark("The end is near") == "The end is near"
    assert mark("The end, is near!") == "The end, is near!"
    assert mark("The end.") != "The end."
    assert mark("end. end.").split()[0] == "end."


def test_hostile_sentences_take_linear_time_and_lose_nothing() -> None:
    size = 100_000
    for sentence in (
        "a." + " " * size + "x",
        "a" * size,
        "'" * size,
        '"' * size,
        "a'" * size,
        ".) " * size,
        "`" * size,
        "a,:" * size,
        "cannot" * size,
    ):
        bare = "".join(ours(sentence)).replace("``", "").replace("''", "")
        assert bare.replace("`", "").replace("'", "") == "".join(
            sentence.replace("`", "").replace("'", "").replace('"', "").split()
        )
