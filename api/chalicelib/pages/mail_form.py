"""The form by which a reader subscribes: on the dashboard, on the overview and on its own page. It needs no script.

`Markup` escapes what is put into it; the dashboard is answered without the template engine.
"""

from markupsafe import Markup

_FORM = Markup("""<form class="known mail" action="{root}subscriptions" method="post">
  <label for="email">E-mail address</label>
  <input id="email" name="email" type="email" autocomplete="email" required maxlength="254"
    aria-describedby="by-mail-how">
  <button type="submit">Subscribe</button>
</form>
<p class="quiet" id="by-mail-how">{how}</p>""")
_SECTION = Markup("""<section class="by-mail" aria-labelledby="by-mail">
<h2 id="by-mail">Changes by mail</h2>
{form}
</section>""")
_HOW = (
    "One mail for each run that changed something{scope}. Amazon SNS first sends a link to confirm; each mail has one"
    " to unsubscribe."
)


def mail_form(*, root: str = "", several: bool = False) -> Markup:
    """`root`: how to come from the page to the one whose form it is. `several`: whether the stage has more datasets."""
    return _FORM.format(root=root, how=_HOW.format(scope=", of all datasets here" if several else ""))


def mail_section(*, several: bool) -> Markup:
    """The form with its heading."""
    return _SECTION.format(form=mail_form(several=several))
