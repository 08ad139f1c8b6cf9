"""What browsers are told about a response: what its page may load, who may frame it, what it may not do.

Owns these headers. Does not know which response it is, beyond its kind.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from typing import Final

_SCRIPT = re.compile(rb"<script\b([^>]*)>(.*?)</script\s*>", re.IGNORECASE | re.DOTALL)

COMMON: Final = {
    "x-content-type-options": "nosniff",
    # Links hold keys; no other site is told where somebody came from.
    "referrer-policy": "same-origin",
    "permissions-policy": "microphone=(self), autoplay=(self), camera=(), geolocation=(), payment=(), usb=(), "
    "display-capture=(), serial=(), midi=(), hid=(), browsing-topics=()",
    "cross-origin-resource-policy": "same-origin",
}

_FRAMED_BY: Final = "frame-ancestors 'self' https://huggingface.co https://*.hf.space"

SILENT: Final = f"default-src 'none'; sandbox; {_FRAMED_BY}"
"""Policy of what is no page: sound, texts, archives. Should a browser show it all the same, it can do nothing."""


def script_hashes(html: bytes | bytearray) -> frozenset[str]:
    """Sources, as a policy names them, of the scripts that stand in a piece of HTML."""
    return frozenset(
        f"'sha256-{base64.b64encode(hashlib.sha256(body).digest()).decode('ascii')}'"
        for attributes, body in _SCRIPT.findall(html)
        if b"src=" not in attributes.lower() and body.strip()
    )


def page_policy(hashes: Iterable[str]) -> str:
    """Policy of a page of the app.

    Scripts come from this server; those that stand in the page itself are admitted one by one, by their hash, so that
    a script that somebody manages to write into a page does not run. Gradio's interactive components compile code, so
    evaluation is allowed; its stylesheets are written into the page by scripts, so inline styles are.

    Args:
        hashes: Of the scripts in the page, and of those that it will write into itself.
    """
    return "; ".join(
        (
            "default-src 'self'",
            " ".join(("script-src 'self' 'unsafe-eval' blob:", *sorted(hashes))),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "media-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self' blob: data:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            _FRAMED_BY,
        )
    )
