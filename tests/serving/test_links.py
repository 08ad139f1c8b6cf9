"""Keys: each opens one thing, for one visitor, for some hours."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from speechagents.serving.links import Links
from speechagents.serving.tokens import Signer
from speechagents.serving.visitors import Visitor

from .conftest import Clock

ID = "0" * 16


def key_of(address: str) -> str:
    return parse_qs(urlsplit(address).query)["key"][0]


def test_a_page_s_link_opens_its_file_for_its_visitor(signer: Signer, anna: Visitor, ben: Visitor) -> None:
    links = Links(signer)
    key = key_of(links.file(anna, ID, "exports/a b.mp3"))
    assert links.holder(key, ID, "exports/a b.mp3", anna) == anna
    assert links.holder(key, ID, "exports/a b.mp3", ben) is None, "ben has found anna's link"
    assert links.holder(key, ID, "exports/other.mp3", anna) is None
    assert links.holder(key, "1" * 16, "exports/a b.mp3", anna) is None


def test_a_carried_link_opens_its_file_for_whoever_holds_it(signer: Signer, anna: Visitor, ben: Visitor) -> None:
    links = Links(signer)
    key = key_of(links.carried_file(anna, ID, "exports/a.mp3"))
    assert links.holder(key, ID, "exports/a.mp3", ben) == anna
    assert links.holder(key, ID, "exports/b.mp3", ben) is None


def test_a_link_grows_too_old(signer: Signer, clock: Clock, anna: Visitor) -> None:
    links = Links(signer)
    keys = [key_of(links.file(anna, ID, "a")), key_of(links.carried_file(anna, ID, "a"))]
    clock.now += 12 * 3600 + 1
    assert [links.holder(key, ID, "a", anna) for key in keys] == [None, None]


def test_keys_of_archives_and_of_sound_are_no_keys_of_files(signer: Signer, anna: Visitor) -> None:
    links = Links(signer)
    assert links.zip_holder(key_of(links.zip(anna, ID)), ID, anna) == anna
    assert links.listen_holder(key_of(links.listen(anna, ID)), ID, anna) == anna
    assert links.zip_holder(key_of(links.listen(anna, ID)), ID, anna) is None
    assert links.zip_holder(key_of(links.file(anna, ID, "exports/a.mp3")), ID, anna) is None


def test_addresses_are_written_for_the_place_a_proxy_gives_the_server(signer: Signer, anna: Visitor) -> None:
    links = Links(signer, root_path="/studio-one")
    assert (
        urlsplit(links.file(anna, ID, "exports/a b.mp3")).path
        == f"/studio-one/productions/{ID}/files/exports/a%20b.mp3"
    )
    assert links.voice("adam") == "/studio-one/voices/adam.wav"
