"""One spelling for the URLs of one page.

Syntax as RFC 3986, section 6.2.2 and 6.2.3: scheme and host in lower case, default ports and empty
ports dropped, an empty path is ``/``, dot segments resolved; escapes in upper case, those of
letters, digits and ``-._~`` decoded, and what no URL may hold (also a ``%`` without two digits)
escaped as UTF-8. Hosts that are not ASCII become Punycode (IDNA 2003, as of Python's own codec), a
dot at their end goes, IPv6 is written as RFC 5952 has it. White space around and line breaks and
tabs inside go, as in browsers. The fragment goes. ``%20`` in a query is ``+``. Empty parts of a
query go, and so does an empty query; the rest is sorted by name (parts of one name keep their
order). Escapes of reserved characters (``%2F``) stay: they may mean another page.

What goes further, and is an option each: tracking parameters and session ids (in the query and
behind ``;`` in the path), the scheme, ``www.``, the slash at the end of a path. On by default, as
in the keys of Common Crawl's index (SURT).

Total and idempotent: any string has a canonical form, which is its own. What is no ``scheme://``
URL (``mailto:``, a bare path, rubbish) is only trimmed. User and password stay.

Why our own: courlan (in trafilatura) drops ``ref``, ``source``, ``id``-like and other parameters
that choose a page, takes a URL out of a URL, and none of that is a setting; yarl and rfc3986 raise
where a URL is broken and know no parameters; w3lib's `canonicalize_url` (Scrapy) is the nearest,
but leaves dot segments and default ports, and has no list. Tests hold us to w3lib and yarl where
all have an answer. datatrove 0.10 deduplicates URLs as recorded, by a 64-bit hash (`ExactDedup`).
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote

TRACKING_PARAMETERS = (
    # campaigns
    "utm_*", "mtm_*", "matomo_*", "pk_*", "piwik_*", "itm_*", "hsa_*", "ga_*", "_ga", "_gl",
    # clicks, by who sends them: Google, Meta, Microsoft, Yandex, X, TikTok, LinkedIn, Pinterest
    "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "gad_source", "gad_campaignid", "srsltid",
    "fbclid", "fb_action_ids", "fb_action_types", "fb_source", "fb_ref", "igsh", "igshid",
    "msclkid", "yclid", "ysclid", "ymclid", "_openstat", "twclid", "ttclid", "li_fat_id", "epik",
    "rdt_cid", "scclid", "irclickid", "irgwc", "zanpid", "wickedid", "rb_clickid", "ef_id", "s_cid",
    "s_kwcid", "cvosrc", "xtor",
    # letters: Mailchimp, HubSpot, Marketo, Klaviyo, Vero, Omeda, MailerLite, Drip, Braze
    "mc_cid", "mc_eid", "_hsenc", "_hsmi", "__hstc", "__hssc", "__hsfp", "hsctatracking", "mkt_tok",
    "_ke", "_kx", "vero_id", "vero_conv", "oly_anon_id", "oly_enc_id", "ml_subscriber",
    "ml_subscriber_hash", "__s", "_bta_*",
    # sessions
    "jsessionid", "phpsessid", "aspsessionid*", "cfid", "cftoken",
)  # fmt: skip
"""Names that say who sent a visitor, not which page it is; ``*`` is any run of characters, case
does not count. Our own choice among what is well known, and short on purpose: ``ref``, ``source``,
``sid``, ``cid`` and the like choose a page on some sites. Add those that your sites waste."""

_HIERARCHICAL = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://([^/?#]*)([^?#]*)(?:\?([^#]*))?", re.S)
# what most URLs are: nothing to mend but the query
_PLAIN = re.compile(
    r"(https?)://((?:[a-z0-9_\-]+\.)+[a-z][a-z0-9\-]*)((?:/[A-Za-z0-9_~\-!$&'()*+,=:@]"
    r"[A-Za-z0-9_~\-!$&'()*+,=:@.]*)*/?)(?:\?([A-Za-z0-9_~.\-!$&'()*+,;=:@/?]*))?(?:#.*)?",
    re.S,
)
_REMOVED = str.maketrans("", "", "\t\r\n")
_AROUND = "".join(map(chr, range(0x21)))
_PORT = re.compile(r"(.*):([0-9]*)", re.S)
_DEFAULT_PORTS = {"http": "80", "https": "443", "ftp": "21", "ws": "80", "wss": "443"}
_HOST = re.compile(r"[a-z0-9._~\-!$&'()*+,;=]+")
_MAX_HOST = 1000  # characters; the longest that can be looked up has 253

_UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_DECODED = {f"%{ord(char):02X}": char for char in _UNRESERVED}
_PATH_ODD = re.compile(r"%[0-9A-Fa-f]{2}|[^A-Za-z0-9\-._~!$&'()*+,;=:@/]")
_QUERY_ODD = re.compile(r"%[0-9A-Fa-f]{2}|[^A-Za-z0-9\-._~!$&'()*+,;=:@/?]")


@dataclass(frozen=True)
class UrlRules:
    """What counts as the same page beyond syntax."""

    tracking_parameters: tuple[str, ...] = TRACKING_PARAMETERS
    ignore_scheme: bool = True
    """``https`` becomes ``http``."""
    ignore_www: bool = True
    ignore_trailing_slash: bool = True

    def canonical(self, url: str) -> str:
        """The canonical form of ``url``, which may be any string; never raises."""
        plain = _PLAIN.fullmatch(url)
        if plain is not None:
            scheme, host, path, query = plain.groups()
            if self.ignore_www:
                host = _without_www(host)
            if path and ";" in path:
                path = self._path(path)
            elif self.ignore_trailing_slash or not path:
                path = path.rstrip("/") or "/"
            if query:
                query = self._query(query)
        else:
            url = url.translate(_REMOVED).strip(_AROUND)
            found = _HIERARCHICAL.match(url)
            if found is None:
                return url
            scheme, host, path, query = found.groups()
            scheme = scheme.lower()
            host = self._authority(scheme, host)
            path = self._path(_PATH_ODD.sub(_mended, path))
            if query:
                query = self._query(_QUERY_ODD.sub(_mended_query, query))
        if self.ignore_scheme and scheme == "https":
            scheme = "http"
        return f"{scheme}://{host}{path}?{query}" if query else f"{scheme}://{host}{path}"

    @cached_property
    def _tracking(self) -> re.Pattern[str]:
        names = (".*".join(map(re.escape, n.split("*"))) for n in self.tracking_parameters)
        return re.compile(f"(?:{'|'.join(names)})" if self.tracking_parameters else r"(?!)", re.I)

    def _authority(self, scheme: str, authority: str) -> str:
        user, at, host = authority.rpartition("@")
        user = f"{_PATH_ODD.sub(_mended, user)}@" if at and user else ""
        port = ""
        found = _PORT.fullmatch(host)
        # further colons: rubbish, or an address without its brackets; the last is no port then
        if found is not None and (found[1].endswith("]") or ":" not in found[1]):
            host, port = found[1], found[2]
            port = (port.lstrip("0") or "0") if port else ""
        defaults = {_DEFAULT_PORTS.get(scheme)}
        if self.ignore_scheme and scheme in ("http", "https"):
            defaults = {"80", "443"}
        host = _host(host)
        while self.ignore_www and (bare := _without_www(host)) != host:
            host = _host(bare)  # may be an address, or short enough for Punycode, only now
        return user + host + (f":{port}" if port and port not in defaults else "")

    def _path(self, path: str) -> str:
        if ";" in path:
            segments = []
            for segment in path.split("/"):
                name, *parameters = segment.split(";")
                kept = [p for p in parameters if not self._is_tracking(p)]
                segments.append(";".join((name, *kept)))
            path = "/".join(segments)
        path = _without_dots(path) if "/." in path else path
        return (path.rstrip("/") if self.ignore_trailing_slash else path) or "/"

    def _query(self, query: str) -> str:
        parts = [part for part in query.split("&") if part and not self._is_tracking(part)]
        if len(parts) > 1:
            parts.sort(key=_name)
        return "&".join(parts)

    def _is_tracking(self, part: str) -> bool:
        return self._tracking.fullmatch(part.partition("=")[0]) is not None


def _name(part: str) -> str:
    return part.partition("=")[0]


def _mended(found: re.Match[str]) -> str:
    text = found[0]
    if len(text) == 3:
        escape = text.upper()
        return _DECODED.get(escape, escape)
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


def _mended_query(found: re.Match[str]) -> str:
    return "+" if found[0] in (" ", "%20") else _mended(found)


def _host(host: str) -> str:
    """In lower case and Punycode; what is no host of a kind we know stays as it is."""
    host = host.lower()
    if host.startswith("[") and host.endswith("]"):
        try:
            return f"[{ipaddress.IPv6Address(host[1:-1]).compressed}]"
        except ValueError:
            return host
    if "%" in host:
        try:
            decoded = unquote(host, errors="strict").lower()
        except UnicodeDecodeError:
            return host
        if _encoded(decoded) is None:
            return host
        host = decoded
    return _encoded(host) or host


def _encoded(host: str) -> str | None:
    """``host`` as it is looked up, or None where that cannot be."""
    named = host.rstrip(".")
    if not named.isascii():
        if len(named) > _MAX_HOST:
            return None
        try:
            # the codec takes other dots for dots, and may make a slash of one odd letter
            named = named.encode("idna").decode("ascii").lower().rstrip(".")
        except UnicodeError:
            return None
    return named if _HOST.fullmatch(named) else None


def _without_www(host: str) -> str:
    while host.startswith("www.") and "." in host[4:]:
        host = host[4:]
    return host


def _without_dots(path: str) -> str:
    """RFC 3986, section 5.2.4, for a path that begins with a slash."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
