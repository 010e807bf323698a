"""`make pictures`: starts a sale and a drill, and takes new pictures of both.

`python -m tests.pictures drill` takes only those that are named: `sale`, `drill`.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.visitor import browser_path
from tests.pictures import drill, sale
from tests.pictures.camera import Camera
from tests.support.throwaway import thrown_away

SHOTS = Path(__file__).parent / "shots"
SUBJECTS = {"sale": sale.take, "drill": drill.take}


def main(arguments: Sequence[str]) -> int:
    wanted = arguments or tuple(SUBJECTS)
    if unknown := set(wanted) - SUBJECTS.keys():
        print(f"no such picture: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    SHOTS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path())
        for name in wanted:
            for path in SUBJECTS[name](Camera(browser, SHOTS)):
                print(f"{path.name}: {path.stat().st_size // 1000} kB")
        browser.close()
    return 0


if __name__ == "__main__":
    with thrown_away():
        sys.exit(main(sys.argv[1:]))
