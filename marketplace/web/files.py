"""Frozen texts, handed out to the byte, and papers as PDF files."""

from __future__ import annotations

from flask import Response


def frozen_file(name: str, content: str) -> Response:
    """Return a text as a file to keep; its bytes are those that were hashed."""
    return Response(
        content.encode(),
        mimetype="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def pdf_file(name: str, content: bytes) -> Response:
    """Return a paper as a PDF to keep."""
    return Response(
        content, mimetype="application/pdf", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
