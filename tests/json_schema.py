"""As much of JSON Schema as the schemas of this project use: a validator for tests, which need no other library."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,), "number": (int, float), "integer": (int,), "boolean": (bool,), "null": (type(None),),
    "array": (list,), "object": (dict,),
}  # fmt: skip
_SAY_NOTHING = {"$schema", "title", "description", "default", "$defs", "properties", "type"}


def schema_complaints(
    value: object, schema: Mapping[str, Any], at: str = "$", *, root: Mapping[str, Any] | None = None
) -> list[str]:
    """What a schema finds wrong, with the place of each; a keyword that it does not know is an error.

    Args:
        value: What is checked.
        schema: Says what it must be.
        at: Its place.
        root: The schema with the definitions; None takes this one.
    """
    root = schema if root is None else root
    found: list[str] = []
    names = schema.get("type", list(_TYPES))
    allowed = [kind for name in ([names] if isinstance(names, str) else names) for kind in _TYPES[name]]
    if not isinstance(value, tuple(allowed)) or (isinstance(value, bool) and bool not in allowed):
        return [f"{at} is no {names}"]
    items: list[object] = value if isinstance(value, list) else []
    pairs: dict[Any, object] = value if isinstance(value, dict) else {}
    length = len(value) if isinstance(value, str | list | dict) else 0
    for keyword, said in schema.items():
        right = True
        match keyword:
            case "$ref":
                found += schema_complaints(value, root["$defs"][said.removeprefix("#/$defs/")], at, root=root)
            case "enum":
                right = value in said
            case "required":
                right = set(said) <= pairs.keys()
            case "items":
                found += [
                    wrong
                    for n, item in enumerate(items)
                    for wrong in schema_complaints(item, said, f"{at}[{n}]", root=root)
                ]
            case "additionalProperties":
                known: dict[str, Any] = schema.get("properties", {})
                for key, item in pairs.items():
                    if key not in known and said is False:
                        found.append(f"{at}.{key} is unknown")
                    else:
                        found += schema_complaints(item, known.get(key, said), f"{at}.{key}", root=root)
            case "propertyNames":
                found += [
                    wrong for key in pairs for wrong in schema_complaints(str(key), said, f"{at}.{key}", root=root)
                ]
            case "pattern":
                right = not isinstance(value, str) or re.search(said, value) is not None
            case "minLength":
                right = not isinstance(value, str) or length >= said
            case "maxLength":
                right = not isinstance(value, str) or length <= said
            case "minItems":
                right = not isinstance(value, list) or length >= said
            case "maxItems":
                right = not isinstance(value, list) or length <= said
            case "maxProperties":
                right = not isinstance(value, dict) or length <= said
            case "minimum":
                right = not isinstance(value, int | float) or value >= said
            case "maximum":
                right = not isinstance(value, int | float) or value <= said
            case _:
                assert keyword in _SAY_NOTHING, keyword
        if not right:
            found.append(f"{at} fails {keyword} {said}")
    return found
