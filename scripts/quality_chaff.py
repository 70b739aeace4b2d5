"""What a page holds that is not worth reading, made up: the negatives of the default model.

Written for winnow, under its licence. Nouns come from the prose of the other side, so that a model
cannot tell the sides apart by topic.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable

MENU = """Home|About|About us|Contact|Contact us|Blog|News|Shop|Store|Products|Services|Gallery|FAQ
Help|Support|Login|Log in|Sign in|Sign up|Register|My account|Cart|Checkout|Wishlist|Search|Menu
Close|Skip to content|Skip to main content|Toggle navigation|Back to top|Sitemap|Site map|Careers
Jobs|Press|Partners|Advertise|Terms|Terms of use|Terms of service|Privacy|Privacy policy|Cookies
Cookie policy|Accessibility|Legal notice|Imprint|Disclaimer|Subscribe|Newsletter|RSS|Events
Calendar|Forum|Members|Downloads|Archive|Archives|Categories|Tags|Recent posts|Recent comments
Popular|Trending|Most read|Related articles|Related posts|You may also like|Read more|Continue
Continue reading|Learn more|See all|View all|Show more|Load more|Next|Previous|Older posts|Share
Newer posts|Print|Email|Tweet|Pin it|Like|Follow us|Facebook|Twitter|Instagram|YouTube|LinkedIn
Pinterest|WhatsApp|Telegram|Copy link|Permalink|Report|Reply|Quote|Edit|Delete|Save|Cancel|Submit
Send|Reset|Apply|Filter|Sort by|Relevance|Price|Newest|Rating|Reviews|Add to cart|Add to basket
Buy now|Add to wishlist|Compare|In stock|Out of stock|Free shipping|Special offer|Sale|New arrivals
Best sellers|Gift cards|Track order|Returns|Size guide|Store locator|Opening hours|Directions|Map
World|Politics|Business|Sports|Entertainment|Technology|Science|Health|Travel|Weather|Opinion|Video
Photos|Podcasts|Obituaries|Classifieds|Real estate|Cars|E-paper|Live|Breaking news|Local|Education
English|Deutsch|Français|Español|Language|Currency|USD|EUR|Dashboard|Settings|Profile|Log out
Notifications|Messages|Friends|Groups|Pages|All rights reserved|Powered by WordPress|Desktop version
Full site|Mobile|Download the app|Google Play|App Store|Leave a comment|Leave a reply|Post comment
Your email|Username|Password|Remember me|Forgot password?|Lost your password?|Create an account
Click here|Enter your email address|First name|Last name|Phone|Company|Country|City|Zip code"""

NOTICES = """We use cookies to personalise content and ads.|By continuing to use this site you accept
our use of cookies.|Accept all|Reject all|Manage preferences|Cookie settings|Necessary|Statistics
Marketing|This site uses cookies. Find out more.|Your browser is not supported. Please upgrade.
JavaScript is disabled. Please enable JavaScript to continue.|Please enable JavaScript in your
browser.|Your email address will not be published. Required fields are marked *|Save my name, email,
and website in this browser for the next time I comment.|Subscribe to our newsletter and never miss
an update.|Sign up for our newsletter|Enter your email to get the latest offers in your inbox.
You must be logged in to post a comment.|Please log in or register to reply here.|No comments yet.
Be the first to comment!|This entry was posted in Uncategorized. Bookmark the permalink.|404 Not
Found|The page you are looking for could not be found.|Page not found|Sorry, no results were found.
Access denied|You don't have permission to access this resource.|Under construction. Coming soon!
This domain is for sale.|Buy this domain|Related searches|Sponsored listings|Site is temporarily
unavailable.|Error establishing a database connection|Advertisement|Advertisement - Continue reading
below|Story continues below advertisement|Disable your ad blocker|Terms and conditions apply.|All
prices include VAT.|Results may vary.|Not affiliated with any of the brands named.|As an affiliate
we earn from qualifying purchases.|Loading...|Please wait...|Redirecting...|Javascript required
Your session has expired.|This content is not available in your region.|Subscribe to continue
reading.|Already a subscriber? Log in|Copyright © All rights reserved.|Last updated|Last modified"""  # noqa: E501

PITCHES = """Buy {} online|Cheap {}|Best {} {}|{} for sale|{} near me|{} reviews|{} price|{} deals|Top
10 {}|How to get {} fast|{} discount code|Free {} download|{} {} wholesale|Order {} without
prescription|{} {} {}|Get your {} today!|Save up to 70% on {}|Call now for a free {} quote|#1 {} in
{}|Looking for {}? Click here|{} coupon|{} vs {}|{} pdf|{} supplier|{} manufacturers in {}|Lowest
price {} guaranteed|{} free shipping|watch {} online free|{} full movie hd|download {} mp3|{} casino
bonus|play {} slots online|{} bitcoin|earn money with {}|lose weight with {}|replica {}|{} pills
Our {} are the best {} on the market.|We offer {} and {} at unbeatable prices.|If you need {} then
our {} is the {} for you.|100% natural {}|limited time offer on {}|Visit our {} page for more {}.
Professional {} services in {}|Affordable {} {} company|{} installation {} repair {} maintenance"""  # noqa: E501

_WORD = re.compile(r"[A-Za-z]{3,}")
Maker = Callable[[random.Random], str]


def _phrases(block: str) -> list[str]:
    """Phrases are parted by | and, where a line ends a phrase, by the line end before a capital."""
    joined = re.sub(r"\n(?=[A-Z#{])", "|", block).replace("\n", " ")
    return joined.split("|")


class Chaff:
    """Makers of text that is not worth reading; ``prose`` gives words and what is maimed."""

    def __init__(self, prose: list[str]) -> None:
        self._prose = prose
        counts = Counter(word.lower() for text in prose for word in set(_WORD.findall(text)))
        common = {word for word, _ in counts.most_common(150)}
        self._nouns = sorted(w for w, n in counts.items() if n >= 4 and w not in common)
        self._menu, self._notices = _phrases(MENU), _phrases(NOTICES)
        self._pitches = _phrases(PITCHES)
        self.makers: tuple[Maker, ...] = (
            self.menu,
            self.footer,
            self.notices,
            self.tags,
            self.pitches,
            self.products,
            self.numbers,
            self.log,
            self.thread_furniture,
            self.link_list,
            self.teasers,
            self.shuffled,
            self.repeated,
            self.addresses,
            self.names,
        )

    def page(self, choice: random.Random) -> str:
        """One to five blocks, each of one maker."""
        return "\n".join(
            choice.choice(self.makers)(choice) for _ in range(choice.choice((1, 2, 2, 3, 5)))
        )

    def noun(self, choice: random.Random, most: int = 1) -> str:
        return " ".join(choice.choice(self._nouns) for _ in range(choice.randint(1, most)))

    def title(self, choice: random.Random, most: int = 7) -> str:
        return " ".join(choice.choice(self._nouns) for _ in range(choice.randint(1, most))).title()

    def menu(self, choice: random.Random) -> str:
        glue = choice.choice(("\n", "\n", " | ", " ", " » ", " · ", "\n• "))
        own = [self.title(choice, 2) for _ in range(choice.randint(0, 12))]
        items = choice.choices(self._menu, k=choice.randint(6, 40)) + own
        choice.shuffle(items)
        return glue.join(items)

    def footer(self, choice: random.Random) -> str:
        year, name = choice.randint(1998, 2024), self.title(choice, 3)
        line = choice.choice(
            (
                f"© {year} {name}. All rights reserved.",
                f"Copyright {year} {name} Inc. | Terms | Privacy",
                f"{name} · {year} · Powered by WordPress · Theme by {name}",
            )
        )
        return f"{self.menu(choice)}\n{line}"

    def notices(self, choice: random.Random) -> str:
        return choice.choice(("\n", " ")).join(
            choice.choices(self._notices, k=choice.randint(2, 10))
        )

    def tags(self, choice: random.Random) -> str:
        glue = choice.choice((", ", " ", "\n", " (3) ", " #"))
        return glue.join(self.noun(choice, 3) for _ in range(choice.randint(10, 80)))

    def pitches(self, choice: random.Random) -> str:
        mine = [self.noun(choice, 2) for _ in range(3)]  # repeated, as spam does

        def filled() -> str:
            pitch = choice.choice(self._pitches)
            while "{}" in pitch:
                pitch = pitch.replace("{}", choice.choice(mine), 1)
            return pitch

        return choice.choice((" ", ", ", "\n", ". ")).join(
            filled() for _ in range(choice.randint(5, 40))
        )

    def products(self, choice: random.Random) -> str:
        rows = []
        for _ in range(choice.randint(4, 20)):
            price = f"{choice.choice('$£€')}{choice.randint(1, 900)}.{choice.choice(('00', '99'))}"
            action = choice.choice(("Add to cart", "Buy now", "Read more", "Select options", ""))
            rows.append("\n".join((self.title(choice, 5), price, action)).strip())
        return "\n".join(rows)

    def numbers(self, choice: random.Random) -> str:
        glue = choice.choice((" ", "\t", " | "))
        rows = []
        for _ in range(choice.randint(5, 30)):
            cells = [
                choice.choice(
                    (
                        self.noun(choice).title(),
                        f"{choice.random() * 1000:.2f}",
                        f"{choice.randint(0, 9999):,}",
                        f"{choice.random():.1%}",
                        "-",
                    )
                )
                for _ in range(choice.randint(3, 9))
            ]
            rows.append(glue.join(cells))
        return "\n".join(rows)

    def log(self, choice: random.Random) -> str:
        return "\n".join(
            f"{choice.randint(2005, 2024)}-{choice.randint(1, 12):02}-{choice.randint(1, 28):02} "
            f"{choice.randint(0, 23):02}:{choice.randint(0, 59):02}:{choice.randint(0, 59):02} "
            f"{choice.choice(('INFO', 'DEBUG', 'WARN', 'ERROR', '[error]', 'GET', 'POST'))} "
            f"{self.noun(choice)}.{self.noun(choice)}: /{self.noun(choice)}/{self.noun(choice)} "
            f"{choice.getrandbits(choice.choice((16, 32, 64))):x} {choice.choice((200, 404, 500))}"
            for _ in range(choice.randint(5, 40))
        )

    def thread_furniture(self, choice: random.Random) -> str:
        rows = []
        for _ in range(choice.randint(3, 12)):
            user = self.noun(choice) + str(choice.randint(1, 999))
            rows += [
                user,
                choice.choice(("Member", "Junior Member", "Guest", "Administrator")),
                f"Posts: {choice.randint(1, 9000)}",
                f"Joined: {self._date(choice)}",
                f"Posted {self._date(choice)}",
                choice.choice(
                    (
                        "Reply",
                        "Quote",
                        "+1",
                        "lol",
                        "bump",
                        "thanks!",
                        "Share",
                        "Report",
                        "first",
                        "nice post",
                        "Link",
                    )
                ),
            ]
        return "\n".join(rows)

    def link_list(self, choice: random.Random) -> str:
        tail = choice.choice(
            (
                self._date,
                lambda c: f"({c.randint(1, 99)})",
                lambda c: "",
                lambda c: f"By {self.title(c, 2)} {self._date(c)}",
            )
        )
        return "\n".join(
            f"{self.title(choice)} {tail(choice)}".strip() for _ in range(choice.randint(6, 40))
        )

    def teasers(self, choice: random.Random) -> str:
        """Beginnings of texts, cut off."""
        rows = []
        for _ in range(choice.randint(3, 12)):
            words = choice.choice(self._prose).split()
            start = choice.randrange(max(1, len(words) - 20))
            begun = " ".join(words[start : start + choice.randint(6, 18)])
            rows += [
                self.title(choice),
                f"{begun}{choice.choice(('...', '…', ' [...]'))}",
                choice.choice(("Read more", "Continue reading →", self._date(choice))),
            ]
        return "\n".join(rows)

    def shuffled(self, choice: random.Random) -> str:
        """The words of a text in no order."""
        words = choice.choice(self._prose).split()[:300]
        choice.shuffle(words)
        return " ".join(words)

    def repeated(self, choice: random.Random) -> str:
        line = choice.choice((self.title(choice), choice.choice(self._menu), self.pitches(choice)))
        return choice.choice(("\n", " ")).join([line[:200]] * choice.randint(5, 30))

    def addresses(self, choice: random.Random) -> str:
        rows = []
        for _ in range(choice.randint(3, 15)):
            rows += [
                f"{self.title(choice, 2)} {choice.choice(('Ltd', 'Inc.', 'GmbH', 'LLC', '&'))}",
                f"{choice.randint(1, 999)} {self.title(choice, 1)} "
                f"{choice.choice(('Street', 'Road', 'Ave', 'Blvd'))}, {self.title(choice, 1)}",
                f"Tel: {choice.randint(100, 999)}-{choice.randint(1000, 9999)} Fax: -",
                f"www.{self.noun(choice)}{self.noun(choice)}.example",
            ]
        return "\n".join(rows)

    def names(self, choice: random.Random) -> str:
        """Results, line-ups, casts: names and what they got."""
        return choice.choice(("\n", "; ", ", ")).join(
            f"{self.title(choice, 2)} {choice.choice(('', choice.randint(0, 120), ''))}".strip()
            for _ in range(choice.randint(8, 50))
        )

    def _date(self, choice: random.Random) -> str:
        month = choice.choice(("January", "Feb", "March", "Apr", "May", "June", "Jul", "August"))
        return f"{month} {choice.randint(1, 31)}, {choice.randint(1999, 2024)}"
