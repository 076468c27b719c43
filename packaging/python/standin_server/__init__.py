"""Starts the standin mock API server from Python."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Mapping, Sequence

__all__ = ["Server", "StartError", "find_binary", "start"]


class StartError(Exception):
    """The server did not start; the message is the output of the program."""


def find_binary() -> str:
    """The path of the program: STANDIN_BINARY, the one installed with this package, or the one on PATH."""
    own = os.environ.get("STANDIN_BINARY")
    if own:
        return own
    name = "standin" + (sysconfig.get_config_var("EXE") or "")
    folders = [sysconfig.get_path("scripts")]
    user = "nt_user" if os.name == "nt" else "posix_user"
    if user in sysconfig.get_scheme_names():
        folders.append(sysconfig.get_path("scripts", scheme=user))
    folders.append(str(Path(sys.executable).parent))
    for folder in folders:
        path = Path(folder, name)
        if path.is_file():
            return str(path)
    found = shutil.which("standin")
    if found:
        return found
    raise FileNotFoundError(f"cannot find the program {name}; install standin-server, or set STANDIN_BINARY")


class Server:
    """A running server. Use it as a context manager, or call `stop`."""

    #: The address, for example ``http://localhost:41234``, without a trailing slash.
    url: str
    #: The port.
    port: int

    def __init__(self, process: subprocess.Popen[str], url: str, folder: str | None) -> None:
        self._process = process
        self._folder = folder
        self.url = url
        self.port = urllib.parse.urlsplit(url).port or 80

    def reset(self, snapshot: str | None = None) -> None:
        """Resets the data to the state at the start, or to a named snapshot."""
        query = "" if snapshot is None else "?snapshot=" + urllib.parse.quote(snapshot, safe="")
        request = urllib.request.Request(f"{self.url}/-/reset{query}", method="POST")
        with urllib.request.urlopen(request):
            pass

    def stop(self) -> None:
        """Stops the server and waits until it has ended. Calling it twice is fine."""
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start(
    data: str | os.PathLike[str] | Mapping[str, Any],
    *,
    rules: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    port: int = 0,
    args: Sequence[str] = (),
) -> Server:
    """Starts a server and waits until it accepts requests. It ends with this process at the latest.

    ``data`` is the path of a JSON file, which writes go to, or the data itself, which is kept in memory. ``rules`` is
    the path of a JSON Schema, or the schema itself. ``port`` 0 picks a free one. ``args`` are more command-line
    arguments.
    """
    folder = None
    if isinstance(data, Mapping) or isinstance(rules, Mapping):
        folder = tempfile.mkdtemp(prefix="standin-")
    command = [find_binary(), _file(folder, "db.json", data), "--port", str(port), "--exit-on-stdin-close"]
    if rules is not None:
        command += ["--schema", _file(folder, "db.schema.json", rules)]
    if isinstance(data, Mapping):
        # Nobody will read the temporary file, so it need not be saved.
        command.append("--ephemeral")
    errors = tempfile.TemporaryFile(mode="w+", encoding="utf-8")
    # The last ones win: the address is read from the banner, whatever the other options are.
    process = subprocess.Popen(
        [*command, *args, "--quiet=false", "--log-level=info"],
        env={**os.environ, "NO_COLOR": "1", "CLICOLOR_FORCE": "0", "STANDIN_LOG": ""},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    assert process.stdout is not None
    for line in process.stdout:
        # The banner is printed once the port is open.
        found = re.match(r"\s*Home\s+(http\S+?)/?\s*$", line)
        if found:
            threading.Thread(target=_drain, args=(process.stdout,), daemon=True).start()
            return Server(process, found.group(1), folder)
    process.wait()
    errors.seek(0)
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
    raise StartError(errors.read().strip() or f"standin ended at once with {process.returncode}")


def _file(folder: str | None, name: str, value: str | os.PathLike[str] | Mapping[str, Any]) -> str:
    if not isinstance(value, Mapping):
        return os.fspath(value)
    assert folder is not None
    path = Path(folder, name)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2), encoding="utf-8")
    return str(path)


def _drain(stream: Any) -> None:
    """Reads the log, which must not fill the pipe."""
    for _ in stream:
        pass
