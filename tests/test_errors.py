"""What is said to people who sent something wrong."""

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hub.errors import plain


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")

    count: Annotated[int, Field(ge=1, le=5)] = 1
    name: Annotated[str, Field(min_length=1, max_length=3)] = "a"
    kind: Literal["x", "y"] = "x"
    on: bool = True
    ratio: float = 1.0
    words: Annotated[list[str], Field(min_length=1)] = ["a"]
    labels: dict[str, str] = {}
    inner: "Asked | None" = None


class Needed(BaseModel):
    id: str


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"count": 0}, "has to be greater than or equal to 1"),
        ({"count": "many"}, "has to be a whole number"),
        ({"count": 1.5}, "has to be a whole number, got a number with a fractional part"),
        ({"name": ""}, "has to have at least 1 character"),
        ({"name": 3}, "has to be a text"),
        ({"kind": "z"}, "has to be 'x' or 'y'"),
        ({"on": "perhaps"}, "has to be true or false"),
        ({"ratio": "much"}, "has to be a number"),
        ({"words": []}, "has to have at least 1 item, not 0"),
        ({"words": "a"}, "has to be a list"),
        ({"labels": 3}, "has to be an object"),
        ({"inner": []}, "has to be an object"),
        ({"nmae": "a"}, "is not known here"),
    ],
)
def test_a_wrong_value_is_told_in_plain_words(value: object, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Asked.model_validate(value)
    assert plain(caught.value.errors()[0]["msg"]) == said


def test_a_missing_value_is_told_in_plain_words() -> None:
    with pytest.raises(ValidationError) as caught:
        Needed.model_validate({})
    assert plain(caught.value.errors()[0]["msg"]) == "is missing"
