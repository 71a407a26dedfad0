"""A page in a headless Chromium for tests, and what axe finds in it."""
import json
import shutil
import subprocess
import time
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
READY = "!!window.explorer && !document.getElementById('loading')"  # of an explorer


class Browser:
    "A page in a headless Chromium, spoken to by its debugging protocol."

    def __init__(self, folder, size="1500,1000"):
        options = ["--headless=new", "--no-sandbox", "--no-first-run", "--disable-background-networking", "--disable-component-update",
                   "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--remote-debugging-port=0", "--remote-allow-origins=*"]
        self.process = subprocess.Popen([CHROMIUM, *options, f"--window-size={size}", f"--user-data-dir={folder}", "about:blank"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.number, self.events, self.socket = 0, [], None
        try:
            self.connect(Path(folder) / "DevToolsActivePort")
        except BaseException:
            self.close()
            raise

    def connect(self, file, limit=60):
        websocket, end = pytest.importorskip("websocket"), time.time() + limit
        while not (file.exists() and file.read_text().count("\n")):
            assert time.time() < end and self.process.poll() is None, "Chromium does not start"
            time.sleep(.1)
        port = file.read_text().split()[0]
        targets = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=limit))
        address = next(t["webSocketDebuggerUrl"] for t in targets if t["type"] == "page")
        self.socket = websocket.create_connection(address, timeout=2 * limit)
        for domain in ("Page", "Runtime", "Network", "Log"):
            self(f"{domain}.enable")

    def __call__(self, method, **params):
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == self.number:
                assert "error" not in message, message
                return message["result"]
            self.events.append(message)

    def js(self, code):
        "The value of an expression."
        done = self("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, json.dumps(done["exceptionDetails"])[:600]
        return done["result"].get("value")

    def wait(self, code, limit=120):
        end = time.time() + limit
        while not self.js(code):
            assert time.time() < end, f"waited {limit} s for {code}"
            time.sleep(.2)

    def open(self, path, ready="true"):
        "Load a file and wait until it is complete and `ready`, an expression, holds."
        self.events.clear()
        self("Page.navigate", url=Path(path).as_uri())
        self.wait(f"document.readyState === 'complete' && ({ready})")

    def happened(self, method):
        return [e["params"] for e in self.events if e["method"] == method]

    def close(self):
        if self.socket:
            self.socket.close()
        self.process.terminate()
        self.process.wait(20)

    def strangers(self):
        "Addresses that the page asked for outside its own folder."
        asked = [e["request"]["url"] for e in self.happened("Network.requestWillBeSent")]
        return [a for a in asked if a.split(":")[0] not in ("file", "data", "blob")]

    def axe(self):
        "What axe finds of impact serious or critical: rule and the first elements that break it."
        spec = find_spec("axe_core_python")
        if spec is None:
            pytest.skip("wants axe-core-python: make setup-dev installs it")
        self.js((Path(spec.origin).parent / "axe.min.js").read_text(encoding="utf-8") + ";0")
        found = json.loads(self.js("axe.run({resultTypes: ['violations']}).then(r => JSON.stringify(r.violations))"))
        return [f"{v['id']}: {[n['html'][:120] for n in v['nodes'][:3]]}" for v in found if v["impact"] in ("serious", "critical")]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("wants Chromium: apt-get install chromium")
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()
