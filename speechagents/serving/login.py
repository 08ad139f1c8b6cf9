"""Logging in and out: a page for people, the same address for programs.

Owns that page and its two routes. Does not know what is protected: the wall asks for the login.
"""

from __future__ import annotations

import html
from http import HTTPStatus
from urllib.parse import urlsplit

import anyio.to_thread
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from speechagents.serving.accounts import MAX_PASSWORD, Accounts
from speechagents.serving.cookies import Cookies
from speechagents.serving.wall import LOGIN, LOGOUT, is_secure


def login_routes(accounts: Accounts | None, cookies: Cookies, *, root_path: str = "") -> list[BaseRoute]:
    """The routes of logging in and out.

    Args:
        accounts: Who may come in; None lets everybody in, and there is nothing to log in to.
        cookies: Makes the cookie.
        root_path: Where a proxy mounts the server.
    """
    home = f"{root_path}/"

    async def page(request: Request) -> Response:
        if accounts is None:
            return RedirectResponse(home, HTTPStatus.SEE_OTHER)
        return HTMLResponse(_page(_local(request.query_params.get("next", ""), home), f"{root_path}{LOGIN}", ""))

    async def log_in(request: Request) -> Response:
        if accounts is None:
            return RedirectResponse(home, HTTPStatus.SEE_OTHER)
        async with request.form(max_files=0, max_fields=8) as form:
            name, password, onward = (_text(form, field) for field in ("username", "password", "next"))
        admitted = len(password) <= MAX_PASSWORD and await anyio.to_thread.run_sync(accounts.admits, name, password)
        mark = accounts.mark(name) if admitted else None
        # Programs get an answer they can read (`gradio_client` looks at the status alone).
        for_people = "text/html" in request.headers.get("accept", "")
        response: Response
        if mark is None and for_people:
            again = _page(_local(onward, home), f"{root_path}{LOGIN}", "That name and password do not belong together.")
            return HTMLResponse(again, HTTPStatus.UNAUTHORIZED)
        if mark is None:
            return JSONResponse({"error": "wrong name or password"}, HTTPStatus.UNAUTHORIZED)
        if for_people:
            response = RedirectResponse(_local(onward, home), HTTPStatus.SEE_OTHER)
        else:
            response = JSONResponse({"success": True})
        secure = is_secure(request.scope, request.headers)
        response.headers.append("set-cookie", cookies.for_known(name, mark, secure=secure))
        return response

    async def log_out(request: Request) -> Response:
        response = RedirectResponse(home if accounts is None else f"{root_path}{LOGIN}", HTTPStatus.SEE_OTHER)
        secure = is_secure(request.scope, request.headers)
        response.headers.append("set-cookie", cookies.for_leaving(secure=secure))
        return response

    return [
        Route(LOGIN, page, methods=["GET"]),
        Route(LOGIN, log_in, methods=["POST"]),
        Route(LOGOUT, log_out, methods=["GET", "POST"]),
    ]


def _text(form: FormData, field: str) -> str:
    value = form.get(field)
    return value.strip() if field == "username" and isinstance(value, str) else value if isinstance(value, str) else ""


def _local(path: str, home: str) -> str:
    """A path of ours to go on to; never another site, however it is written."""
    parts = urlsplit(path)
    fits = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return path if fits and path.isprintable() and "\\" not in path else home


def _page(onward: str, action: str, message: str) -> str:
    notice = f'<p role="alert">{html.escape(message)}</p>' if message else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Log in · SpeechAgents</title>
<style>
:root {{ color-scheme: light dark; font-family: system-ui, sans-serif; }}
body {{ display: grid; place-items: center; min-height: 100vh; margin: 0; background: light-dark(#faf7f1, #151116);
  color: light-dark(#221c22, #f3ecdf); }}
form {{ display: grid; gap: 1rem; width: min(22rem, 100% - 3rem); box-sizing: border-box; }}
h1 {{ font-size: 1.4rem; margin: 0; }}
label {{ display: grid; gap: .35rem; }}
input, button {{ font: inherit; padding: .65rem .75rem; border-radius: 8px; border: 1px solid #8a7f70; }}
button {{ background: #7d1f2e; border-color: #7d1f2e; color: #fff8ee; cursor: pointer; }}
[role=alert] {{ margin: 0; color: light-dark(#a3261f, #ff9a8d); }}
</style>
</head>
<body>
<form method="post" action="{html.escape(action)}">
<h1>SpeechAgents</h1>
{notice}
<label>Name <input name="username" autocomplete="username" autocapitalize="none" required autofocus></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<input type="hidden" name="next" value="{html.escape(onward)}">
<button>Log in</button>
</form>
</body>
</html>
"""
