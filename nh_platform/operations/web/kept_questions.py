"""Questions of the page, read and checked once: a page asks the same dozen on every opening.

Contains what Dagster's web server calls to read a question and to check it against its schema, with a memory. An
asset's page spent 55 ms on that, more than on the answers to most of its questions.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from graphql import ASTValidationRule, DocumentNode, GraphQLError, GraphQLSchema

_KEPT = 256
"""Texts of questions: Dagster's pages have some 200, of 0.1 to 10 kB; others, of a client's own, push old ones out."""
_LONGEST = 50_000
"""Characters of a question that is kept: longer ones are of no page."""


def keep_questions() -> None:
    """Let Dagster's web server in this process remember which questions it has read and found right."""
    from dagster_webserver import graphql as served

    parse, validate = served.parse, served.validate

    @lru_cache(_KEPT)
    def read(question: str) -> DocumentNode:
        return parse(question)

    @lru_cache(_KEPT)
    def mistakes(
        schema: GraphQLSchema, document: DocumentNode, rules: tuple[type[ASTValidationRule], ...]
    ) -> list[GraphQLError]:
        return validate(schema, document, rules)

    def parse_once(question: str) -> DocumentNode:
        return read(question) if len(question) <= _LONGEST else parse(question)

    def validate_once(
        schema: GraphQLSchema, document: DocumentNode, rules: Collection[type[ASTValidationRule]]
    ) -> list[GraphQLError]:
        length = document.loc.end if document.loc else _LONGEST + 1
        check = mistakes if length <= _LONGEST else validate
        return check(schema, document, tuple(rules))

    served.parse = parse_once  # type: ignore[assignment]
    served.validate = validate_once  # type: ignore[assignment]
