"""The page's questions are read and checked once, wrong ones are still refused, and long ones are not kept."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from dagster_graphql.schema import create_schema
from dagster_webserver import graphql as served
from graphql import GraphQLError, GraphQLSyntaxError, specified_rules

from nh_platform.operations.web import kept_questions
from nh_platform.operations.web.kept_questions import keep_questions

SCHEMA = create_schema().graphql_schema


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count what reaches the library, whose own functions are put back afterwards."""
    counted: Counter[str] = Counter()

    def counting(name: str) -> Any:
        original = getattr(served, name)

        def call(*arguments: Any) -> Any:
            counted[name] += 1
            return original(*arguments)

        return call

    for name in ("parse", "validate"):
        monkeypatch.setattr(served, name, counting(name))
    keep_questions()
    return counted


def mistakes_of(question: str) -> list[GraphQLError]:
    return served.validate(SCHEMA, served.parse(question), rules=specified_rules)


def test_a_question_is_read_and_checked_once(calls: Counter[str]) -> None:
    for _ in range(3):
        assert mistakes_of("{ version }") == []
    assert calls == {"parse": 1, "validate": 1}


def test_a_wrong_question_is_refused_each_time(calls: Counter[str]) -> None:
    for _ in range(2):
        (mistake,) = mistakes_of("{ release }")
        assert "release" in mistake.message
        with pytest.raises(GraphQLSyntaxError):
            served.parse("{ version")
    assert mistakes_of("{ version }") == []


def test_a_long_question_is_not_kept(calls: Counter[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_questions, "_LONGEST", 10)
    for _ in range(2):
        assert mistakes_of("{ version }") == []
    assert calls == {"parse": 2, "validate": 2}
