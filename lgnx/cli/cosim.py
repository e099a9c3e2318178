"""``lgnx cosim``: RTL simulated by Verilator against the model."""

EXAMPLES = ("lgnx cosim model.onnx rtl/",)


def command() -> None:
    """Simulate."""
