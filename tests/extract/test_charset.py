"""Which charset a page is in: declared rightly, not at all, or wrongly."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from resiliparse.parse.encoding import detect_encoding

from winnow.extract.charset import decode
from winnow.extract.labels import CODECS, charset_of

TEXTS = {
    "french": (
        "Après la pluie, les élèves rentrèrent à l'école, où le maître les attendait déjà. Il "
        "avait "
        "préparé une leçon sur les forêts françaises, leurs chênes et leurs hêtres, et chacun "
        "reçut "
        "un cahier neuf. « C'est très bien », dit-elle à la fin de la journée, fatiguée "
        "mais contente."
    ),
    "polish": (
        "Każdy człowiek ma prawo do życia, wolności i bezpieczeństwa. Źdźbło trawy błyszczało w "
        "słońcu, a dzieci śpiewały piosenki o łąkach, żabach i ćmach, które widziały wczoraj "
        "wieczorem nad rzeką. Później wróciły do domu, gdzie czekała na nie gorąca kolacja."
    ),
    "russian": (
        "Все люди рождаются свободными и равными в своём достоинстве и правах. Они наделены "
        "разумом "
        "и совестью и должны поступать в отношении друг друга в духе братства. Утром мы вышли из "
        "дома и долго шли по берегу реки, разговаривая о книгах, которые прочитали летом."
    ),
    "greek": (
        "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα. Είναι "
        "προικισμένοι με λογική και συνείδηση, και οφείλουν να συμπεριφέρονται μεταξύ τους με "
        "πνεύμα "
        "αδελφοσύνης. Το πρωί περπατήσαμε δίπλα στη θάλασσα."
    ),
    "hebrew": (
        "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם. כולם חוננו בתבונה ובמצפון, לפיכך "
        "חובה עליהם לנהוג איש ברעהו ברוח של אחווה. בבוקר יצאנו מן הבית והלכנו לאורך הנחל."
    ),
    "japanese": (
        "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。人間は、"
        "理性と良心とを授けられており、互いに同胞の精神をもって行動しなければならない。朝、私たちは"
        "家を出て、川のほとりを長い間歩きながら、夏に読んだ本について話した。"
    ),
    "korean": (
        "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. "
        "인간은 천부적으로 이성과 양심을 부여받았으며 서로 형제애의 정신으로 행동하여야 한다. "
        "아침에 우리는 집을 나와 강가를 오랫동안 걸으며 여름에 읽은 책에 대해 이야기했다."
    ),
    "chinese": (
        "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。"
        "早上我们走出家门,沿着河边走了很久,谈论夏天读过的书。学生们回到学校,老师已经在等他们了。"
    ),
    "taiwanese": (
        "人人生而自由,在尊嚴和權利上一律平等。他們賦有理性和良心,並應以兄弟關係的精神相對待。"
        "早上我們走出家門,沿著河邊走了很久,談論夏天讀過的書。學生們回到學校,老師已經在等他們了。"
    ),
}
CASES = [
    ("french", "windows-1252"), ("french", "iso-8859-15"), ("french", "utf-8"),
    ("polish", "iso-8859-2"), ("polish", "windows-1250"), ("polish", "utf-8"),
    ("russian", "windows-1251"), ("russian", "koi8-r"), ("russian", "ibm866"),
    ("russian", "iso-8859-5"), ("russian", "utf-8"), ("greek", "iso-8859-7"),
    ("greek", "windows-1253"), ("hebrew", "windows-1255"), ("japanese", "shift_jis"),
    ("japanese", "euc-jp"), ("japanese", "iso-2022-jp"), ("japanese", "utf-8"),
    ("korean", "euc-kr"), ("chinese", "gb18030"), ("chinese", "utf-8"), ("taiwanese", "big5"),
]  # fmt: skip


def page(text: str, charset: str, declared: str | None = None) -> bytes:
    meta = f'<meta charset="{declared}">' if declared else ""
    body = "".join(f"<p>{sentence}</p>" for sentence in text.split(". "))
    encoded = f"<html><head>{meta}<title>t</title></head><body>{body}</body></html>"
    return encoded.encode(CODECS[charset], "xmlcharrefreplace")


def read(payload: bytes, content_type: str | None = None) -> tuple[str, str, str]:
    return decode(payload, content_type, lambda data: detect_encoding(data, html5_compatible=False))


@pytest.mark.parametrize(("language", "charset"), CASES)
def test_right_declarations(language: str, charset: str) -> None:
    payload = page(TEXTS[language], charset)
    expected = payload.decode(CODECS[charset])
    assert read(payload, f'text/html; charset="{charset}"')[:2] == (expected, charset)
    for declared in (
        b'<meta charset="%s">', b"<META CHARSET=%s>", b"<?xml version='1.0' encoding='%s'?>",
        b'<meta http-equiv="Content-Type" content="text/html; charset=%s">',
        b"<meta content='text/html;charset=%s' http-equiv=Content-Type />",
    ):  # fmt: skip
        head = declared % charset.encode()
        text, found, why = read(head + payload, "text/html")
        assert (text, found) == (head.decode() + expected, charset)
        assert why == "meta"


def test_absent_declarations_are_mostly_found_out() -> None:
    right = []
    for language, charset in CASES:
        payload = page(TEXTS[language], charset)
        if read(payload)[0] == payload.decode(CODECS[charset]):
            right.append((language, charset))
    assert len(right) >= len(CASES) - 1, sorted(set(CASES) - set(right))
    assert {case for case in CASES if case[1] == "utf-8"} <= set(right)


LIES = ["utf-8", "iso-8859-1", "euc-jp", "shift_jis", "big5", "no-such-charset"]


def test_lying_declarations_are_mostly_found_out() -> None:
    wrong = []
    count = 0
    for language, charset in CASES:
        for lie in LIES:
            if charset_of(lie) == charset or (charset == "iso-8859-15" and lie == "iso-8859-1"):
                continue
            count += 1
            expected = page(TEXTS[language], charset, lie).decode(CODECS[charset])
            for told in (f"text/html; charset={lie}", "text/html"):
                if read(page(TEXTS[language], charset, lie), told)[0] != expected:
                    wrong.append((language, charset, lie))
    share = 1 - len(wrong) / (2 * count)
    assert share >= 0.9, (share, sorted(set(wrong)))
    # whatever is declared, UTF-8 is recognised
    assert not [case for case in wrong if case[1] == "utf-8"]


def test_the_header_is_believed_before_the_page() -> None:
    payload = page(TEXTS["russian"], "windows-1251", "koi8-r")
    assert read(payload, "text/html; charset=windows-1251")[1:] == ("windows-1251", "http")
    assert read(payload, "text/html")[1:] == ("koi8-r", "meta")


def test_marks_overrule_everything() -> None:
    for mark, codec, charset in (
        (codecs.BOM_UTF8, "utf-8", "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16le"),
        (codecs.BOM_UTF16_BE, "utf-16-be", "utf-16be"),
    ):
        payload = mark + TEXTS["russian"].encode(codec)
        assert read(payload, "text/html; charset=koi8-r") == (TEXTS["russian"], charset, "bom")


def test_utf16_without_a_mark() -> None:
    html = "<html><body>" + TEXTS["french"] + "</body></html>"
    assert read(html.encode("utf-16-le"))[:2] == (html, "utf-16le")
    assert read(html.encode("utf-16-be"), "text/html")[:2] == (html, "utf-16be")
    assert read(b"<meta charset=utf-16>abc")[:2] == ("<meta charset=utf-16>abc", "utf-8")


def test_utf8_that_is_cut_or_has_a_bad_byte_stays_utf8() -> None:
    whole = TEXTS["japanese"].encode()
    for told in (None, "text/html; charset=utf-8", "text/html; charset=iso-8859-1"):
        assert read(whole[:-1], told) == (TEXTS["japanese"][:-1], "utf-8", "http" if told and
                                          "utf" in told else "utf-8")  # fmt: skip
        text, charset, why = read(whole[:60] + b"\xff" + whole[60:], told)
        assert (text, charset, why) == (
            TEXTS["japanese"][:20] + "\ufffd" + TEXTS["japanese"][20:], "utf-8", "repaired"
        )  # fmt: skip


def test_nuls_go() -> None:
    assert read(b"<html>a\0b\0c</html>")[0] == "<html>abc</html>"
    assert read("é\0è".encode())[0] == "éè"


@pytest.mark.parametrize(
    ("label", "charset"),
    [
        ("UTF8", "utf-8"), (" latin1 ", "windows-1252"), ("ISO_8859-1:1987", "windows-1252"),
        ("iso8859-2", "iso-8859-2"), ("ISO88592", "iso-8859-2"), ("'gb2312'", "gb18030"),
        ("GBK", "gb18030"), ("ks_c_5601-1987", "euc-kr"), ("x-sjis", "shift_jis"),
        ("us-ascii", "windows-1252"), ("windows-31j", "shift_jis"), ("none", None), ("", None),
    ],
)  # fmt: skip
def test_labels(label: str, charset: str | None) -> None:
    assert charset_of(label) == charset


@pytest.mark.parametrize(
    "label", ["x-none", "utf-9", "", "\0", "rot13", "idna", "base64", "punycode"]
)
def test_unknown_charsets_are_as_good_as_none(label: str) -> None:
    payload = page(TEXTS["french"], "utf-8")
    assert read(payload, f"text/html; charset={label}") == (payload.decode(), "utf-8", "utf-8")


def test_every_charset_has_a_codec_that_python_knows() -> None:
    for charset, codec in CODECS.items():
        assert codecs.lookup(codec)
        assert charset_of(charset) == charset


@given(
    st.binary(max_size=400),
    st.sampled_from([None, "text/html", *(f"a/b;charset={c}" for c in CODECS)]),
)
def test_any_bytes_become_text(payload: bytes, told: str | None) -> None:
    first = read(payload, told)
    assert "\0" not in first[0]
    assert first[1] in CODECS
    first[0].encode()  # no lone surrogates
    assert read(payload, told) == first


@given(st.text(max_size=300))
def test_utf8_comes_back(text: str) -> None:
    clean = text.encode("utf-8", "ignore").decode().replace("\0", "").lstrip("\ufeff")
    assert read(clean.encode(), "text/html; charset=utf-8")[0] == clean
