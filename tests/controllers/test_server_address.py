"""Where servers are, and which keys they may see."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.controllers.server_address import ServerAddress
from speechagents.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "base_url"),
    [
        ("http://localhost:11434/v1", "http://localhost:11434/v1"),
        ("http://localhost:11434/v1/", "http://localhost:11434/v1"),
        ("http://localhost:11434", "http://localhost:11434/v1"),
        ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1"),
        ("HTTPS://example.org/api", "https://example.org/api"),
        ("http://[::1]:8080", "http://[::1]:8080/v1"),
    ],
)
def test_a_base_url_is_what_paths_are_added_to(text: str, base_url: str) -> None:
    address = ServerAddress.parse(text)
    assert address.base_url == base_url
    assert address.url("models") == f"{base_url}/models"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost:11434",
        "//localhost",
        "http://",
        "http:///v1",
        "file:///etc/passwd",
        "http://host:port",
        "http://host:99999",
        "http://[::1",
        "http://a b/v1",
        "http://host/v1\n",
        "http://host\\@other/v1",
        "http://höst/v1",
        "http://host/" + "x" * 5_000,
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"URL"):
        ServerAddress.parse(text)


@pytest.mark.parametrize("text", ["http://me:geheim@host/v1", "https://host/v1?key=geheim", "https://host/v1#geheim"])
def test_a_secret_in_an_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(SettingsError, match="SPEECHAGENTS_API_KEY") as caught:
        ServerAddress.parse(text)
    assert "geheim" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_an_error_for_people(text: str) -> None:
    try:
        address = ServerAddress.parse(text)
    except SettingsError:
        return
    assert address.base_url.startswith(("http://", "https://"))


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("[::1]", True),
        ("192.168.1.5", False),
        ("localhost.example.org", False),
        ("127.0.0.1.example.org", False),
        ("10.0.0.1", False),
    ],
)
def test_loopback_is_this_machine_alone(host: str, loopback: bool) -> None:
    assert ServerAddress.parse(f"http://{host}:1").loopback is loopback


HERE, NEAR, FAR = (
    ServerAddress.parse(url) for url in ("http://127.0.0.1:1", "http://192.168.1.5:8000", "https://api.example.org")
)
BOTH = {"SPEECHAGENTS_API_KEY": "own-key-1234", "OPENAI_API_KEY": "openai-key-1234", "MINE": "my-key-1234"}
OTHERS = {"OPENAI_API_KEY": "openai-key-1234"}


@pytest.mark.parametrize(
    ("address", "variable", "environment", "key"),
    [
        (FAR, None, BOTH, "own-key-1234"),
        (HERE, None, BOTH, "own-key-1234"),
        (FAR, None, OTHERS, "openai-key-1234"),
        (HERE, None, OTHERS, ""),
        (NEAR, None, OTHERS, ""),
        (HERE, "OPENAI_API_KEY", OTHERS, "openai-key-1234"),
        (FAR, "MINE", BOTH, "my-key-1234"),
        (FAR, "MINE", OTHERS, ""),
        (FAR, "", BOTH, ""),
        (NEAR, "", BOTH, ""),
        (FAR, None, {}, ""),
        (FAR, None, {"SPEECHAGENTS_API_KEY": "  ", "OPENAI_API_KEY": "openai-key-1234"}, "openai-key-1234"),
    ],
)
def test_each_server_sees_the_key_that_is_meant_for_it(
    address: ServerAddress, variable: str | None, environment: dict[str, str], key: str
) -> None:
    assert address.key(variable, environment) == key


def test_a_key_for_a_server_across_a_plain_network_is_an_error() -> None:
    with pytest.raises(
        SettingsError, match=r"SPEECHAGENTS_API_KEY would go to http://192\.168\.1\.5:8000/v1"
    ) as caught:
        NEAR.key(None, BOTH)
    assert "own-key" not in str(caught.value)
