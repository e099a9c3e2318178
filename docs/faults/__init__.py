"""What can be wrong with the nodes of each operator.

A fault is the example of an operator with something put in place of something else. The page of
the operators is made by asking lgnx.check and the kernel about each, so it says what they say.
There is a module for each operator, with its ``FAULTS``, and `of_models` for models as a whole.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lgnx.ops._operator import Operator


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong.

    Attributes
    ----------
    when
        The condition.
    change
        Inputs and attributes by name, in place of those of the example; None leaves one out.
    computed
        Inputs that are fed, and no initializers, for lgnx.check, too.
    """

    when: str
    change: Mapping[str, Any]
    computed: Sequence[str] = ()


def faults_of(operator: Operator) -> Sequence[Fault]:
    """Give the faults of an operator."""
    module = operator.reference.__module__.rsplit(".", 1)[-1]
    return importlib.import_module(f"faults.{module}").FAULTS
