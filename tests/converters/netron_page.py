"""A page of netron in a headless browser, as a user sees it."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import netron

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
TIMEOUT = 120.0

# What is written in the boxes of the drawing, as soon as it is shown.
BOXES = """document.body?.classList.contains('default')
    ? Array.from(document.querySelectorAll('.node-item > text'), (text) => text.textContent)
    : null"""
CLICK = """Array.from(document.querySelectorAll('.node-item-type'))
    .filter((item) => item.querySelector('text')?.textContent === %s)[0]
    .dispatchEvent(new MouseEvent('click', {bubbles: true}))"""
SIDEBAR = """Array.from(document.querySelectorAll('#sidebar-content input, #sidebar-content div'))
    .filter((part) => part.tagName === 'INPUT' || part.children.length === 0)
    .map((part) => (part.value || part.textContent).trim())
    .filter((text) => text && text !== '+')"""


@contextlib.contextmanager
def served(path: Path) -> Iterator[str]:
    """Serve a model with netron itself; give the address of its page."""
    host, port = netron.serve(str(path), None, ("localhost", 0))
    try:
        yield f"http://{host}:{port}/"
    finally:
        netron.stop((host, port))


class Page:
    """A model in netron; the browser is spoken to in its DevTools protocol, over pipes."""

    def __init__(self, address: str, write: int, read: int) -> None:
        self._write, self._read = write, read
        self._numbers, self._rest = itertools.count(1), b""
        self._session: dict[str, str] = {}
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        found = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": found["sessionId"]}
        self._call("Network.enable")
        # Answers the question about cookies, and keeps netron from reporting its use.
        self._call("Network.setCookie", name="consent", value="1", url=address)
        self._call("Network.setBlockedURLs", urls=["https://*"])
        self._call("Page.navigate", url=address)
        self.boxes: list[str] = self._wait(BOXES)

    def click(self, operator: str) -> list[str]:
        """Click on the first node of an operator; give what the sidebar then says."""
        self._evaluate(CLICK % json.dumps(operator))
        return self._wait(SIDEBAR)

    def properties(self) -> list[str]:
        """Open the properties of the model; give what the sidebar then says."""
        self._evaluate("document.getElementById('sidebar-model-button').click()")
        return self._wait(SIDEBAR)

    def screenshot(self, path: Path) -> None:
        """Write a PNG."""
        time.sleep(1)  # until the sidebar has come in
        path.write_bytes(base64.b64decode(self._call("Page.captureScreenshot")["data"]))

    def _wait(self, expression: str) -> Any:
        end = time.monotonic() + TIMEOUT
        while not (found := self._evaluate(expression)):
            assert time.monotonic() < end, self._evaluate("document.body.innerText")
            time.sleep(0.2)
        return found

    def _evaluate(self, expression: str) -> Any:
        found = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params, **self._session}
        os.write(self._write, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + TIMEOUT
        while True:
            while b"\0" not in self._rest:
                ready, _, _ = select.select([self._read], [], [], max(0, end - time.monotonic()))
                assert ready, f"the browser does not answer {method}"
                self._rest += os.read(self._read, 1 << 20)
            line, _, self._rest = self._rest.partition(b"\0")
            answer = json.loads(line)
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]


@contextlib.contextmanager
def opened(path: Path, size: str = "1100,1100") -> Iterator[Page]:
    """Open a model in netron."""
    assert BROWSER is not None
    (from_us, write), (read, from_them) = os.pipe(), os.pipe()
    with (
        served(path) as address,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
    ):
        command = [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"]
        command += ["--remote-debugging-pipe", f"--user-data-dir={profile}"]
        command += [f"--window-size={size}", "--hide-scrollbars", "about:blank"]
        process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{from_us} 4>&{from_them}', "bash", *command],
            pass_fds=(from_us, from_them),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (from_us, from_them):
            os.close(end)
        try:
            yield Page(address, write, read)
        finally:
            process.kill()
            process.wait()
            for end in (write, read):
                os.close(end)
