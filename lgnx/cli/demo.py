"""``lgnx demo``: the whole path on one example."""

EXAMPLES = ("lgnx demo", "lgnx demo -o somewhere --quick")


def command() -> None:
    """Train."""
