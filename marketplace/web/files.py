"""Frozen texts, handed out to the byte."""

from __future__ import annotations

from flask import Response


def frozen_file(name: str, content: str) -> Response:
    """Return a text as a file to keep; its bytes are those that were hashed."""
    return Response(
        content.encode(),
        mimetype="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
