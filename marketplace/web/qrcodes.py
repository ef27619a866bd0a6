"""Addresses as pictures that a phone reads."""

from __future__ import annotations

import segno
from markupsafe import Markup


def qr(address: str) -> Markup:
    """Return an address as a QR code, an SVG to stand in a page or a paper; a quarter of it may be damaged."""
    code = segno.make(address, error="q", micro=False)
    return Markup(code.svg_inline(scale=4, border=2, dark="#000", light="#fff", omitsize=True))  # noqa: S704  # drawn by segno
