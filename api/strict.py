"""Bodies of FastAPI's routes, read as strictly as all others: no duplicate names, no floats, no unknown members.

FastAPI would parse the JSON itself and keep the last of two members with one name; here the ledger's own reader
stands before the model.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request

from api.intake import read_object
from api.routes.statements import JSON, check_type
from ledger.errors import Invalid

Model = TypeVar("Model", bound="Body")


class Body(BaseModel):
    """A body with these members and no others."""

    model_config = ConfigDict(extra="forbid", strict=True)


def read_body(model: type[Model]) -> Callable[[Request], Awaitable[Model]]:
    """A dependency that gives the body as ``model``; raises ``Malformed`` or ``Invalid`` with a pointer."""

    async def read(request: Request) -> Model:
        check_type(request, {JSON, ""})
        value = read_object(await request.body())
        try:
            return model.model_validate(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            pointer = "".join(f"/{step}" for step in first["loc"])
            raise Invalid(first["msg"][:1].lower() + first["msg"][1:], pointer) from None

    return read


def body_schema(model: type[Body]) -> dict[str, Any]:
    """What OpenAPI says of a body that ``read_body`` reads."""
    schema = model.model_json_schema()
    return {"requestBody": {"required": True, "content": {JSON: {"schema": schema}}}}
