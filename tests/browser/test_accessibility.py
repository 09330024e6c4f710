"""axe over the dashboard, in each of its guises; and what axe cannot see."""

from typing import Any

import pytest

from tests.browser.conftest import Open
from tests.browser.test_dashboard import PHONE

axe = pytest.importorskip("axe_playwright_python.sync_playwright")

GUISES: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": PHONE,
    "bare": {"java_script_enabled": True, "color_scheme": "light", "reduced_motion": "reduce"},
}


@pytest.mark.parametrize("guise", GUISES)
def test_axe_finds_nothing_serious(open_page: Open, guise: str) -> None:
    seen = open_page(**GUISES[guise])
    seen.page.click("#main-table summary")
    found = axe.Axe().run(seen.page).response["violations"]
    violations = [(one["id"], one["impact"], [node["html"][:120] for node in one["nodes"]][:3]) for one in found]
    assert [one for one in violations if one[1] in ("serious", "critical", "moderate")] == []


def test_axe_finds_nothing_serious_on_a_page_that_is_turned_back(open_page: Open) -> None:
    seen = open_page()
    day = seen.ask("runs?limit=100")[-1]["run_id"][:10]
    other = open_page(f"?as_of={day}")
    found = axe.Axe().run(other.page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical", "moderate")] == []


@pytest.mark.parametrize("target", ["embed?measure=cases", "embed?theme=dark", "docs"])
def test_axe_finds_nothing_serious_in_frames_and_in_the_page_of_the_api(open_page: Open, target: str) -> None:
    seen = open_page(target, ready=False)
    found = axe.Axe().run(seen.page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical", "moderate")] == []


def test_axe_finds_nothing_serious_in_a_page_about_a_problem(open_page: Open) -> None:
    seen = open_page("nowhere", ready=False)
    assert "There is no '/nowhere'" in seen.page.locator("main").inner_text()
    found = axe.Axe().run(seen.page).response["violations"]
    seen.complaints.clear()  # the browser's own word about a 404
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical", "moderate")] == []


def test_every_chart_has_a_text_summary_and_a_table(open_page: Open) -> None:
    seen = open_page()
    for figure in seen.page.locator("figure.chart").all():
        assert len(figure.locator("figcaption").inner_text()) > 20
        assert figure.locator(".plot").get_attribute("role") == "img"
        around = figure.locator("xpath=..")
        assert around.locator("table, details").count() >= 1
