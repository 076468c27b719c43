"""Fixtures for pytest. The plug-in is found by pytest itself; a server runs only where a test asks for one."""

from __future__ import annotations

from typing import Any, Iterator, Mapping

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
def _standin_server(standin_data: Any, standin_rules: Any) -> Iterator[Server]:
    with start(standin_data, rules=standin_rules, args=() if isinstance(standin_data, Mapping) else ("--ephemeral",)) as server:
        yield server


@pytest.fixture
def standin(_standin_server: Server) -> Iterator[Server]:
    """A running server with ``.url``, ``.port`` and ``.reset()``. Each test begins with the data of ``standin_data``."""
    yield _standin_server
    _standin_server.reset()
