"""Texts on which the measures of ``redpajama`` and ``data_juicer`` could go wrong; all our own."""

from __future__ import annotations

import itertools

_PROSE = (
    "The miller's daughter walked to the mill every morning, and every morning the wheel stood "
    "still. “Who stopped the water?” she asked; nobody knew. It was not the frost, for it was "
    "June. It was not the drought: the brook ran high!\n\n"
    "So she waited by the weir until the moon came out… Then she saw the otter, and the otter saw "
    "her, and neither of them moved."
)
_PAGE = (
    "HOME | ABOUT US | CONTACT\n• Free delivery over €50\n– Returns within 30 days\n"
    "▪ 2 for 1 on all items\n\nEnable JavaScript to see the prices.\n"
    "JAVASCRIPT is off: javascript!\nfunction f() { return {}; }\nRead more...\nRead more…\n"
    "Lorem ipsum dolor sit amet, lorem-ipsum; LOREM  IPSUM.\n"
    "© 2021 ACME Ltd. All rights reserved.\n"
)
_LISTED = (
    "That damn door! Damn it, the BLOODY thing is stuck; click here, click  here, click\nhere. "
    "A bloody-minded door: click-here. Café and cafe\u0301 are the same café. 2 girls, 1 cup of "
    "tea."
)

TEXTS: tuple[str, ...] = (
    "",
    " ",
    "\n",
    "\n\n \t\n",
    "word",
    "...",
    "#",
    "!?.",
    "…",
    "{}",
    "•",
    "\u0301",
    "\x00",
    "a\x00b \x00",
    _PROSE,
    _PAGE,
    _LISTED,
    f"{_PROSE}\n{_PAGE}\n{_PROSE}",
    f"{_PAGE}{_LISTED}\n{_PAGE}",
    f"{_LISTED} {_PROSE} {_LISTED}",
    # lower case in context, of several code points, and not closed under case
    "ΟΔΥΣΣΕΥΣ ΚΑΙ ΣΟΦΟΣ. ΑΣ' ΑΣ'Α Σ ΣΣ «ΟΣ» Α\u0301Σ ΑΣ\u0301 Σ\u0345",
    "İSTANBUL'DA IĞDIR'DA ılık iİıI DŽ Dž dž ẞ ß",
    "Г г Г. Ø Øre øre ø ™ ª ı ₪ Ⓐ ⓐ ǅ",
    # decomposition, and marks out of order
    "Ångström A\u030angström Å ﬁn café cafe\u0301 가각힣 ḍ̇ ḍ̇ d\u0307\u0323 q\u0323\u0307 ΐ ᾳ ệ",
    "e" + "\u0301\u0323\u0327\u0f74\u0f71" * 30 + "x \u0323\u0301 \u0301\u0323",
    # white space and line ends of all kinds
    "one\u00a0two\u2003three\u3000four\u200bfive\ufeffsix\u1680seven\u180eeight",
    "a\r\nb\rc\x0bd\x0ce\x1cf\x1dg\x1eh\x1fi\x85j\u2028k\u2029l\n\nm\n\r",
    "no line feed at the end",
    "tab\tsplits\twords \xa0 nbsp \x0b vt",
    # numbers, bullets, ellipses, ends of sentences
    "½ ² ٣ 三 ① 3.14 1,000 12:30\n１２３ Ⅷ\nno digit\n",
    "".join(f"{mark} item\n  {mark}item\n" for mark in "•‣▶◀◦■□▪▫–-*·"),
    "wait..\nwait...\nwait....\nwait. . .\nwait… \nwait...  \t\n......\n.. .\n....#.....",
    "One. Two!! Three?! ... !!! (four) ¿Cinco? — . _ . - . 6",
    'He said “yes.” She said “no”\nDone”  \nQuote."\nEnd.)\nEnd!\u3000',
    "ALL CAPS HERE but NOT ALL Here A1 1A A_B _ __ É ÉA Éa ІІІ",
    "lorem ipsum lorem ıpsum LOREM IPſUM xlorem ipsumx lorem\nipsum loremipsum lorem  . ipsum",
    # scripts without spaces, right to left, emoji
    "日本語のテキストです。空白はありません。日本語のテキストです。",
    "สวัสดีครับ ยินดีต้อนรับ สวัสดีครับ",
    "مرحبا بالعالم، هذا نص قصير. مرحبا ٣ مرات؟",
    "😀👩‍👩‍👧‍👦 🏳️‍🌈 ☺️ 1️⃣ ❤ 😀😀😀 text😀 😀text",
    "नमस्ते दुनिया। हिन्दी में लिखा हुआ पाठ।",
    # repetition
    "the same line\n" * 30,
    "a" * 200,
    "ab" * 100,
    "x y " * 60,
    "one two three four five six seven eight nine ten " * 3,
    "one two three four five six seven eight nine ten eleven one two three four five six seven",
    " ".join("".join(pair) for pair in itertools.product("abcdefg", repeat=2)),
    "Fee, fi, fo, fum. " * 5 + "FEE FI FO FUM! " * 5,
    "12 34 56 78 " * 12,
    "aa bb cc aa bb dd aa cc bb dd ee aa bb cc dd",
)

BAD_WORDS = (
    *("damn", "bloody", "click here", "café", "2 girls 1 cup", "the the", ""),
    "wheel stood still",
)
STOP_WORDS = ("the", "and", "of", "it", "was", "a", "to", "The", "und?", "click here", "café", "?")
