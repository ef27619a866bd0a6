"""Street addresses: a service inside the network, one that fails, and none at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from marketplace.adapters.geocoding import Found, NoGeocoder, geocoder


class Service(BaseHTTPRequestHandler):
    """Answers as Nominatim does, or with an error for the address “broken”."""

    def do_GET(self) -> None:
        broken = "broken" in self.path
        body = json.dumps([{"display_name": "怀仁市东关街 1 号", "lat": "39.827", "lon": "113.096"}]).encode()
        self.send_response(500 if broken else 200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b"" if broken else body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[str]:
    """The address of a service on the loopback address."""
    server = HTTPServer(("127.0.0.1", 0), Service)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/nominatim"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_service_finds_an_address(service: str) -> None:
    found = geocoder(service).find("怀仁市东关街 1 号")

    assert found == (Found("怀仁市东关街 1 号", 39.827, 113.096),)


def test_a_service_that_fails_finds_nothing(service: str) -> None:
    assert geocoder(service).find("broken") == ()


def test_without_a_service_nothing_is_found() -> None:
    assert isinstance(geocoder(""), NoGeocoder)
    assert geocoder("").find("怀仁市") == ()
