"""One file over HTTP: continues where it was cut, checks size and sum, gives up politely.

No cookies, no netrc, no tokens: a server that asks for credentials or answers with a web page ends the transfer.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from isocenter.core.errors import BadInput, IsocenterError, NotFound, Refused
from isocenter.core.progress import track

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager
    from urllib3.exceptions import HTTPError

BLOCK = 1 << 20
ATTEMPTS = 5
PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file to fetch: where it will lie in the folder, where it is, how large (None: not stated), and its "algorithm:hex" sum."""

    path: str
    url: str
    bytes: int | None = None
    checksum: str | None = None


def download(file: RemoteFile, target: Path) -> None:
    """Bring one file to `target`, verified; several attempts, each continuing the last.

    Raises Refused for a login, NotFound for a dead link, BadInput for a wrong size or sum, IsocenterError when the server stays away.
    """
    part = part_of(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _receive(file, part)
            break
        except _Interrupted as error:
            if attempt == ATTEMPTS:
                raise IsocenterError(f"{file.path} could not be fetched: {error}", where=file.url, hint="the same command continues where it was cut") from error
            time.sleep(PAUSE_SECONDS * 2 ** (attempt - 1))
    _check(file, part)
    part.replace(target)
    _tag(part).unlink(missing_ok=True)


def size_of(url: str) -> int | None:
    """Bytes of a remote file as its server states them, asked without transferring it; None where it does not say or answer."""
    try:
        with _open(url, {"Accept-Encoding": "identity"}, method="HEAD") as response:
            length = response.headers.get("Content-Length", "")
            return int(length) if response.status == 200 and length.isdigit() else None
    except (_Interrupted, BadInput):
        return None


class _Interrupted(Exception):
    """The transfer broke off and may be tried again."""


def _receive(file: RemoteFile, part: Path) -> None:
    """One attempt: ask for what is still missing and append it, or start over when the server does not continue the same content."""
    have = part.stat().st_size if part.exists() else 0
    if file.bytes is not None and have == file.bytes:
        return
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-"} | ({"If-Range": _tag(part).read_text()} if _tag(part).exists() else {})
    with _open(file.url, headers) as response:
        if response.status == 416:
            part.unlink()
            raise _Interrupted("the server cannot continue the file; starting over")
        _refuse(file, response)
        start = _start(response)
        if response.status == 206 and start != have:
            raise _Interrupted(f"asked for byte {have}, got byte {start}")
        if response.status == 200 and (tag := _strong_tag(response)):
            _tag(part).write_text(tag)
        length = response.headers.get("Content-Length")
        total = start + int(length) if length and length.isdigit() else file.bytes
        with part.open("ab" if response.status == 206 else "wb") as stream:
            for block in track(_blocks(response, file.url), part.stem, None if total is None else (total - start + BLOCK - 1) // BLOCK):
                stream.write(block)
    size = part.stat().st_size
    if total is not None and size < total:
        raise _Interrupted(f"{size} of {total} bytes arrived")


def _start(response: BaseHTTPResponse) -> int:
    """The first byte of the answer: from Content-Range, 0 for a whole one."""
    text = response.headers.get("Content-Range", "")
    return int(text.removeprefix("bytes ").split("-")[0]) if response.status == 206 and text.startswith("bytes ") else 0


def _strong_tag(response: BaseHTTPResponse) -> str | None:
    """What proves later that the content is still the same: a strong ETag, else the date of the last change."""
    tag = response.headers.get("ETag", "")
    return response.headers.get("Last-Modified") if not tag or tag.startswith("W/") else tag


def _tag(part: Path) -> Path:
    return part.with_name(part.name + ".etag")


def _refuse(file: RemoteFile, response: BaseHTTPResponse) -> None:
    """Stop for good where an account, a wrong address or a web page stands in the way; try again after a server's own fault."""
    if response.status in (401, 403, 407):
        raise Refused(f"{file.path}: the server asks for an account (status {response.status})", where=file.url, hint="fetch never logs in; see its homepage")
    if response.status in (404, 410):
        raise NotFound(f"{file.path} is no longer there (status {response.status})", where=file.url, hint="see the homepage of the dataset; please report the dead link")
    if response.status >= 500 or response.status == 429:
        raise _Interrupted(f"status {response.status}")
    if response.status not in (200, 206):
        raise IsocenterError(f"{file.path}: unexpected status {response.status}", where=file.url)
    page = response.headers.get("Content-Type", "").startswith("text/html")
    if page and not file.path.endswith((".html", ".htm")):
        raise Refused(f"{file.path}: the server answers with a web page instead of the file, perhaps a login", where=file.url, hint="see the homepage of the dataset")


@contextmanager
def _open(url: str, headers: dict[str, str], method: str = "GET") -> Iterator[BaseHTTPResponse]:
    from urllib3 import Retry, Timeout
    from urllib3.exceptions import HTTPError

    if urlsplit(url).scheme not in ("http", "https"):
        raise BadInput(f"not an address that can be fetched: {url}")
    try:
        response = _pool(url).request(method, url, headers=headers, preload_content=False, timeout=Timeout(connect=20, read=60), retries=Retry(None, connect=0, read=0, redirect=5, status=0, other=0))
        try:
            yield response
        finally:
            response.release_conn()
            response.close()
    except HTTPError as error:
        raise _Interrupted(_in_words(error, url)) from error


def _in_words(error: HTTPError, url: str) -> str:
    """What stands between here and the server, in a line."""
    from urllib3 import exceptions

    host, reason = urlsplit(url).hostname, error.reason if isinstance(error, exceptions.MaxRetryError) and error.reason else error
    if isinstance(reason, exceptions.NameResolutionError):
        return f"the host {host} is not found; is there a network?"
    if isinstance(reason, exceptions.TimeoutError):
        return f"{host} does not answer"
    if isinstance(reason, exceptions.ProxyError):
        return f"the proxy does not let through to {host}"
    if isinstance(reason, exceptions.SSLError):
        return f"{host} has no certificate that can be trusted"
    if isinstance(reason, exceptions.NewConnectionError):
        return f"{host} cannot be reached; is there a network?"
    return f"the connection to {host} broke off"


def _pool(url: str) -> PoolManager:
    """A connection that honours the proxy settings of the environment."""
    from urllib3 import PoolManager, ProxyManager

    parts = urlsplit(url)
    proxy = None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
    agent = {"User-Agent": "isocenter (dataset catalog)"}
    return ProxyManager(proxy, headers=agent) if proxy else PoolManager(headers=agent)


def _blocks(response: BaseHTTPResponse, url: str) -> Iterator[bytes]:
    from urllib3.exceptions import HTTPError

    try:
        yield from response.stream(BLOCK, decode_content=False)
    except HTTPError as error:
        raise _Interrupted(_in_words(error, url)) from error


def _check(file: RemoteFile, part: Path) -> None:
    size = part.stat().st_size
    wrong = None
    if file.bytes is not None and size != file.bytes:
        wrong = f"has {size} bytes, expected {file.bytes}"
    elif file.checksum and (found := sum_of(part, file.checksum)) != hex_of(file.checksum):
        wrong = f"has the sum {found}, expected {hex_of(file.checksum)}"
    if wrong:
        part.unlink()
        _tag(part).unlink(missing_ok=True)
        raise BadInput(f"{file.path} {wrong}; the download was thrown away", where=file.url, hint="try again; if it stays wrong, the file changed after the catalog was written")


def hex_of(checksum: str) -> str:
    return checksum.partition(":")[2].lower()


def sum_of(path: Path, checksum: str) -> str:
    algorithm = checksum.partition(":")[0]
    if algorithm not in ("md5", "sha1", "sha256", "sha512"):
        raise BadInput(f"unknown kind of checksum: {checksum}")
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def part_of(target: Path) -> Path:
    """Where an unfinished file lies."""
    return target.with_name(target.name + ".part")
