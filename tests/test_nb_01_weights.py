"""Generated from nbs/01_weights.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from dataclasses import replace
from pathlib import Path
from platonic_nb.core import PlatonicError, file_sha256
from platonic_nb.weights import download, fetch, first_seen, require_download
from platonic_nb.zoo import cards
import http.server
import pytest
import tempfile
import threading


@pytest.fixture(scope="module")
def given_Server():
    # A download that can be taken up
    class Server(http.server.BaseHTTPRequestHandler):
        "Serves one file with ranges; the first answer breaks off."
        content, served = bytes(range(256))*4096, []
        def log_message(self, *args): pass
        def do_GET(self):
            start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
            if start >= len(self.content): return self.send_error(416)
            body = self.content[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if self.served else body[:300_000])
            self.served.append(start)
            self.close_connection = True

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address, folder = f"http://127.0.0.1:{server.server_port}/weights.model", tempfile.TemporaryDirectory()
    place = Path(folder.name)/"cache/weights.model"
    try: download(address, place)
    except PlatonicError as e: message = str(e)
    partly = place.with_name("weights.model.part").stat().st_size
    download(address, place)
    {"first": "what has come so far is kept" in message, "came": partly, "taken up at": Server.served[1], "whole": place.read_bytes() == Server.content}
    return {"Server": Server, "address": address, "folder": folder, "message": message, "partly": partly, "place": place, "server": server}


def test_a_download_that_can_be_taken_up_1(given_Server):
    # A download that can be taken up
    from fastcore.test import test_eq, test_fail
    Server = given_Server["Server"]
    address = given_Server["address"]
    folder = given_Server["folder"]
    message = given_Server["message"]
    partly = given_Server["partly"]
    place = given_Server["place"]
    assert "what has come so far is kept" in message and 0 < partly <= 300_000
    test_eq(Server.served, [0, partly]); test_eq(place.read_bytes(), Server.content); assert not place.with_name("weights.model.part").exists()
    test_eq(download("http://127.0.0.1:9/none", place), place)  # there already: nobody is asked
    test_fail(lambda: download("http://127.0.0.1:9/none", Path(folder.name)/"other"), contains="cannot download")
    (whole := Path(folder.name)/"again.part").write_bytes(Server.content)  # killed between the last byte and the new name
    test_eq(download(address, Path(folder.name)/"again").read_bytes(), Server.content)
    (Path(folder.name)/"file").write_text("")
    test_fail(lambda: download(address, Path(folder.name)/"file/x"), contains="cannot write")


@pytest.fixture(scope="module")
def given_memory(given_Server):
    # What was seen first
    Server = given_Server["Server"]
    folder = given_Server["folder"]
    place = given_Server["place"]
    memory = Path(folder.name)/"weights.json"
    first_seen(place, memory)
    place.write_bytes(Server.content[:-1])  # somebody put another file there
    try: first_seen(place, memory)
    except PlatonicError as e: changed = str(e)
    changed.partition("its ")[2][:40]
    return {"changed": changed, "memory": memory}


def test_what_was_seen_first_1(given_Server, given_memory):
    # What was seen first
    from fastcore.test import test_eq, test_fail
    Server = given_Server["Server"]
    changed = given_memory["changed"]
    memory = given_memory["memory"]
    place = given_Server["place"]
    assert "when it was first seen" in changed
    place.write_bytes(Server.content)
    test_eq(first_seen(place, memory), file_sha256(place))
    memory.write_text("{")
    test_fail(lambda: first_seen(place, memory), contains="delete it to start anew")


def test_weights_of_the_zoo_1(given_Server):
    # Weights of the zoo
    from fastcore.test import test_eq, test_fail
    folder = given_Server["folder"]
    place = given_Server["place"]
    server = given_Server["server"]
    test_fail(lambda: fetch("7net-0"), contains="not a model whose weights are a download")
    test_fail(lambda: fetch("mace-mp-0-smal"), contains="Did you mean")
    card, memory = next(c for c in cards().values() if c.url), Path(folder.name)/"new.json"
    test_fail(lambda: require_download(card, Path(folder.name)/"none"), contains=f"platonic fetch {card.name}")
    test_fail(lambda: require_download(card, place, memory=memory), contains="it may run code")
    test_eq(require_download(card, place, trust=file_sha256(place), memory=memory), file_sha256(place))
    test_eq(require_download(replace(card, sha256=file_sha256(place)), place, memory=memory), file_sha256(place))
    test_fail(lambda: require_download(replace(card, sha256="0"*64), place, memory=memory), contains="the zoo knows")
    server.shutdown()
