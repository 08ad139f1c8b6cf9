"""Which endpoints there are: a YAML file, or their URLs.

Owns the form of the file, and each fault's line, field and remedy. Does not know what the values mean (`endpoint`).

::

    model: Qwen/Qwen3-8B            # of all that name none; concurrency, timeout_s and key_variable likewise
    concurrency: 32
    endpoints:
      - url: http://10.0.0.5:8000/v1
      - {url: http://10.0.0.6:8000/v1, concurrency: 16}
      - {name: spare, url: https://example.org/v1, model: other, key_variable: SPARE_KEY, timeout_s: 120}

A key stands in no file: ``key_variable`` names the environment variable that holds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from speechagents.benchmark.fields import entries, fault, items, number, read_document, text, whole
from speechagents.cluster.endpoint import MAX_CONCURRENCY, EndpointSpec
from speechagents.errors import BenchmarkError, SettingsError
from speechagents.scripts.yaml_nodes import Node

MAX_ENDPOINTS: Final = 256

_COMMON: Final = ("model", "concurrency", "timeout_s", "key_variable")
_MAX_CHARS: Final = 2_000


def read_endpoints(path: Path, **common: Any) -> tuple[EndpointSpec, ...]:
    """The endpoints of a file.

    Args:
        path: Of the file.
        common: Values for all endpoints that have none of their own, neither themselves nor from the file's head.

    Raises:
        SettingsError: Something is missing or wrong; the message names file, line, field and remedy.
    """
    try:
        found = entries(read_document(path), ("endpoints",), _COMMON)
        listed = items(found["endpoints"])
        if not 1 <= len(listed) <= MAX_ENDPOINTS:
            raise fault(found["endpoints"].at, f"{len(listed)} endpoints; there are 1 to {MAX_ENDPOINTS}")
        shared = {**common, **_values(found)}
        specs: list[EndpointSpec] = []
        for item in listed:
            own = entries(item, ("url",), ("name", *_COMMON))
            values = {**shared, **_values(own), "url": text(own["url"], most=_MAX_CHARS)}
            if "name" in own:
                values["name"] = text(own["name"])
            try:
                specs.append(EndpointSpec(**values))
                _refuse_twins(specs)
            except SettingsError as error:
                raise fault(item.at, str(error)) from error
    except BenchmarkError as error:
        raise SettingsError(str(error)) from error
    return tuple(specs)


def named_endpoints(urls: Sequence[str], **common: Any) -> tuple[EndpointSpec, ...]:
    """Endpoints of which nothing is known but where they are.

    Args:
        urls: Base URLs.
        common: Values for all of them.

    Raises:
        SettingsError: One of them cannot be, or is there twice.
    """
    if len(urls) > MAX_ENDPOINTS:
        raise SettingsError(f"{len(urls)} endpoints are more than {MAX_ENDPOINTS}")
    specs: list[EndpointSpec] = []
    for url in urls:
        specs.append(EndpointSpec(url, **common))
        _refuse_twins(specs)
    return tuple(specs)


def _refuse_twins(specs: Sequence[EndpointSpec]) -> None:
    """Refuse the latest endpoint if another one has its name; two with one URL are one server asked for more."""
    latest = specs[-1]
    for one in specs[:-1]:
        if one.name == latest.name:
            more = "" if one.url != latest.url else "; raise its concurrency instead"
            raise SettingsError(f"two endpoints are called {latest.name}{more or '; give one of them another name'}")
        if one.url == latest.url and one.model == latest.model:
            raise SettingsError(f"endpoints {one.name} and {latest.name} are the same server; raise its concurrency")


def _values(found: Mapping[str, Node]) -> dict[str, Any]:
    """Those of a mapping that all endpoints may have in common."""
    values: dict[str, Any] = {}
    if "model" in found:
        values["model"] = text(found["model"])
    if "concurrency" in found:
        values["concurrency"] = whole(found["concurrency"], 1, MAX_CONCURRENCY)
    if "timeout_s" in found:
        values["timeout_s"] = number(found["timeout_s"], 0.01, 3_600.0)
    if "key_variable" in found:
        values["key_variable"] = text(found["key_variable"])
    return values
