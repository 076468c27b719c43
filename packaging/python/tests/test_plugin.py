"""The installed wheel as its users call it. Run by packaging/wheel.sh --test."""

import json
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
import standin_server


def call(method, url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request) as response:
        return response.status, json.load(response)


class TestOwnData:
    @pytest.fixture
    def standin_data(self):
        return {"users": [{"id": 1, "name": "Zoë"}]}

    def test_a_write(self, standin):
        assert call("POST", f"{standin.url}/users", {"name": "Grace"}) == (201, {"name": "Grace", "id": 2})
        assert len(call("GET", f"{standin.url}/users")[1]) == 2

    def test_the_data_is_back(self, standin):
        assert call("GET", f"{standin.url}/users") == (200, [{"id": 1, "name": "Zoë"}])

    def test_reset(self, standin):
        call("DELETE", f"{standin.url}/users/1")
        standin.reset()
        assert len(call("GET", f"{standin.url}/users")[1]) == 1


def test_the_data_is_empty_by_default(standin):
    assert call("GET", f"{standin.url}/db") == (200, {})
    assert standin.port == int(standin.url.rsplit(":", 1)[1])


def test_rules():
    rules = {"properties": {"users": {"items": {"required": ["email"]}}}}
    with standin_server.start({"users": []}, rules=rules) as server:
        with pytest.raises(urllib.error.HTTPError) as error:
            call("POST", f"{server.url}/users", {})
    assert error.value.code == 400


def test_a_file(tmp_path):
    file = tmp_path / "db.json"
    file.write_text('{"users": []}')
    with standin_server.start(file) as server:
        call("POST", f"{server.url}/users", {"name": "Ada"})
    assert "Ada" in file.read_text()


def test_a_start_that_fails(tmp_path):
    with pytest.raises(standin_server.StartError, match="missing.json"):
        standin_server.start(tmp_path / "missing.json")


def test_the_command_and_the_module():
    for command in ([standin_server.find_binary()], [sys.executable, "-m", "standin_server"]):
        output = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True).stdout
        assert output.startswith("standin ")
