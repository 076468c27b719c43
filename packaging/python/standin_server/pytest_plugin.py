"""Fixtures for pytest. The plug-in is found by pytest itself; a server runs only where a test asks for one."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from typing import Any, Callable, Iterator, Mapping

import pytest

from . import Server, start


@pytest.fixture(scope="session")
def standin_data() -> str | Mapping[str, Any]:
    """The data of the ``standin`` fixture: a mapping, or the path of a file. Override it; it is empty by default."""
    return {}


@pytest.fixture(scope="session")
def standin_rules() -> str | Mapping[str, Any] | None:
    """The rules of the ``standin`` fixture: a JSON Schema, the path of one, or None. Override it."""
    return None


@pytest.fixture(scope="session")
def _standin_servers() -> Iterator[Callable[[Any, Any], Server]]:
    """Returns the server for data and rules. Modules may override both, so there is one server for each pair."""
    servers: dict[str, Server] = {}
    with ExitStack() as stack:

        def server(data: Any, rules: Any) -> Server:
            key = json.dumps([data, rules], default=os.fspath)
            if key not in servers:
                args = () if isinstance(data, Mapping) else ("--ephemeral",)
                servers[key] = stack.enter_context(start(data, rules=rules, args=args))
            return servers[key]

        yield server


@pytest.fixture
def standin(_standin_servers: Callable[[Any, Any], Server], standin_data: Any, standin_rules: Any) -> Iterator[Server]:
    """A running server with ``.url``, ``.port`` and ``.reset()``. Each test begins with the data of ``standin_data``."""
    server = _standin_servers(standin_data, standin_rules)
    yield server
    server.reset()
