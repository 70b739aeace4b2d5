"""Names of charsets as pages write them, and the Python codec that decodes each.

Source: the WHATWG Encoding standard, "Names and labels". As there, ``iso-8859-1`` and ``ascii``
mean windows-1252, ``gb2312`` and ``gbk`` are read as gb18030, ``shift_jis`` as Windows code page
932 and ``euc-kr`` as code page 949: the supersets that such pages are really written in.
Differs: ``hz-gb-2312``, ``iso-2022-kr`` and ``iso-2022-cn``, which browsers refuse for safety, are
decoded where Python can; ``x-user-defined`` is windows-1252.
"""

from __future__ import annotations

# charset (the standard's name, lower case) -> Python codec
CODECS = {
    "utf-8": "utf-8",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "ibm866": "cp866",
    "iso-8859-2": "iso8859-2",
    "iso-8859-3": "iso8859-3",
    "iso-8859-4": "iso8859-4",
    "iso-8859-5": "iso8859-5",
    "iso-8859-6": "iso8859-6",
    "iso-8859-7": "iso8859-7",
    "iso-8859-8": "iso8859-8",
    "iso-8859-10": "iso8859-10",
    "iso-8859-13": "iso8859-13",
    "iso-8859-14": "iso8859-14",
    "iso-8859-15": "iso8859-15",
    "iso-8859-16": "iso8859-16",
    "koi8-r": "koi8-r",
    "koi8-u": "koi8-u",
    "macintosh": "mac-roman",
    "x-mac-cyrillic": "mac-cyrillic",
    "windows-874": "cp874",
    "windows-1250": "cp1250",
    "windows-1251": "cp1251",
    "windows-1252": "cp1252",
    "windows-1253": "cp1253",
    "windows-1254": "cp1254",
    "windows-1255": "cp1255",
    "windows-1256": "cp1256",
    "windows-1257": "cp1257",
    "windows-1258": "cp1258",
    "gb18030": "gb18030",
    "big5": "big5hkscs",
    "euc-jp": "euc-jp",
    "iso-2022-jp": "iso2022-jp-ext",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "hz-gb-2312": "hz",
    "iso-2022-kr": "iso2022-kr",
}

_ALIASES = {
    "utf-8": "utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8 utf-8-sig utf8mb4",
    "utf-16le": "utf-16 utf16 unicode csunicode ucs-2 iso-10646-ucs-2 unicodefeff",
    "utf-16be": "unicodefffe",
    "ibm866": "866 cp866 csibm866",
    "iso-8859-2": "latin2 l2 csisolatin2 iso-ir-101",
    "iso-8859-3": "latin3 l3 csisolatin3 iso-ir-109",
    "iso-8859-4": "latin4 l4 csisolatin4 iso-ir-110",
    "iso-8859-5": "cyrillic csisolatincyrillic iso-ir-144",
    "iso-8859-6": "arabic csisolatinarabic asmo-708 ecma-114 iso-ir-127 iso-8859-6-e iso-8859-6-i",
    "iso-8859-7": "greek greek8 csisolatingreek ecma-118 elot_928 iso-ir-126 sun_eu_greek",
    "iso-8859-8": "hebrew visual csisolatinhebrew iso-ir-138 iso-8859-8-e iso-8859-8-i logical",
    "iso-8859-10": "latin6 l6 csisolatin6 iso-ir-157",
    "iso-8859-13": "",
    "iso-8859-14": "",
    "iso-8859-15": "latin9 l9 csisolatin9",
    "iso-8859-16": "",
    "koi8-r": "koi koi8 koi8_r cskoi8r",
    "koi8-u": "koi8-ru",
    "macintosh": "mac x-mac-roman csmacintosh",
    "x-mac-cyrillic": "x-mac-ukrainian",
    "windows-874": "tis-620 dos-874 cp874 iso-8859-11",
    "windows-1250": "cp1250 x-cp1250 win-1250",
    "windows-1251": "cp1251 x-cp1251 win-1251 win1251",
    "windows-1252": "cp1252 x-cp1252 latin1 l1 iso-8859-1 iso-ir-100 csisolatin1 ascii us-ascii "
    "ansi_x3.4-1968 cp819 ibm819 x-user-defined",
    "windows-1253": "cp1253 x-cp1253",
    "windows-1254": "cp1254 x-cp1254 iso-8859-9 latin5 l5 csisolatin5 iso-ir-148",
    "windows-1255": "cp1255 x-cp1255",
    "windows-1256": "cp1256 x-cp1256",
    "windows-1257": "cp1257 x-cp1257",
    "windows-1258": "cp1258 x-cp1258",
    "gb18030": "gbk gb2312 gb_2312 gb_2312-80 chinese csgb2312 csiso58gb231280 iso-ir-58 x-gbk "
    "cp936",
    "big5": "big5-hkscs cn-big5 csbig5 x-x-big5 big-5",
    "euc-jp": "x-euc-jp cseucpkdfmtjapanese eucjp",
    "iso-2022-jp": "csiso2022jp jis",
    "shift_jis": "shift-jis sjis x-sjis ms_kanji ms932 windows-31j csshiftjis cp932",
    "euc-kr": "ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 korean cseuckr csksc56011987 "
    "iso-ir-149 windows-949 cp949 ms949",
    "hz-gb-2312": "hz",
    "iso-2022-kr": "csiso2022kr",
}


def _with_spellings() -> dict[str, str]:
    names: dict[str, str] = {}
    for charset, aliases in _ALIASES.items():
        for alias in (charset, *aliases.split()):
            names[alias] = charset
            if alias.startswith("iso-"):  # iso8859-1, iso88591, iso_8859-1, iso-8859-1:1987
                names["iso" + alias[4:]] = charset
                names["iso" + alias[4:].replace("-", "")] = charset
                names["iso_" + alias[4:]] = charset
    for charset, codec in CODECS.items():  # as Python's codecs and detectors write them
        for name in (codec, codec.replace("-", "_"), codec.replace("_", "-")):
            names.setdefault(name, charset)
    names["iso2022_jp"] = names["iso2022-jp"] = "iso-2022-jp"
    return names


_CHARSETS = _with_spellings()


def charset_of(label: str) -> str | None:
    """The standard's name for a charset label, in lower case; None for a label nobody knows."""
    name = label.strip(" \t\r\n\f'\"").lower()
    return _CHARSETS.get(name) or _CHARSETS.get(name.partition(":")[0].strip())
