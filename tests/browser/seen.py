"""A page as a test sees it."""

import json
import urllib.request
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Seen:
    """An open dashboard."""

    context: Any
    page: Any
    root: str
    complaints: list[str] = field(default_factory=list)
    """What the console and the page said that it should not have to."""

    def listen(self) -> None:
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def until_ready(self) -> None:
        """Until every chart is drawn."""
        self.page.wait_for_selector("body[data-ready=yes]", timeout=30_000)

    def until_drawn(self, how: str) -> None:
        """Until the main chart is drawn like that: `weekly cumulative log`."""
        self.page.wait_for_selector(f'#plot-main[data-drawn="{how}"]', timeout=10_000)

    def choose(self, *labels: str) -> None:
        """Click the switches with these words on them."""
        for label in labels:
            self.page.locator("#controls label", has_text=label).first.click()

    def traces(self, plot: str = "#plot-main") -> list[dict[str, Any]]:
        """What Plotly has drawn."""
        broken = self.page.evaluate(
            """(plot) => document.querySelector(plot).data.map(({ x, y, meta, type, mode, name, yaxis }) =>
                ({ x: [...x], y: [...y], meta, type, mode, name, yaxis }))""",
            plot,
        )
        return list(broken)

    def layout(self) -> dict[str, Any]:
        """How the main chart is laid out."""
        return dict(self.page.evaluate("document.querySelector('#plot-main').layout"))

    def ask(self, path: str) -> Any:
        """What the API says, past every cache."""
        request = urllib.request.Request(self.root + path, headers={"Accept": "*/*", "Cache-Control": "no-cache"})
        with urllib.request.urlopen(request) as answer:
            body = answer.read().decode()
        return json.loads(body) if "json" in answer.headers["Content-Type"] else body

    def _note(self, message: Any) -> None:
        if message.type in ("error", "warning") or "WARN" in message.text:
            self.complaints.append(f"{message.type}: {message.text}")
