"""Fetching from a local server: size and licence first, continues where it was cut, checks sums, never logs in."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from isocenter.core import progress
from isocenter.core.errors import BadInput, Conflict, IsocenterError, NotFound, Refused
from isocenter.registry import fetch_transfer
from isocenter.registry.fetch import fetch, plan_fetch, sized

CONTENT = bytes(range(256)) * 4000          # 1,024,000 bytes
MD5 = "md5:" + hashlib.md5(CONTENT).hexdigest()
SHA = "sha256:" + hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves one content under several manners; notes what was asked."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.etag, self.asked, self.cut_after, self.faults = CONTENT, '"v1"', [], None, 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self._head(200 if self.path == "/data.bin" else 405, len(self.server.content))

    def do_GET(self):
        server = self.server
        server.asked.append((self.path, self.headers.get("Range"), self.headers.get("Authorization"), self.headers.get("Cookie")))
        if self.path == "/moved":
            return self._head(302, 0, Location="/data.bin")
        if self.path in ("/private", "/gone"):
            return self._head({"/private": 401, "/gone": 404}[self.path], 0)
        if self.path == "/login":
            self._head(200, 5, **{"Content-Type": "text/html; charset=utf-8"})
            return self.wfile.write(b"<html")
        if server.faults:
            server.faults -= 1
            return self._head(503, 0)
        start = self._start(server)
        if start is not None and start >= len(server.content):
            return self._head(416, 0)
        body = server.content[start or 0:]
        extra = {"ETag": server.etag, "Content-Type": "application/octet-stream"}
        if start is not None:
            extra["Content-Range"] = f"bytes {start}-{len(server.content) - 1}/{len(server.content)}"
        self._head(200 if start is None else 206, len(body), **extra)
        if server.cut_after is not None:
            body, server.cut_after = body[:server.cut_after], None
            self.wfile.write(body)
            self.wfile.flush()
            self.close_connection = True
            return self.connection.close()
        return self.wfile.write(body)

    def _start(self, server):
        asked, same = self.headers.get("Range"), self.headers.get("If-Range") in (None, server.etag)
        return int(asked.removeprefix("bytes=").rstrip("-")) if asked and same and self.path != "/no-range" else None

    def _head(self, status, length, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(fetch_transfer, "PAUSE_SECONDS", 0.0)
    progress.silence()
    one = Server()
    thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield one
    one.shutdown()
    one.server_close()
    progress.silence(False)


def catalog(*files: dict, access: str | None = "open", aliases: tuple = ()):
    """A catalog of one dataset, as rows."""
    tables = {
        "dataset": [{"slug": "toy", "name": "Toy", "access": access, "how_to_get": None, "homepage": "https://zenodo.org/records/1"},
                    {"slug": "other", "name": "Other", "access": None, "how_to_get": None, "homepage": None}],
        "dataset_alias": [{"alias": alias, "slug": slug, "ambiguous": False} for alias, slug in aliases],
        "access_rule": [{"pattern": "zenodo.org", "access": "open", "steps": "download the files listed on the record"}],
        "download": [{"slug": "toy", "release": "", "bytes": None, "checksum": None} | file for file in files],
        "license_statement": [{"slug": "toy", "statement": "CC BY 4.0", "source": "s", "release": "", "confidence": "read", "license_id": "CC-BY-4.0",
                               "use": None}],
    }
    return lambda sql: [dict(row) for row in tables[sql.split(" FROM ")[1].split()[0]] if "WHERE slug" not in sql or f"'{row['slug']}'" in sql]


def one_file(server, path="/data.bin", **known):
    return catalog({"path": "data/data.bin", "url": server.url + path, **known})


def test_the_plan_says_licence_and_size_before_anything_is_asked(server):
    plan = plan_fetch("toy", one_file(server, bytes=len(CONTENT), checksum=MD5))
    assert (plan.bytes, plan.license.license().id, plan.access) == (1_024_000, "CC-BY-4.0", "open")
    assert server.asked == []


def test_a_size_that_the_catalog_does_not_know_is_asked_without_transferring(server):
    assert sized(plan_fetch("toy", one_file(server))).bytes == 1_024_000
    assert sized(plan_fetch("toy", one_file(server, "/private"))).files[0].bytes is None
    assert sized(plan_fetch("toy", catalog({"path": "a", "url": "http://127.0.0.1:1/a"}))).files[0].bytes is None
    assert server.asked == []


@pytest.mark.parametrize("checksum", [MD5, SHA, None])
def test_a_file_arrives_whole_and_is_verified(server, tmp_path, checksum):
    done = fetch(plan_fetch("toy", one_file(server, checksum=checksum)), tmp_path)
    assert (tmp_path / "data/data.bin").read_bytes() == CONTENT
    assert (done.verified, done.unverified) == ((("data/data.bin",), ()) if checksum else ((), ("data/data.bin",)))
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"data.bin", "isocenter-fetch.json"}


def test_a_cut_transfer_continues_at_the_missing_byte(server, tmp_path):
    server.cut_after = 300_000
    fetch(plan_fetch("toy", one_file(server, checksum=MD5)), tmp_path)
    assert [asked[1] for asked in server.asked] == [None, "bytes=300000-"]
    assert (tmp_path / "data/data.bin").read_bytes() == CONTENT


def test_what_an_earlier_process_left_is_continued_by_the_next(server, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/data.bin.part").write_bytes(CONTENT[:100_000])
    fetch(plan_fetch("toy", one_file(server, checksum=MD5)), tmp_path)
    assert [asked[1] for asked in server.asked] == ["bytes=100000-"]
    assert (tmp_path / "data/data.bin").read_bytes() == CONTENT


def test_a_server_that_cannot_continue_or_changed_its_file_is_read_from_the_start(server, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/data.bin.part").write_bytes(b"x" * 100_000)
    (tmp_path / "data/data.bin.part.etag").write_text('"v0"')
    fetch(plan_fetch("toy", one_file(server, checksum=MD5)), tmp_path)
    assert (tmp_path / "data/data.bin").read_bytes() == CONTENT
    (tmp_path / "data/data.bin").rename(tmp_path / "data/data.bin.part")
    fetch(plan_fetch("toy", one_file(server, "/no-range", checksum=MD5)), tmp_path)
    assert (tmp_path / "data/data.bin").read_bytes() == CONTENT


def test_a_finished_file_is_not_asked_for_again(server, tmp_path):
    plan = plan_fetch("toy", one_file(server, checksum=MD5))
    fetch(plan, tmp_path)
    assert fetch(plan, tmp_path).kept == ("data/data.bin",)
    assert len(server.asked) == 1


def test_a_wrong_sum_or_size_throws_the_download_away(server, tmp_path):
    for known in ({"checksum": "md5:" + "0" * 32}, {"bytes": 5}):
        with pytest.raises(BadInput, match="thrown away"):
            fetch(plan_fetch("toy", one_file(server, **known)), tmp_path)
        assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_busy_server_is_asked_again_and_a_dead_one_is_left(server, tmp_path):
    server.faults = 2
    fetch(plan_fetch("toy", one_file(server, checksum=MD5)), tmp_path)
    server.faults = 99
    with pytest.raises(IsocenterError, match="could not be fetched"):
        fetch(plan_fetch("toy", catalog({"path": "b", "url": server.url + "/data.bin"})), tmp_path)


def test_a_host_that_is_not_there_is_said_in_a_line(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch_transfer, "PAUSE_SECONDS", 0)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(IsocenterError) as caught:
        fetch(plan_fetch("toy", catalog({"path": "b", "url": "http://nowhere.invalid/data.bin"})), tmp_path)
    assert caught.value.what == "b could not be fetched: the host nowhere.invalid is not found; is there a network?"


@pytest.mark.parametrize(("path", "error"), [("/private", Refused), ("/login", Refused), ("/gone", NotFound)])
def test_a_login_or_a_dead_link_ends_the_fetch(server, tmp_path, path, error):
    with pytest.raises(error):
        fetch(plan_fetch("toy", one_file(server, path)), tmp_path)
    assert len(server.asked) == 1


def test_no_credentials_are_ever_sent_also_after_a_redirect(server, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    fetch(plan_fetch("toy", one_file(server, "/moved", checksum=MD5)), tmp_path)
    assert [asked[0] for asked in server.asked] == ["/moved", "/data.bin"]
    assert {asked[2:] for asked in server.asked} == {(None, None)}


@pytest.mark.parametrize("path", ["../out", "/etc/out", "a/../../out", "C:\\out", "c:out"])
def test_a_path_that_leaves_the_folder_is_refused(server, tmp_path, path):
    with pytest.raises(BadInput, match="leave the folder"):
        fetch(plan_fetch("toy", catalog({"path": path, "url": server.url + "/data.bin"})), tmp_path / "in")


def test_an_address_that_is_no_web_address_is_refused(tmp_path):
    with pytest.raises(BadInput):
        fetch(plan_fetch("toy", catalog({"path": "a", "url": "file:///etc/passwd"})), tmp_path)


def test_where_access_is_not_open_the_steps_are_given(tmp_path):
    with pytest.raises(Refused) as error:
        fetch(plan_fetch("toy", catalog({"path": "a", "url": "http://127.0.0.1:1/a"}, access="registration")), tmp_path)
    assert "download the files listed on the record" in str(error.value)


def test_more_than_the_disk_holds_is_refused_before_the_first_byte(server, tmp_path):
    with pytest.raises(IsocenterError, match="GB are free"):
        fetch(plan_fetch("toy", one_file(server, bytes=10**18)), tmp_path)
    assert server.asked == []


def test_a_name_is_resolved_and_an_ambiguous_one_is_not(server):
    assert plan_fetch("TOY", one_file(server)).slug == "toy"
    with pytest.raises(Conflict):
        plan_fetch("both", catalog(aliases=(("Both", "toy"), ("Both", "other"))))
    with pytest.raises(NotFound, match="toy"):
        plan_fetch("toyy", catalog())
