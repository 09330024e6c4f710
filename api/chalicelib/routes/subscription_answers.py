"""`/subscriptions`: the form, and what becomes of it. Whoever the address belongs to, the answer is the same."""

from chalicelib.pages.mail_form import mail_form
from chalicelib.routes.dashboard_answer import HEADERS
from chalicelib.routes.site import Site
from chalicelib.subscribing.addresses import read_address
from chalicelib.web.documents import BY_ACCEPT, HTML, NEVER, Document, Reply, json_document
from chalicelib.web.parameters import Arguments
from chalicelib.web.problems import ThingUnknown
from chalicelib.web.requests import Request

REQUESTED = (
    "If mail can be sent to this address and it is not subscribed yet, Amazon SNS sends it a link within minutes; mails"
    " come once that link was followed. The same address is written to once a day at most."
)


def answer_subscriptions(site: Site, _args: Arguments, request: Request) -> Reply:
    """GET: the page with the form. POST: the form, sent."""
    if site.subscriptions is None:
        raise ThingUnknown("path", "subscriptions", "this stage takes no subscriptions")
    if request.method != "POST":
        return Reply(headers=HEADERS, document=_page(site, requested=""))
    address = read_address(request.body, route="/subscriptions")
    site.subscriptions().request(address, now=site.now())
    if request.wants_page:
        return Reply(status=202, headers=HEADERS | NEVER | BY_ACCEPT, document=_page(site, requested=REQUESTED))
    return Reply(status=202, headers=NEVER | BY_ACCEPT, document=json_document({"detail": REQUESTED}))


def _page(site: Site, *, requested: str) -> Document:
    from chalicelib.pages.html_pages import render_html  # deferred: a program's request needs no template engine

    several = site.stage().several
    page = render_html(
        "subscriptions.html",
        title=site.dataset.title,
        description=f"{site.dataset.title}: changes by mail.",
        assets=site.assets,
        root="",
        requested=requested,
        form=mail_form(several=several),
        back="Back to the numbers",
    )
    return Document(HTML, plain=page.encode())
