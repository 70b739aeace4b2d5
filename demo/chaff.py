"""What has to be winnowed out: pages with no text, and pages with the wrong kind."""

from __future__ import annotations

from capture import DROP, EITHER, Capture, Group
from dice import Dice
from furniture import Content
from markup import links, table
from prose import finish
from sites import ADULT, CASINO, SITES, Site

ENGLISH = tuple(key for key, site in SITES.items() if site.language == "en" and key != "misc")
TAGS = ("autumn", "soup", "roses", "rain", "bridges", "tools", "trains", "birds", "winter", "moon",
        "bread", "gears", "ferns", "maps")  # fmt: skip
TOWNS = ("Abbotsley", "Barrowden", "Cranmere", "Dunsford", "Elmswick", "Farleigh", "Gransden",
         "Harwell Cross", "Inglewood", "Kelmscot")  # fmt: skip
STUFFING = ("cheap flights", "best price mattress", "buy shoes online", "fast car loans",
            "weight loss tea", "garden furniture sale", "discount phone", "free ringtones",
            "luxury watches", "roof repair", "tax advice", "holiday deals")  # fmt: skip
SALAD = (
    "lantern", "velocity", "bracket", "harvest", "mirror", "socket", "violet", "engine",
    "marble", "ticket", "pepper", "canyon", "button", "drizzle", "copper", "anthem",
    "gravel", "saddle", "window", "orbit", "pillow", "cactus", "hammer", "ribbon",
    "tunnel", "walnut", "magnet", "bishop", "carpet", "falcon", "ladder", "yogurt",
    "thunder", "mosaic",
)  # fmt: skip
LOREM = (
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor "
    "incididunt ut labore et dolore magna aliqua. Ut enim ad minim veniam, quis nostrud "
    "exercitation ullamco laboris nisi ut aliquip ex ea commodo consequat."
)
BETS = ("Spin the wheel and claim your welcome bonus before midnight.",
        "Our players have won more than ever on the new jackpot slots.",
        "Deposit ten and play with fifty, no questions asked.",
        "Live dealers are waiting for you at every table, day and night.",
        "Free spins are added to your account as soon as you sign up.",
        "Place your bets on tonight's match with the best odds anywhere.",
        "Blackjack, roulette and poker are only one click away.",
        "Terms apply, and you must be old enough to gamble where you live.")  # fmt: skip
GROWN_UPS = (
    "This page is meant for grown-ups only.",
    "Please confirm that you are of legal age before you go on.",
    "New pictures are added to the members' gallery every evening.",
    "Members chat with our hosts in private rooms.",
    "Your bill will show a discreet name.",
)


def thin_pages() -> list[Capture]:
    """Logins, lists and errors that come with status 200."""
    pages: list[Capture] = []
    for key in ENGLISH:
        site = SITES[key]
        pages.append(_home(site))
        pages.append(
            _page(
                site,
                "login",
                "/login",
                "Log in",
                '<form><input name="user"><input name="password" type="password">'
                '<button>Log in</button></form><p><a href="/lost">Lost password?</a>',
            )
        )
        pages.append(
            _page(
                site,
                "soft_404",
                f"/old/{Dice(key).below(9999)}",
                "Page not found",
                "<p>Sorry, the page you were looking for could not be found. "
                "It may have been moved.</p>",
            )
        )
    for number, tag in enumerate(TAGS):
        pages.append(_tag_index(SITES[ENGLISH[number % len(ENGLISH)]], tag))
    for word in TAGS[:6]:
        site = SITES["kettle-and-crow"]
        pages.append(
            _page(
                site,
                "search_results",
                f"/search?q={word}",
                f"Results for {word}",
                f"<p>0 results for <b>{word}</b></p>",
            )
        )
    for key in ("bramford-courier", "hafenblatt", "u-okna"):
        site = SITES[key]
        pages.append(
            _page(
                site,
                "cookie_wall",
                "/consent",
                site.name,
                f"<p>{site.phrases.cookies}</p><button>{site.phrases.accept}</button>",
            )
        )
    return pages


def placeholder_pages() -> list[Capture]:
    """Parked domains, filler text, and pages that are nothing without JavaScript."""
    pages = []
    for number in range(4):
        site = Site(f"parked-{number}.example", f"parked-{number}.example", "", "plain", "/{slug}")
        pages.append(
            _page(
                site,
                "parked",
                "/",
                "This domain may be for sale",
                f"<p>{site.host} is registered. Related searches:</p><ul>"
                + links(("#", words) for words in Dice(site.host).some(STUFFING, 6))
                + "</ul>",
            )
        )
        app = Site(f"app-{number}.example", "App", "", "plain", "/{slug}")
        pages.append(
            _page(
                app,
                "javascript_needed",
                "/",
                "App",
                "<noscript>You need to enable JavaScript to run this app.</noscript>"
                '<div id="root"></div><script src="/static/js/main.3d1f.js"></script>',
            )
        )
        draft = Site(f"theme-{number}.example", "Just Another Theme", "", "blog", "/{slug}")
        pages.append(
            _page(
                draft,
                "lorem_ipsum",
                "/hello-world/",
                "Hello world",
                f"<p>{LOREM}</p>" * (number + 2),
            )
        )
    return pages


def spam_pages() -> list[Capture]:
    pages = []
    for keyword in STUFFING:
        slug = keyword.replace(" ", "-")
        site = Site(f"{slug}.example", keyword.title(), f"{keyword} {keyword}", "portal", "/{slug}")
        pages.append(
            _page(
                site, "keyword_stuffing", f"/{slug}.html", f"{keyword} {keyword}", _stuffed(keyword)
            )
        )
    for number in range(8):
        site = Site(f"echo-{number}.example", "Echo", "", "blog", "/{slug}")
        line = BETS[number % len(BETS)].replace("bonus", "present")
        pages.append(
            _page(site, "repeated_lines", "/again.html", "Again and again", f"<p>{line}</p>\n" * 40)
        )
    for number in range(6):
        site = Site(f"directory-{number}.example", "Web Directory", "", "retro", "/{slug}")
        farm = [(f"http://{a}-{b}.example/", f"{a} {b}") for a in SALAD[:12] for b in SALAD[20:32]]
        body = f"<ul>{links(Dice(site.host).some(farm, 130))}</ul>"
        pages.append(_page(site, "link_farm", "/links.htm", "Links", body))
        salad = Site(f"read-now-{number}.example", "Read Now", "", "magazine", "/{slug}")
        pages.append(_page(salad, "word_salad", f"/{SALAD[number]}", "Read now", _salad(number)))
    return pages


def doorway_pages() -> list[Capture]:
    """One text, ten towns."""
    site = Site("find-a-roofer.example", "Find a Roofer", "Near you", "portal", "/{slug}")
    first = site.url(TOWNS[0].lower())
    return [
        finish(site, Content(site.url(town.lower().replace(" ", "-")), f"Roofer in {town}",
                             _doorway(town)), "doorway", EITHER,
               group=Group("doorway", first))
        for town in TOWNS
    ]  # fmt: skip


def blocked_pages() -> list[Capture]:
    """Readable text on domains that are on the block list."""
    pages = []
    watches = Site("cheap-replica-watches.example", "Cheap Watches", "Like real", "shop", "/{slug}")
    for site, pool, count in ((CASINO, BETS, 10), (ADULT, GROWN_UPS, 6), (watches, BETS, 4)):
        for number in range(count):
            dice = Dice(f"{site.host} {number}")
            body = "".join(f"<p>{' '.join(dice.some(pool, 4))}</p>\n" for _ in range(4))
            pages.append(
                _page(site, "blocked_domain", f"/page-{number}", site.name, body, by="url")
            )
    return pages


def table_pages() -> list[Capture]:
    """Timetables and weather: true and useful, and not prose."""
    pages = []
    for number, town in enumerate(TOWNS[:8]):
        dice = Dice(town)
        rows = [
            (
                f"{hour:02d}:{dice.below(60):02d}",
                dice.pick(TOWNS),
                f"{dice.between(1, 6)}",
                f"{dice.between(4, 55)} min",
            )
            for hour in range(5, 24)
        ]
        site = SITES["bramford-courier"]
        body = (
            f"<p>Trains from {town} from Monday to Friday. There are no trains on holidays.</p>"
            + table(("Departs", "To", "Platform", "Journey"), rows)
        )
        content = Content(site.root(f"/timetable/{number}"), f"Trains from {town}", body)
        pages.append(
            finish(site, content, "table", EITHER, contains=(f"Trains from {town} from Monday",))
        )
    return pages


def _page(site: Site, kind: str, path: str, title: str, body: str, by: str = "filter") -> Capture:
    return finish(site, Content(site.root(path), title, body), kind, DROP, by)


def _home(site: Site) -> Capture:
    teasers = "".join(
        f'<div class="teaser"><h2><a href="/{tag}">All about {tag}</a></h2>'
        f'<a href="/{tag}">Read more</a></div>'
        for tag in TAGS[:9]
    )
    return _page(site, "home", "/", site.tagline, teasers)


def _tag_index(site: Site, tag: str) -> Capture:
    dice = Dice(f"{site.host} {tag}")
    items = [(f"/{word}-{tag}", f"{word.title()} {tag}") for word in dice.some(SALAD, 18)]
    return _page(site, "tag_index", f"/tag/{tag}/", f"Tag: {tag}", f"<ul>{links(items)}</ul>")


def _stuffed(keyword: str) -> str:
    dice = Dice(keyword)
    joints = ("best", "cheap", "online", "near me", "2024", "top ten", "review", "buy")
    words = " ".join(f"{dice.pick(joints)} {keyword}," for _ in range(90))
    return f"<p>{words} {keyword}.</p><p>{keyword}. {keyword}! {keyword}?</p>"


def _salad(number: int) -> str:
    dice = Dice(f"salad {number}")
    sentences = (
        " ".join(dice.pick(SALAD) for _ in range(dice.between(8, 15))).capitalize() + "."
        for _ in range(20)
    )
    return f"<p>{' '.join(sentences)}</p>"


def _doorway(town: str) -> str:
    return (
        f"<p>Are you looking for a roofer in {town}? Our friendly team has been mending roofs "
        f"in {town} and the villages around it for many years. No job is too small, and every "
        "visit is free of charge. We replace slates, clear gutters, rebuild chimneys and make "
        "flat roofs watertight again.</p>\n<p>Call us today and a roofer will be with you "
        "before the next rain. All of our work is guaranteed for ten years, and you pay only "
        f"when you are happy. We look forward to hearing from you and from {town}.</p>"
    )
