"""The invented sites. All live under `.example`, `.test` or `example.org`, which nobody can own."""

from __future__ import annotations

from dataclasses import dataclass

from phrases import PHRASES, Phrases


@dataclass(frozen=True)
class Site:
    host: str
    name: str
    tagline: str
    layout: str  # a function of layouts.py
    path: str  # how article addresses look; {slug} is filled in
    language: str = "en"
    scheme: str = "https"
    server: str = "nginx"

    @property
    def phrases(self) -> Phrases:
        return PHRASES[self.language]

    def url(self, slug: str) -> str:
        return f"{self.scheme}://{self.host}{self.path.format(slug=slug)}"

    def root(self, path: str = "/") -> str:
        return f"{self.scheme}://{self.host}{path}"


SITES = {
    # Articles in English
    "hedgerow": Site(
        "hedgerow.example", "Hedgerow", "Notes from a small wet garden", "blog", "/2023/{slug}/"
    ),
    "pantry-notes": Site(
        "www.pantry-notes.example", "Pantry Notes", "Plain cooking", "portal", "/recipes/{slug}"
    ),
    "night-sky": Site(
        "night-sky.example", "The Night Sky", "Astronomy for bare eyes", "blog", "/{slug}.html"
    ),
    "slow-wheels": Site(
        "slow-wheels.example", "Slow Wheels", "Cycling without hurry", "magazine", "/read/{slug}"
    ),
    "everyday-history": Site(
        "everyday-history.example",
        "Everyday History",
        "Where things come from",
        "magazine",
        "/essays/{slug}",
    ),
    "leafclinic": Site(
        "leafclinic.example", "Leaf Clinic", "Help for houseplants", "portal", "/advice/{slug}"
    ),
    "bramford-courier": Site(
        "bramford-courier.example",
        "The Bramford Courier",
        "Your town, since 1874",
        "newspaper",
        "/local/{slug}.html",
    ),
    "code-cellar": Site(
        "code-cellar.example", "Code Cellar", "Programming, slowly", "blog", "/posts/{slug}/"
    ),
    "farther-afield": Site(
        "farther-afield.example", "Farther Afield", "Travel writing", "magazine", "/story/{slug}"
    ),
    # Conversations
    "workbench-forum": Site(
        "forum.workbench.example",
        "Workbench Forum",
        "Wood, glue and patience",
        "board",
        "/viewtopic.php?t={slug}",
        server="Apache/2.4.57",
    ),
    "slow-wheels-forum": Site(
        "talk.slow-wheels.example", "Slow Wheels Talk", "The riders' forum", "board", "/t/{slug}/41"
    ),
    "askbench": Site(
        "askbench.example", "AskBench", "Questions with answers", "board", "/questions/{slug}"
    ),
    # A shop and a manual
    "kettle-and-crow": Site(
        "shop.kettle-and-crow.example", "Kettle & Crow", "Things that last", "shop", "/p/{slug}"
    ),
    "pebble-docs": Site(
        "docs.pebble-lib.example",
        "pebble",
        "Tables of measurements",
        "manual",
        "/{version}/{slug}.html",
    ),
    # Books
    "oldbooks": Site(
        "oldbooks.example",
        "Old Books Online",
        "Free since 1997",
        "retro",
        "/austen/{slug}.htm",
        scheme="http",
        server="Apache/1.3.42 (Unix)",
    ),
    "reading-room": Site(
        "reading-room.example",
        "The Reading Room",
        "A chapter with your coffee",
        "blog",
        "/northanger-abbey/{slug}/",
    ),
    "harbour-library": Site(
        "www.harbour-library.example",
        "Harbour Library",
        "Open shelves",
        "portal",
        "/novels/persuasion/{slug}",
    ),
    "whale-road": Site(
        "whale-road.example", "The Whale Road", "Writing of the sea", "magazine", "/moby/{slug}"
    ),
    "stage-door": Site(
        "stage-door.test",
        "Stage Door",
        "Plays to read aloud",
        "retro",
        "/plays/{slug}.html",
        scheme="http",
        server="Apache/2.2.15 (CentOS)",
    ),
    # Other languages
    "gartenbote": Site(
        "gartenbote.example",
        "Der Gartenbote",
        "Draußen und drinnen",
        "blog",
        "/beitrag/{slug}/",
        language="de",
    ),
    "hafenblatt": Site(
        "www.hafenblatt.example",
        "Hafenblatt",
        "Nachrichten vom Wasser",
        "newspaper",
        "/stadt/{slug}.html",
        language="de",
    ),
    "petite-table": Site(
        "la-petite-table.example",
        "La petite table",
        "Cuisine et jardin",
        "magazine",
        "/articles/{slug}",
        language="fr",
    ),
    "carnet-du-ciel": Site(
        "carnet-du-ciel.example",
        "Carnet du ciel",
        "Regarder autour de soi",
        "portal",
        "/lire/{slug}",
        language="fr",
    ),
    "mesa-y-camino": Site(
        "mesa-y-camino.example",
        "Mesa y camino",
        "Comer y andar",
        "blog",
        "/{slug}/",
        language="es",
    ),
    "cuaderno-del-sur": Site(
        "cuaderno-del-sur.example",
        "Cuaderno del Sur",
        "Historias de pueblo",
        "newspaper",
        "/historias/{slug}.html",
        language="es",
    ),
    "janela-aberta": Site(
        "janela-aberta.example",
        "Janela aberta",
        "Crónicas da rua",
        "magazine",
        "/cronica/{slug}",
        language="pt",
    ),
    "piazza-piccola": Site(
        "piazza-piccola.example",
        "Piazza piccola",
        "Storie di paese",
        "portal",
        "/storie/{slug}",
        language="it",
    ),
    "za-miedza": Site(
        "za-miedza.example",
        "Za miedzą",
        "Opowieści z sąsiedztwa",
        "blog",
        "/tekst/{slug}/",
        language="pl",
    ),
    "hidamari": Site(
        "hidamari.example",
        "ひだまり通信",
        "暮らしの読みもの",
        "magazine",
        "/yomu/{slug}",
        language="ja",
    ),
    "banxian": Site(
        "banxian.example", "半闲笔记", "慢慢读的文章", "portal", "/wenzhang/{slug}", language="zh"
    ),
    "u-okna": Site(
        "u-okna.example",
        "У окна",
        "Рассказы и заметки",
        "newspaper",
        "/zametki/{slug}.html",
        language="ru",
    ),
    # Sites that copy others
    "county-wire": Site(
        "county-wire.example", "County Wire", "News from all around", "portal", "/wire/{slug}"
    ),
    "northvale-echo": Site(
        "northvale-echo.test",
        "Northvale Echo",
        "The evening paper",
        "newspaper",
        "/news/{slug}.html",
    ),
    "classics-corner": Site(
        "classics-corner.example",
        "Classics Corner",
        "Good books in modern dress",
        "magazine",
        "/read/{slug}",
    ),
    # Where single faults live
    "misc": Site("misc.example.org", "Miscellany", "Odds and ends", "plain", "/{slug}"),
}

# Whole domains of no use. The names are in blocked_domains.txt, as a block list would have them.
CASINO = Site("casino-bonus.example", "Casino Bonus", "Win big", "portal", "/{slug}")
ADULT = Site("www.velvet-nights.example", "Velvet Nights", "For adults only", "portal", "/{slug}")
