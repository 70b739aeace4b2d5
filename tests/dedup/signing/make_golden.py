"""Writes golden_signatures.json: what datatrove 0.10 makes of texts of ours, with each hash.

Run it in an environment that has datatrove 0.10.0 and spacy 3.8, from anywhere:
``python tests/dedup/signing/make_golden.py``.
"""

# ruff: noqa: E501 (a text a line)

import hashlib
import json
from pathlib import Path

import numpy as np
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
from datatrove.utils.hashing import HashConfig
from datatrove.utils.text import simplify_text

NEWS = (
    "The bridge over the Aller was closed on Tuesday at 07:45, after a lorry of 12.5 tonnes had "
    "lost its load. \"We can't say when it'll open again,\" said Mrs. O'Neill of the county's "
    "road office; the detour is 14km long, and costs drivers about £3.20 a day!\n\n"
)
TEXTS = [
    "",
    "only four words here",
    "exactly five words are enough",
    "the quick brown fox jumps over the lazy dog",
    "The QUICK, brown -- fox?! JUMPS over... the (lazy) dog.",
    NEWS,
    NEWS * 40,
    NEWS.replace("Tuesday", "Friday").replace("14km", "16 km"),
    "I don't know, he can't, we won't; cannot, gonna, dunno, it's, its', ma'am, o'clock, y'all.",
    "dont cant wont im youre theyll hes shes lets whats gonna gotta cannot 8am 10pm 5km 3cm 100mb",
    "1 12 123 1.5 1,000 1,000,000 3.14.15 ٣٫١٤ १२३ ²³ ½ 1e9 0x1F v2.0 A4 24/7 12:30 50% $9.99 #1",
    "Café crème brûlée, naïve façade; Zoë's piñata — Ångström, Łódź, İstanbul, Straße, ǅ, ﬁne, Ⅷ",
    "ΟΔΥΣΣΕΥΣ ΣΟΦΟΣ. Σ ΑΣ'Α ΑΣ\u00adΒ τέλος: ὈΔΥΣΣΕΎΣ; ΌΣΟΣ» ΆΣ\u2028ΒΣ ὅς",
    "see https://example.org/a/b.html?q=1&r=2#top or mail jo.doe@example.com, www.example.net/x_y",
    "smile :-) :( ;-D <3 (^_^) ¯\\_(ツ)_/¯ 👍🏽 👩‍👩‍👧 😀😀 → ★ • · ● ‘quoted’ ‹x› … ¿que? ¡si! §5 ©2020 ™ °C",
    "no\u00a0break\u2003em\u2009thin\u3000wide\u1680ogham\u205fmath\u202fnarrow\u2028line\u2029end",
    "zero\u200bwidth joi\u200dner \ufeffbom soft\u00adhyphen word\u2060joiner left\u200eright\u200f",
    "bell\x07 null\x00byte\x00\x001 esc\x1b[0m unit\x1fsep\x1crec del\x7f next\x85line \x9f end \x0b\x0c v",
    "\u0301 \u0301\u0302 a\u0301 e\u0327\u0301 \u0300x \u20dd \u0489 lone marks \u05b0 \u0e31 here q\u0323\u0307",
    "日本語の文章です。これは、英語の規則で分けられます。 中文没有空格 한국어 문장입니다 ไทย हिन्दी में लिखा",
    "word " * 300,
    "a b c d e f g h i j k l m n o p q r s t u v w x y z",
    "U.S. e.g. i.e. Ph.D. a.m. Inc. St. vs. No. 5 Jan. 3rd 1st 2nd 21st C++ C# .NET node.js AT&T",
    "IS_ALPHA is a string that spaCy's tokenizer reads as an attribute IS_ALPHA and not as a text",
    "- - -- --- ---- * * * _ __ ___ = == === ~ ~~ ` `` ``` | || ||| \\ \\\\ / // /// ### @ @@ ^ ^^ done",
    "donaudampfschifffahrtsgesellschaftskapitaenswitwenundwaisenkasse" * 3 + " is one long word, or two",
]  # fmt: skip


HASHES = {
    "xxh64-64": HashConfig(precision=64, hash_fc="xxhash"),
    "xxh64-32": HashConfig(precision=32, hash_fc="xxhash"),
    "sha1-64": HashConfig(precision=64, hash_fc="sha1"),
    "sha1-32": HashConfig(precision=32, hash_fc="sha1"),
}
"""By shingle hash and bits, as winnow names them."""


def values(signer: MinhashDedupSignature, text: str) -> np.ndarray | None:
    """uint64[112], or None where datatrove makes no signature."""
    shingles = signer.get_shingles(text)
    if not shingles.size:
        return None
    return np.array(signer.get_signature(shingles), np.uint64).ravel()


def main() -> None:
    signers = {
        name: MinhashDedupSignature(
            "unused",
            MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8, hash_config=config),
        )
        for name, config in HASHES.items()
    }
    golden = []
    for text in TEXTS:
        words = signers["xxh64-64"].word_tokenizer.word_tokenize(simplify_text(text))
        found = {name: values(signer, text) for name, signer in signers.items()}
        default = found.pop("xxh64-64")
        golden.append(
            {
                "text": text,
                "words": words if len(words) <= 300 else None,  # long ones say nothing new
                "signature": None if default is None else " ".join(f"{v:x}" for v in default),
                "sha256": {
                    name: None
                    if row is None
                    else hashlib.sha256(row.astype("<u8").tobytes()).hexdigest()
                    for name, row in found.items()
                },
            }
        )
    path = Path(__file__).with_name("golden_signatures.json")
    path.write_text(json.dumps(golden, indent=0, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main()
