"""Reads the plain text files in `texts/`.

Articles use a few marks: `# title`, `@key value`, `## heading`, `- item`, `1. item`, four spaces
for code, and `>> user | date` for the start of a reply. Books use `% title`, `% author`, and
`# chapter`. Paragraphs are parted by blank lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

TEXTS = Path(__file__).parent / "texts"


@dataclass(frozen=True)
class Block:
    """A paragraph, heading, list or listing: `kind` is p, h2, ul, ol or pre."""

    kind: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Post:
    user: str
    date: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Article:
    title: str
    language: str
    meta: dict[str, str]
    blocks: tuple[Block, ...]
    posts: tuple[Post, ...]


@dataclass(frozen=True)
class Passage:
    """A few minutes' reading out of a book."""

    book: str
    author: str
    chapter: str
    part: int
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Product:
    name: str
    category: str
    price: str
    description: str


def load_articles(name: str) -> list[Article]:
    """The articles of one file, whose language is the first two letters of its name."""
    sections = re.split(r"^# ", _read(name), flags=re.MULTILINE)[1:]
    return [_parse_article(section, language=name[:2]) for section in sections]


def load_products() -> list[Product]:
    lines = _read("en_products.txt").splitlines()
    return [Product(*(field.strip() for field in line.split("|", 3))) for line in lines]


def load_book(name: str, passage_chars: int) -> list[Passage]:
    """Cut each chapter into passages of about `passage_chars`, at paragraph ends."""
    head, *chapters = re.split(r"^# ", _read(name), flags=re.MULTILINE)
    title, author = re.findall(r"^% (.+)$", head, flags=re.MULTILINE)
    passages = []
    for chapter in chapters:
        heading, _, text = chapter.partition("\n")
        paragraphs = [_parse_block(block) for block in _blocks(text)]
        for part, blocks in enumerate(_group(paragraphs, passage_chars), start=1):
            passages.append(Passage(title, author, heading, part, blocks))
    return passages


def snippet(blocks: tuple[Block, ...], at: float = 0.5, chars: int = 60) -> str:
    """Some words out of the longest paragraph, as they must appear in an extracted text."""
    text = max((b.lines[0] for b in blocks if b.kind == "p"), key=len)
    text = text.replace("`", "")
    start = int((len(text) - chars) * at) if len(text) > chars else 0
    words = text[start : start + chars]
    # In scripts with spaces, begin and end on whole words; never run into an _emphasised_ one.
    if " " in words:
        words = words.split(" ", 1)[1].rsplit(" ", 1)[0]
    return max(words.split("_"), key=len).strip()


def jaccard(one: tuple[Block, ...], other: tuple[Block, ...], words: int = 5) -> float:
    """How alike two texts are: the share of five-word sequences that they have in common."""
    a, b = _shingles(one, words), _shingles(other, words)
    return round(len(a & b) / len(a | b), 3)


def _shingles(blocks: tuple[Block, ...], words: int) -> set[tuple[str, ...]]:
    text = " ".join(line for block in blocks for line in block.lines)
    tokens = re.findall(r"\w+", text.lower())
    return {tuple(tokens[at : at + words]) for at in range(len(tokens) - words + 1)}


def _read(name: str) -> str:
    return (TEXTS / name).read_text(encoding="utf-8")


def _blocks(text: str) -> list[str]:
    return [block.strip("\n") for block in re.split(r"\n\s*\n", text) if block.strip()]


def _parse_article(section: str, language: str) -> Article:
    title, _, rest = section.partition("\n")
    meta = dict(re.findall(r"^@(\w+)[ ]?(.*)$", rest, flags=re.MULTILINE))
    rest = re.sub(r"^@.*\n", "", rest, flags=re.MULTILINE)
    language = meta.get("language", language)
    own: list[Block] = []
    posts: list[Post] = []
    for block in _blocks(rest):
        if block.startswith(">> "):
            head, _, block = block.partition("\n")
            user, date = head[3:].split(" | ")
            posts.append(Post(user, date, ()))
        parsed = _parse_block(block, spaced=language not in ("ja", "zh"))
        if posts:
            last = posts.pop()
            posts.append(Post(last.user, last.date, (*last.blocks, parsed)))
        elif own and own[-1].kind == parsed.kind == "pre":
            # An empty line inside a listing does not end it.
            own[-1] = Block("pre", (*own[-1].lines, "", *parsed.lines))
        else:
            own.append(parsed)
    return Article(title.strip(), language, meta, tuple(own), tuple(posts))


def _parse_block(text: str, spaced: bool = True) -> Block:
    lines = text.splitlines()
    if all(line.startswith("    ") for line in lines):
        return Block("pre", tuple(line[4:] for line in lines))
    if text.startswith("## "):
        return Block("h2", (text[3:],))
    if all(line.startswith("- ") for line in lines):
        return Block("ul", tuple(line[2:] for line in lines))
    if all(re.match(r"\d+\. ", line) for line in lines):
        return Block("ol", tuple(line.split(". ", 1)[1] for line in lines))
    joined = (" " if spaced else "").join(line.strip() for line in lines)
    return Block("p", (re.sub(r"  +", " ", joined),))


def _group(blocks: list[Block], chars: int) -> list[tuple[Block, ...]]:
    """Group whole blocks up to about `chars`; a short rest joins the group before it."""
    groups: list[list[Block]] = [[]]
    size = 0
    for block in blocks:
        if size >= chars:
            groups.append([])
            size = 0
        groups[-1].append(block)
        size += sum(map(len, block.lines))
    if size < chars // 3 and len(groups) > 1:
        rest = groups.pop()
        groups[-1].extend(rest)
    return [tuple(group) for group in groups]
