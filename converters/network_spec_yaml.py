"""Strict YAML and JSON: no tags, no aliases, no key twice, numbers as JSON writes them."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from lgnx.ops.errors import ModelError, require

__all__ = ["parse_yaml"]

LARGEST = 8 << 20
# YAML 1.1 takes 1e-3 for text.
_FLOAT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_INTEGER = re.compile(r"[-+]?\d+")


def parse_yaml(text: bytes) -> Any:
    """Parse a YAML or JSON document into dicts, lists, text, numbers, bools and None.

    Raises
    ------
    ModelError
        If it is no YAML, or has what spec files do not need; the line is named.
    MissingExtraError
        If pyyaml is not installed.
    """
    yaml = require("yaml", extra="torch")
    if len(text) > LARGEST:
        raise ModelError(
            f"has {len(text):,} bytes, at most {LARGEST:,} are read: put long lists into .npy files"
        )
    if text.lstrip().startswith(b"{"):  # YAML takes no tabs, JSON does
        try:
            return json.loads(text, object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            if isinstance(error, ModelError):
                raise
    try:
        return yaml.load(text, Loader=_loader())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}: " if mark is not None else ""
        reason = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise ModelError(f"{place}{reason}") from None
    except (RecursionError, ValueError, OverflowError) as error:
        kind = "is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ModelError(kind) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ModelError(f"{key[:60]!r} stands there twice")
        result[key] = value
    return result


@cache
def _loader() -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """Of the safe loader, what JSON can say too."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise yaml.composer.ComposerError(
                    None, None, "an alias (*) is not allowed", self.peek_event().start_mark
                )
            return super().compose_node(parent, index)

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            seen: set[str] = set()
            for key, _ in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    raise yaml.constructor.ConstructorError(
                        None, None, "a key must be text", key.start_mark
                    )
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"{key.value[:60]!r} stands there twice", key.start_mark
                    )
                seen.add(key.value)
            return super().construct_mapping(node, deep)

    kept = {"tag:yaml.org,2002:bool", "tag:yaml.org,2002:null"}
    old = yaml.SafeLoader.yaml_implicit_resolvers
    Loader.yaml_implicit_resolvers = {
        first: [(tag, test) for tag, test in tests if tag in kept] for first, tests in old.items()
    }
    digits = list("-+0123456789.")
    Loader.add_implicit_resolver("tag:yaml.org,2002:int", _exact(_INTEGER), list("-+0123456789"))
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", _exact(_FLOAT), digits)
    return Loader


def _exact(pattern: re.Pattern[str]) -> re.Pattern[str]:
    return re.compile(rf"(?:{pattern.pattern})\Z")
