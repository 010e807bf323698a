"""An operator who has signed in at the fake site, without a browser."""

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from tests.support.fakes.fake_site import TOKEN
from tests.support.fakes.fake_web import FakeWeb, Response

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Operator:
    """An operator's session."""

    web: FakeWeb
    cookie: str

    def get(self, path: str, **headers: str) -> Response:
        return self.web.get(path, cookie=self.cookie, **headers)

    def post(self, path: str, fields: dict[str, str], **headers: str) -> Response:
        body = urlencode(fields).encode()
        given = {"content_type": FORM, "cookie": self.cookie, **headers}
        return self.web.request("POST", path, body, **given)

    def answer(self, path: str) -> dict[str, str]:
        """Returns the hidden fields of the question at that address."""
        page = self.get(path)
        assert page.status == 200, page.text
        form = page.text[page.text.index('class="answer"') :]
        return dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))

    def log(self) -> str:
        return self.get("/operator/log?level=debug").text


def sign_in(web: FakeWeb, token: str = TOKEN, **headers: str) -> Response:
    body = urlencode({"username": "operator", "token": token}).encode()
    return web.request("POST", "/operator/sign-in", body, **{"content_type": FORM, **headers})


def sign_out(operator: Operator) -> Response:
    [csrf] = set(re.findall(r'name="csrf" value="(\w+)"', operator.get("/operator").text))
    return operator.post("/operator/sign-out", {"csrf": csrf})


def enter(web: FakeWeb, token: str = TOKEN) -> Operator:
    answer = sign_in(web, token)
    assert (answer.status, answer.headers["location"]) == (303, "/operator")
    return Operator(web, answer.headers["set-cookie"].partition(";")[0])
