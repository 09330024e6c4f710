"""What is deployed: the four services, their functions, and the settings each of them reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.errors import CommandFailed

ROOT = Path(__file__).parent.parent
"""The checkout."""

PLACE = ("STAGE", "DATASETS", "BUCKET", "RUNS_TABLE")
"""The settings that every function has."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """One Chalice app, packaged and deployed alone."""

    name: str
    functions: tuple[str, ...]
    """Chalice function names; `api_handler` is Chalice's name for the one behind the routes."""
    settings: tuple[str, ...]
    """Environment variables that an operator may set, beside those that name the stage's things."""
    limit_mib: float
    """The package must not be larger, in MiB zipped."""

    @property
    def app_name(self) -> str:
        return f"covid-stats-{self.name}"

    def stack(self, stage: str) -> str:
        return f"covid-stats-{stage}-{self.name}"

    def function_name(self, function: str, *, stage: str) -> str:
        """The function's name in Lambda: the one that plain `chalice deploy` would give it."""
        return f"{self.app_name}-{stage}" + ("" if function == "api_handler" else f"-{function}")

    def handler(self, function: str) -> str:
        """What Lambda calls, `module.attribute`."""
        return "app.app" if function == "api_handler" else f"app.{function}"


SERVICES = {
    service.name: service
    for service in (
        Service(
            name="fetcher",
            functions=("fetch",),
            settings=(
                "SCHEDULE",
                "FEED_URLS",
                "REDIRECT_HOSTS",
                "MAX_FEED_BYTES",
                "FETCH_TIMEOUT_SECONDS",
                "FETCH_ATTEMPTS",
            ),
            limit_mib=3,
        ),
        Service(
            name="merger",
            functions=("on_feed_arrived", "watch", "operate"),
            settings=(
                "DEADLINE_HOURS",
                "MAX_REMOVED_PERCENT",
                "REVISION_WARN_PERCENT",
                "STALE_AFTER_DAYS",
                "MAX_ATTEMPTS",
                "LEASE_SECONDS",
                "DELTA_FROM_BYTES",
                "WATCH_SCHEDULE",
                "SCHEDULE",
                "ENGINE",
                "ENGINE_TIMEOUT_MINUTES",
            ),
            limit_mib=32,
        ),
        Service(
            name="api",
            functions=("api_handler", "refresh_views"),
            settings=(
                "SCHEDULE",
                "NOTICE",
                "VIEWS_TTL_MS",
                "VIEWS_LAG_SECONDS",
                "SUBSCRIPTIONS_AN_HOUR",
                "DASHBOARD_URL",
            ),
            limit_mib=45,
        ),
        Service(
            name="notifier",
            functions=("on_run_ended",),
            settings=("DASHBOARD_URL", "NOTICE"),
            limit_mib=3,
        ),
    )
}
"""In the order of deployment: the notifier comes last because its mails link to the api."""


@dataclass(frozen=True, kw_only=True)
class Extra:
    """A stack beside the services: resources without code of its own, from one template."""

    name: str
    """Also of its template, `infra/{name}.yaml`."""
    switch: str
    """The parameter, `yes` or `no`, by which an operator has it or not."""
    on_aws: bool
    """Whether a stage on AWS has it when the operator did not choose; in the local cloud none is there unasked."""

    def stack(self, stage: str) -> str:
        return f"covid-stats-{stage}-{self.name}"

    def is_wanted(self, parameters: Mapping[str, str]) -> bool:
        """Whether a stage with these template parameters has it. Raises CommandFailed for a word but yes and no."""
        default = "yes" if self.on_aws and parameters["Cloud"] == "aws" else "no"
        chosen = parameters.get(self.switch, default)
        if chosen not in ("yes", "no"):
            raise CommandFailed(f"the parameter {self.switch} is {chosen!r}; allowed are yes and no")
        return chosen == "yes"


EXTRAS = {
    extra.name: extra
    for extra in (
        Extra(name="engine", switch="Engine", on_aws=False),
        Extra(name="operations", switch="Operations", on_aws=True),
        Extra(name="analytics", switch="Analytics", on_aws=False),
    )
}
"""In the order of deployment, after the services whose functions and tables they look at; the light of the operations
names the engine's alarm, which must be there by then."""


def foundation_stack(stage: str) -> str:
    return f"covid-stats-{stage}-foundation"


def all_stacks(stage: str) -> list[str]:
    """Every stack that a stage may have, in the order of deployment."""
    services, extras = SERVICES.values(), EXTRAS.values()
    return [foundation_stack(stage), *(it.stack(stage) for it in services), *(it.stack(stage) for it in extras)]


def find_service(name: str) -> Service:
    """The service of this name. Raises KeyError that lists the four."""
    try:
        return SERVICES[name]
    except KeyError:
        raise KeyError(f"there is no service {name!r}; there are {', '.join(SERVICES)}") from None
