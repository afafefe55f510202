"""Reads of ctlstore's sidecar, with nothing but the standard library. Copy this file into your project.

    with Sidecar("http://127.0.0.1:1331") as sidecar:      # or Sidecar("unix:/run/ctlstore/sidecar.sock")
        sidecar.row("shop", "prices", "eu", "apple")       # {"region": "eu", ...}, or None
        list(sidecar.rows_with_prefix("shop", "prices", "eu"))

Needs Python 3.10. One object is for one thread: it keeps one connection. Integers are exact, whatever their size. Bytes in rows are base64
text, as JSON has no bytes; in keys they are given as `bytes`.
"""

from __future__ import annotations

import base64
import http.client
import json
import socket
from typing import Any, Iterable, Mapping, Sequence
from urllib.parse import urlencode, urlsplit

KeyPart = str | int | bytes
Row = dict[str, Any]

MOST_KEPT_ANSWERS = 100


class SidecarError(Exception):
    """What the sidecar refused. Branch on `code` (docs/http-api.md), never on the text."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{message} [{code}]")
        self.status = status
        self.code = code


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Sidecar:
    """Every read takes `min_sequence` (wait until the host has this write) and `max_staleness` (seconds; refuse older).

    After each answer `sequence` is the ledger sequence of the state that it was read from, and `latency` its age in
    seconds; None where the sidecar did not say.
    """

    sequence: int | None = None
    latency: float | None = None

    def __init__(self, address: str, timeout: float = 10.0) -> None:
        if address.startswith("unix:"):
            self._connection: http.client.HTTPConnection = _UnixConnection(address[len("unix:") :], timeout)
        else:
            url = urlsplit(address)
            kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
            self._connection = kind(url.hostname or "127.0.0.1", url.port, timeout=timeout)
        self._known: dict[tuple[str, bytes], tuple[str, Any]] = {}

    def __enter__(self) -> Sidecar:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def row(self, family: str, table: str, *key: KeyPart, **conditions: float | str) -> Row | None:
        """The row with this key, or None when there is none."""
        body = {"key": [_part(part) for part in key]}
        return self._post(f"/get-row-by-key/{family}/{table}", body, conditions)

    def rows_with_prefix(self, family: str, table: str, *prefix: KeyPart, **conditions: float | str) -> list[Row]:
        """The rows whose key begins with these parts, in key order, all of one committed state.

        An answer is kept with its ETag: while nothing at all was written, asking again costs no rows.
        """
        path = f"/get-rows-by-key-prefix/{family}/{table}"
        return self._post(path, {"key": [_part(part) for part in prefix]}, conditions, keep=True)

    def rows(
        self, reads: Mapping[tuple[str, str], Iterable[Sequence[KeyPart]]], **conditions: float | str
    ) -> dict[tuple[str, str], list[Row | None]]:
        """Many keys of several tables, all of one committed state; None for each key that has no row."""
        wanted = [
            {"family": family, "table": table, "keys": [[_part(part) for part in key] for key in keys]}
            for (family, table), keys in reads.items()
        ]
        answer = self._post("/get-rows-by-keys", {"reads": wanted}, conditions)
        return {(one["family"], one["table"]): one["rows"] for one in answer["results"]}

    def _post(self, path: str, body: object, conditions: Mapping[str, float | str], keep: bool = False) -> Any:
        sent = json.dumps(body).encode()
        known = self._known.get((path, sent))
        headers = {"content-type": "application/json"}
        if known is not None:
            headers["if-none-match"] = known[0]
        query = urlencode({name.replace("_", "-"): value for name, value in conditions.items()})
        answer, content = self._send(f"{path}?{query}" if query else path, sent, headers)
        self._note_state(answer)
        if answer.status == 304 and known is not None:
            return known[1]
        # Only this header says "no such row". Another 404 is a table that is not there.
        if answer.status == 404 and answer.getheader("x-ctlstore") == "Not Found":
            return None
        if answer.status != 200:
            raise _error_of(answer.status, content)
        value = json.loads(content)
        if keep:
            self._keep((path, sent), answer.getheader("etag"), value)
        return value

    def _keep(self, request: tuple[str, bytes], etag: str | None, value: Any) -> None:
        if etag is None:
            return
        if len(self._known) >= MOST_KEPT_ANSWERS:
            self._known.clear()
        self._known[request] = (etag, value)

    def _send(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[http.client.HTTPResponse, bytes]:
        try:
            return self._send_once(path, body, headers)
        except ConnectionError:
            # A connection that was idle may have been closed by the other side, and a read can be sent twice.
            return self._send_once(path, body, headers)

    def _send_once(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[http.client.HTTPResponse, bytes]:
        try:
            self._connection.request("POST", path, body, headers)
            answer = self._connection.getresponse()
            return answer, answer.read()
        except BaseException:
            # Half an answer may be on its way: the next request needs a connection of its own.
            self._connection.close()
            raise

    def _note_state(self, answer: http.client.HTTPResponse) -> None:
        sequence = answer.getheader("ctlstore-sequence")
        latency = answer.getheader("ctlstore-latency")
        self.sequence = None if sequence is None else int(sequence)
        self.latency = None if latency is None else float(latency)


def _part(part: KeyPart) -> dict[str, Any]:
    if isinstance(part, bytes):
        return {"binary": base64.b64encode(part).decode()}
    return {"value": part}


def _error_of(status: int, content: bytes) -> SidecarError:
    try:
        error = json.loads(content)["error"]
        return SidecarError(status, error["code"], error["message"])
    except (ValueError, KeyError, TypeError):
        return SidecarError(status, "unknown", f"the sidecar answered {status}")
