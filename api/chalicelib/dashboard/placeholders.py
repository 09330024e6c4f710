"""Placeholders in the rendered dashboard, filled in for each request by `chalicelib.routes.dashboard_answer`."""

from markupsafe import Markup

QUERY_AS_OF = Markup("<!--query-as-of-->")
"""At the end of an address that has no query yet: `?as_of=2020-10-25`, or nothing."""
AND_AS_OF = Markup("<!--and-as-of-->")
"""The same where the address has a query."""
AS_OF_VALUE = Markup("<!--as-of-value-->")
"""The date alone."""
AS_OF_FIELD = Markup("<!--as-of-field-->")
"""In a form: a hidden field that keeps the date."""
NOTICE = Markup("<!--notice-->")
"""What the operator has to say; that the page is turned back, and to which run."""
FRESHNESS = Markup("<!--freshness-->")
"""The last run, what became of it, and when the next is due."""
RUNS = Markup("<!--runs-->")
"""The list of runs."""
ADDRESS = Markup("<!--address-->")
"""Where the page is for readers, with a slash at the end: what others link to and preview needs it whole."""
ADDRESS_IN_JSON = Markup(r"\u003c!--address--\u003e")
"""The same as it stands within JSON in a page."""
MAIL = Markup("<!--mail-->")
"""The form to have changes sent by mail, where readers can subscribe themselves."""
VISITS = Markup("<!--visits-->")
"""The counter of visits, where there is one."""
