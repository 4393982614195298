"""The base of every settings class, and errors that say what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator

from mep3m.errors import SettingsError, UsageError, did_you_mean

#: pixels that an image may have where no setting says otherwise: 120 MB once decoded to RGB
MAX_PIXELS = 40_000_000

T = TypeVar("T")


def _as_list(value: Any) -> Any:
    """Return a value that stands alone as a list of one; a list as it is."""
    return value if isinstance(value, (list, tuple)) else (value,)


#: a setting that holds one value or more: `labels = "category"` is `labels = ["category"]`
Several = Annotated[tuple[T, ...], BeforeValidator(_as_list)]


class Settings(BaseModel):
    """Frozen, and strict about names: an unknown key is an error that names the nearest one.

    Keys and values of an earlier version, which project files and run folders may still have, are
    translated here for every class that lists them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    #: key of an earlier version -> what it is called now
    old_keys: ClassVar[Mapping[str, str]] = {}
    #: key -> value of an earlier version -> what it is called now
    old_values: ClassVar[Mapping[str, Mapping[str, str]]] = {}

    @model_validator(mode="before")
    @classmethod
    def _translate(cls, values: Any) -> Any:
        """Return the values with the names of today."""
        if not isinstance(values, Mapping):
            return values
        renamed = dict(values)
        for old, new in cls.old_keys.items():
            if old in renamed:
                if new in renamed:
                    raise ValueError(f"'{old}' is an earlier name of '{new}'; give '{new}' alone")
                renamed[new] = renamed.pop(old)
        for key, names in cls.old_values.items():
            if isinstance(renamed.get(key), str):
                renamed[key] = names.get(renamed[key], renamed[key])
        return renamed

    @classmethod
    def parse(cls, values: Mapping[str, Any], where: str) -> Self:
        """Check `values` and return the settings; `where` (file and section) goes into the message.

        Raises:
            SettingsError: a key is unknown or a value is not allowed.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise SettingsError("; ".join(_describe(cls, item, where) for item in error.errors())) from None


def with_values(values: Mapping[str, Any], texts: Iterable[str]) -> dict[str, Any]:
    """Return `values` with those of texts such as 'paper.content.binary=true' put in their places.

    Raises:
        UsageError: a text is not NAME=VALUE.
    """
    merged = dict(values)
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise UsageError(f"--set {text} is not allowed: write NAME=VALUE")
        *above, last = (part.strip().replace("-", "_") for part in name.split("."))
        place = merged
        for part in above:
            inner = place.get(part)
            place[part] = place = dict(inner) if isinstance(inner, Mapping) else {}
        place[last] = value.strip()
    return merged


def _describe(settings: type[BaseModel], item: Any, where: str) -> str:
    """Turn one pydantic error into value, what is allowed, what to do."""
    location = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        allowed = _fields_at(settings, item["loc"][:-1])
        return f"{where}: unknown setting '{location}'{did_you_mean(str(item['loc'][-1]), allowed)}"
    if item["type"] == "missing":
        return f"{where}: the setting '{location}' is missing; add it"
    reason = item["msg"].removeprefix("Value error, ")
    if isinstance(item["input"], Mapping):  # several settings that do not fit together
        return ": ".join(part for part in (where, location, reason) if part)
    return f"{where}: {location} = {item['input']!r} is not allowed: {reason}"


def _fields_at(settings: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    """Return the names allowed at a nested place of the settings."""
    current: Any = settings
    for part in location:
        if not isinstance(part, str):
            continue
        annotation = current.model_fields[part].annotation if part in current.model_fields else current
        arguments = [a for a in getattr(annotation, "__args__", ()) if isinstance(a, type)]
        nested = [a for a in [annotation, *arguments] if isinstance(a, type) and issubclass(a, BaseModel)]
        current = nested[0] if nested else current
    return list(current.model_fields)
