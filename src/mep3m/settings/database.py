"""Where a query's products come from; a password is never part of it."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, model_validator

from mep3m.settings.base import Settings

_PASSWORD = re.compile(r"://[^/@?#]*:[^/@?#]*@|[?&](password|passwd|pwd)=", re.IGNORECASE)


class DatabaseSettings(Settings):
    """A database, its query, and the column by which the rows are read in batches.

    `url` is SQLAlchemy's, without a password: `postgresql+psycopg://reader@db.example/shop`,
    `mysql+pymysql://…`, `sqlite:////data/shop.db`. `password_env` names the environment variable that holds
    the password. `key` is a column of the query, unique and never NULL, that the database can sort by;
    an index on it makes the batches cheap. `query` is the SQL where no file holds it. `batch_rows` are read
    at once and become one shard.
    """

    url: Annotated[str, Field(min_length=1)]
    key: Annotated[str, Field(min_length=1)]
    query: str | None = None
    password_env: str | None = None
    batch_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000

    @model_validator(mode="after")
    def _no_password(self) -> DatabaseSettings:
        if _PASSWORD.search(self.url):
            raise ValueError(
                "'url' holds a password, which would be kept in files; take it out, put it into an "
                "environment variable and name that in 'password_env'"
            )
        return self
