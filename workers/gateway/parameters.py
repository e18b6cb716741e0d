"""What several routes take in their addresses."""

from typing import Annotated

from fastapi import Depends, Query

from common.errors import InvalidInput
from common.results import TYPES
from workers.gateway.position import Page, place

Types = Annotated[
    str,
    Query(
        description="Only these types of result, separated by commas.",
        examples=["transcript,keyword"],
        max_length=200,
    ),
]
After = Annotated[
    str, Query(description="Only what comes after this position: `as_of` of the page before.", max_length=64)
]
Limit = Annotated[int | None, Query(ge=1, le=1000, description="At most so many; otherwise all.")]


def page_of(after: After = "", limit: Limit = None) -> Page:
    """The part of the past that a request asks for. Raises InvalidInput."""
    if after:
        place(after)
    return Page(after, limit)


Part = Annotated[Page, Depends(page_of)]


def chosen_types(types: str) -> frozenset[str]:
    """The types of result that a request wants. Raises InvalidInput."""
    chosen = frozenset(types.split(",")) if types else frozenset(TYPES)
    if unknown := chosen - TYPES.keys():
        raise InvalidInput(f"types {', '.join(sorted(unknown))[:64]!r}: want some of {', '.join(TYPES)}")
    return chosen
