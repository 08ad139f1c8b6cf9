"""Files of endpoints: what is taken, and what is said of what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from speechagents.cluster.endpoint import EndpointSpec
from speechagents.cluster.endpoint_file import MAX_ENDPOINTS, named_endpoints, read_endpoints
from speechagents.errors import SettingsError

POOL = """\
model: Qwen/Qwen3-8B
concurrency: 32
endpoints:
  - url: http://127.0.0.1:8000
  - {url: http://127.0.0.1:8001/v1, concurrency: 16}
  - {name: spare, url: https://example.org/v1, model: other, key_variable: SPARE_KEY, timeout_s: 120}
"""


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("SPEECHAGENTS_API_KEY", "OPENAI_API_KEY", "SPARE_KEY"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pool.yaml"


def test_endpoints_have_what_the_file_says_of_all_and_of_each(path: Path) -> None:
    path.write_text(POOL, "utf-8")
    assert read_endpoints(path, timeout_s=30.0, concurrency=4) == (
        EndpointSpec("http://127.0.0.1:8000/v1", "127.0.0.1:8000", "Qwen/Qwen3-8B", None, 32, 30.0),
        EndpointSpec("http://127.0.0.1:8001/v1", "127.0.0.1:8001", "Qwen/Qwen3-8B", None, 16, 30.0),
        EndpointSpec("https://example.org/v1", "spare", "other", "SPARE_KEY", 32, 120.0),
    )


def test_urls_are_enough() -> None:
    first, second = named_endpoints(["http://localhost:1", "http://[::1]:2/v1"], model="tiny")
    assert (first.url, first.name, first.model) == ("http://localhost:1/v1", "localhost:1", "tiny")
    assert second.name == "[::1]:2"
    assert named_endpoints([]) == ()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "empty"),
        ("endpoints: []", "pool.yaml:1: endpoints: 0 endpoints"),
        ("model: x", "endpoints is missing"),
        ("endpoints:\n  - {name: a}", "pool.yaml:2: endpoints[0]: url is missing"),
        ("endpoints:\n  - url: ftp://here", "pool.yaml:2: endpoints[0]: server 'ftp://here' is no http"),
        ("endpoints:\n  - {url: 'http://a', api_key: x}", 'unknown key "api_key"'),
        ("endpoints:\n  - {url: 'http://a', concurrency: 0}", "endpoints[0].concurrency"),
        ("endpoints:\n  - {url: 'http://a', timeout_s: fast}", "endpoints[0].timeout_s"),
        ("endpoints:\n  - {url: 'http://a', name: 'a b'}", "letters, digits"),
        ("endpoints:\n  - {url: 'http://a', key_variable: 'sk-123-456'}", "no name of an environment variable"),
        (
            "endpoints:\n  - url: http://a\n  - url: http://a/v1",
            "pool.yaml:3: endpoints[1]: two endpoints are called a",
        ),
        ("endpoints:\n  - url: http://a\n  - {url: 'http://a', name: b}", "the same server; raise its concurrency"),
        ("endpoints:\n  - url: http://a\n  - {url: 'http://b', name: a}", "give one of them another name"),
        ("endpoints: &x\n  - url: http://a", "anchors"),
        ("- url: http://a", "no mapping"),
    ],
)
def test_a_file_that_will_not_do_is_told_with_its_place(path: Path, written: str, said: str) -> None:
    path.write_text(written, "utf-8")
    with pytest.raises(SettingsError) as caught:
        read_endpoints(path)
    assert said in str(caught.value)
    assert "sk-123" not in str(caught.value), "somebody took the key for its variable's name"


def test_two_models_of_one_server_are_two_endpoints(path: Path) -> None:
    path.write_text("endpoints:\n  - {url: 'http://a', model: x}\n  - {url: 'http://a', name: b, model: y}", "utf-8")
    assert [one.model for one in read_endpoints(path)] == ["x", "y"]


def test_a_key_does_not_cross_a_network_in_the_open(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARE_KEY", "sk-very-secret-1234")
    path.write_text("endpoints:\n  - {url: 'http://10.0.0.5:8000', key_variable: SPARE_KEY}", "utf-8")
    with pytest.raises(SettingsError, match=r"pool.yaml:2.*the key in SPARE_KEY would go to .* unencrypted") as caught:
        read_endpoints(path)
    assert "sk-very" not in str(caught.value)


def test_there_is_an_end_to_endpoints(path: Path) -> None:
    urls = [f"http://127.0.0.1:{1_000 + number}" for number in range(MAX_ENDPOINTS + 1)]
    assert len(named_endpoints(urls[:-1])) == MAX_ENDPOINTS
    with pytest.raises(SettingsError, match="257 endpoints"):
        named_endpoints(urls)
    path.write_text("endpoints:\n" + "".join(f"  - url: {url}\n" for url in urls), "utf-8")
    with pytest.raises(SettingsError, match="257 endpoints"):
        read_endpoints(path)
    with pytest.raises(SettingsError, match="cannot be read"):
        read_endpoints(path.with_name("missing.yaml"))
