"""Whether two hosts are of one site: what their owner registered, and all that is below it.

The public suffix list has ten thousand entries that change weekly, and a wrong guess here must not let a stranger in.
So these are rules that err to the strict side: a host under a suffix where anybody can have a name of their own is a
site of its own, and under a country's code two more labels are needed where the second is one of the usual ones.
"""

_SECOND_LEVEL = frozenset(
    {
        *("ac", "asso", "co", "com", "ed", "edu", "ernet", "firm", "gc", "gen", "go", "gob", "gouv", "gov", "govt"),
        *("gub", "gv", "health", "id", "idf", "info", "int", "iwi", "k12", "ltd", "maori", "me", "mi", "mil", "mod"),
        *("name", "ne", "net", "nhs", "nic", "nom", "or", "org", "plc", "police", "priv", "res", "sch", "school"),
        *("web"),
    }
)
"""Labels under which a country hands out names: `gov.uk`, `com.au`, `go.jp`."""

_SHARED = (
    *("amazonaws.com", "amazonaws.com.cn", "cloudfront.net", "awsapprunner.com", "elasticbeanstalk.com"),
    *("appspot.com", "cloudfunctions.net", "firebaseapp.com", "googleapis.com", "googleusercontent.com", "run.app"),
    *("web.app", "azureedge.net", "azurefd.net", "azurewebsites.net", "cloudapp.net", "windows.net", "azure.com"),
    *("github.io", "githubusercontent.com", "gitlab.io", "bitbucket.io", "codeberg.page", "sourceforge.io"),
    *("cloudflare.net", "pages.dev", "workers.dev", "r2.dev", "r2.cloudflarestorage.com", "netlify.app"),
    *("vercel.app", "now.sh", "fly.dev", "onrender.com", "herokuapp.com", "railway.app", "surge.sh", "deno.dev"),
    *("digitaloceanspaces.com", "backblazeb2.com", "wasabisys.com", "linodeobjects.com", "oraclecloud.com"),
    *("akamaihd.net", "akamaized.net", "edgekey.net", "edgesuite.net", "fastly.net", "b-cdn.net", "cdn77.org"),
    *("blogspot.com", "wordpress.com", "weebly.com", "wixsite.com", "dyndns.org", "duckdns.org", "ngrok.io"),
    *("uk.com", "us.com", "eu.com", "co.com", "br.com", "cn.com", "de.com", "ru.com", "za.com", "eu.org", "uk.net"),
    *("ngrok.app", "ngrok-free.app", "trycloudflare.com", "nip.io", "sslip.io", "hf.space", "readthedocs.io"),
)
"""Suffixes under which hosts belong to different people."""


def is_same_site(host: str, other: str) -> bool:
    """Whether both belong to who registered the first one's name. Both are names in lower case, not numbers."""
    if host == other:
        return True
    site = registered_name(host)
    return bool(site) and site == registered_name(other)


def registered_name(host: str) -> str:
    """`data.gov.uk` of `www.coronavirus.data.gov.uk`; empty where nothing was registered by one owner."""
    labels = host.split(".")
    if any(host == suffix or host.endswith(f".{suffix}") for suffix in _SHARED):
        return ""
    of_country = len(labels[-1]) == 2 and len(labels) >= 2 and (labels[-2] in _SECOND_LEVEL or len(labels[-2]) <= 2)
    needed = 3 if of_country else 2
    return ".".join(labels[-needed:]) if len(labels) >= needed and all(labels) else ""
