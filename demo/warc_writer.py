"""Writes captures as Common Crawl would: one gzip member a record, warcinfo first."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

import gzip_bytes
from capture import Capture
from dice import Dice

CRAWL = "WINNOW-DEMO-2024-10"
START = datetime(2024, 3, 1, 12, 0, 0, tzinfo=UTC)
Fields = list[tuple[str, str]]

WARCINFO = f"""isPartOf: {CRAWL}
publisher: winnow
description: A made-up crawl of made-up sites, for tests and first steps
operator: winnow
software: demo/build_crawl.py
robots: checked in the imagination only
format: WARC File Format 1.0
conformsTo: https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.0/
"""
REQUEST = """GET {path} HTTP/1.1
User-Agent: winnow-demo/1.0
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8
Accept-Language: en-US,en;q=0.5
Accept-Encoding: br,gzip
Host: {host}
Connection: Keep-Alive

"""


class WarcWriter:
    """Collects the bytes of one WARC file and remembers where each response begins."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._seconds = 0
        self.places: dict[str, tuple[int, int]] = {}  # url -> offset and length of its response
        self.record_counts: Counter[str] = Counter()
        self._info_id = _urn("warcinfo")
        body = WARCINFO.replace("\n", "\r\n").encode()
        fields = [("WARC-Filename", "demo.warc.gz"), ("Content-Type", "application/warc-fields")]
        self._write("warcinfo", self._info_id, fields, body)

    def add(self, capture: Capture, with_neighbours: bool) -> None:
        """Write the response, and if asked its request before and its metadata after."""
        dice = Dice(capture.url)
        self._seconds += dice.between(1, 20)
        response_id = _urn(capture.quirks.record_id_of or capture.url)
        target = [
            ("WARC-Warcinfo-ID", self._info_id),
            ("WARC-IP-Address", f"198.51.100.{dice.between(1, 254)}"),
            ("WARC-Target-URI", capture.url),
        ]
        concurrent = ("WARC-Concurrent-To", response_id)
        if with_neighbours:
            fields = [("Content-Type", "application/http; msgtype=request"), concurrent, *target]
            self._write("request", _urn(f"request {capture.url}"), fields, _request(capture.url))
        if capture.quirks.revisit_of:
            self._add_revisit(capture, response_id, target)
        else:
            self._add_response(capture, response_id, target)
        if with_neighbours:
            fields = [("Content-Type", "application/warc-fields"), concurrent, *target]
            self._write(
                "metadata", _urn(f"metadata {capture.url}"), fields, _metadata(capture, dice)
            )

    def to_bytes(self) -> bytes:
        return bytes(self._bytes)

    def _add_response(self, capture: Capture, record_id: str, target: Fields) -> None:
        block = http_head(capture) + capture.body
        fields: Fields = [("Content-Type", "application/http; msgtype=response"), *target]
        payload = capture.body + (b"?" if capture.quirks.wrong_digest else b"")
        fields += [
            ("WARC-Payload-Digest", _digest(payload)),
            ("WARC-Block-Digest", _digest(block)),
            ("WARC-Identified-Payload-Type", _identified_type(capture)),
        ]
        if capture.quirks.truncated_reason:
            fields.append(("WARC-Truncated", capture.quirks.truncated_reason))
        self._write("response", record_id, fields, block, capture)

    def _add_revisit(self, capture: Capture, record_id: str, target: Fields) -> None:
        fields: Fields = [
            ("Content-Type", "application/http; msgtype=response"), *target,
            ("WARC-Refers-To-Target-URI", capture.quirks.revisit_of or ""),
            ("WARC-Profile", "http://netpreserve.org/warc/1.0/revisit/identical-payload-digest"),
        ]  # fmt: skip
        self._write("revisit", record_id, fields, http_head(capture), capture)

    def _write(
        self,
        record_type: str,
        record_id: str,
        fields: Fields,
        block: bytes,
        capture: Capture | None = None,
    ) -> None:
        date = (START + timedelta(seconds=self._seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
        head: Fields = [
            ("WARC-Type", record_type),
            ("WARC-Date", date),
            ("WARC-Record-ID", record_id),
            ("Content-Length", str(len(block))),
            *fields,
        ]
        if capture and capture.quirks.without_date:
            head.remove(("WARC-Date", date))
        if capture and capture.quirks.lower_case_headers:
            head = [(name.lower(), value) for name, value in head]
        lines = ["WARC/1.0", *(f"{name}: {value}" for name, value in head), "", ""]
        packed = gzip_bytes.member("\r\n".join(lines).encode() + block + b"\r\n\r\n")
        if capture and capture.quirks.cut_gzip:
            packed = packed[: len(packed) * 6 // 10]
        if capture:
            self.places[capture.url] = (len(self._bytes), len(packed))
        self._bytes += packed
        self.record_counts[record_type] += 1


def http_head(capture: Capture) -> bytes:
    fields: Fields = [("Date", START.strftime("%a, %d %b %Y %H:%M:%S GMT"))]
    if capture.content_type:
        fields.append(("Content-Type", capture.content_type))
    names = {name for name, _ in capture.headers}
    if not names & {"Content-Encoding", "Transfer-Encoding"}:
        # Common Crawl stores bodies decoded, and keeps the original header under this name.
        if Dice(f"encoding {capture.url}").chance(0.5):
            fields.append(("X-Crawl-Content-Encoding", "gzip"))
        fields.append(("Content-Length", str(len(capture.body))))
    lines = [f"HTTP/1.1 {capture.status}"]
    lines += [f"{name}: {value}" for name, value in (*fields, *capture.headers)]
    return capture.line_end.join([*lines, "", ""]).encode()


def _request(url: str) -> bytes:
    parts = urlsplit(url)
    path = quote(parts.path, safe="/%") + (f"?{parts.query}" if parts.query else "")
    return REQUEST.format(path=path, host=parts.netloc).replace("\n", "\r\n").encode()


def _metadata(capture: Capture, dice: Dice) -> bytes:
    text = f"fetchTimeMs: {dice.between(20, 900)}\r\n"
    if capture.language:
        guess = {
            "reliable": True,
            "text-bytes": len(capture.body) // 2,
            "languages": [{"code": capture.language, "text-covered": 0.98}],
        }
        text += f"charset-detected: UTF-8\r\nlanguages-cld2: {json.dumps(guess)}\r\n"
    return text.encode()


def _identified_type(capture: Capture) -> str:
    """The type as a detector would have it from the bytes."""
    signs = ((b"GIF8", "image/gif"), (b"%PDF", "application/pdf"), (b"{", "application/json"))
    for sign, media_type in signs:
        if capture.body.startswith(sign):
            return media_type
    return (capture.content_type or "text/html").split(";")[0]


def _digest(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()


def _urn(key: str) -> str:
    digest = hashlib.sha256(key.encode()).digest()
    return f"<urn:uuid:{uuid.UUID(bytes=digest[:16], version=4)}>"
