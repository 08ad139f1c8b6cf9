"""What a page may load."""

from __future__ import annotations

import base64
import hashlib

from speechagents.serving.protection import SILENT, page_policy, script_hashes


def test_scripts_of_the_page_are_admitted_one_by_one() -> None:
    html = b'<script>let a = 1;</script><SCRIPT data-x>\nb()\n</SCRIPT><script src="./x.js"></script><script></script>'
    expected = {
        f"'sha256-{base64.b64encode(hashlib.sha256(body).digest()).decode()}'" for body in (b"let a = 1;", b"\nb()\n")
    }
    assert script_hashes(html) == expected
    policy = page_policy(script_hashes(html))
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert expected < set(scripts.split())
    assert "'unsafe-inline'" not in scripts
    assert "http" not in scripts, "no other server's scripts"


def test_only_a_space_and_we_ourselves_may_frame_a_page() -> None:
    for policy in (page_policy(()), SILENT):
        assert "frame-ancestors 'self' https://huggingface.co https://*.hf.space" in policy
