"""The category tree: ids, names in Chinese and English, parents, a version."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson

from mep3m.errors import FormatError, NotFoundError, TaxonomyError

PATH_SEPARATOR = " > "


@dataclass(frozen=True, slots=True)
class Category:
    """One node: `parent` is the id of the node above, `None` at the first level."""

    id: str
    name_zh: str | None = None
    name_en: str | None = None
    parent: str | None = None
    archived: bool = False

    @property
    def name(self) -> str:
        """The Chinese name, else the English one, else the id."""
        return self.name_zh or self.name_en or self.id


@dataclass(frozen=True)
class Taxonomy:
    """A forest of categories of any size and depth, checked when it is made.

    Raises:
        TaxonomyError: an id occurs twice, a parent does not exist, or parents form a cycle.
    """

    categories: tuple[Category, ...]
    _by_id: dict[str, Category] = field(init=False, repr=False, compare=False)
    _children: dict[str | None, tuple[Category, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_id: dict[str, Category] = {}
        children: dict[str | None, list[Category]] = {}
        for category in self.categories:
            if category.id in by_id:
                places = [
                    f"'{node.name}'" + (f" below '{node.parent}'" if node.parent else "")
                    for node in (by_id[category.id], category)
                ]
                raise TaxonomyError(
                    f"category id '{category.id}' occurs twice ({' and '.join(places)}); "
                    "give each category its own id"
                )
            by_id[category.id] = category
            children.setdefault(category.parent, []).append(category)
        object.__setattr__(self, "_by_id", by_id)
        object.__setattr__(self, "_children", {key: tuple(nodes) for key, nodes in children.items()})
        self._check_parents()

    def _check_parents(self) -> None:
        sound: set[str] = set()
        for category in self.categories:
            trail: dict[str, None] = {}
            node: Category | None = category
            while node is not None and node.id not in sound:
                if node.id in trail:
                    cycle = list(trail)[list(trail).index(node.id) :]
                    raise TaxonomyError(f"the parents form a cycle: {' -> '.join([*cycle, node.id])}")
                trail[node.id] = None
                if node.parent is not None and node.parent not in self._by_id:
                    raise TaxonomyError(
                        f"category '{node.id}' ({node.name}) names the parent '{node.parent}', "
                        "which does not exist; add it or leave the parent empty"
                    )
                node = self._by_id[node.parent] if node.parent is not None else None
            sound.update(trail)

    def __len__(self) -> int:
        return len(self.categories)

    def __contains__(self, category_id: object) -> bool:
        return category_id in self._by_id

    def __iter__(self) -> Iterator[Category]:
        return iter(self.categories)

    def __getitem__(self, category_id: str) -> Category:
        try:
            return self._by_id[category_id]
        except KeyError:
            raise NotFoundError(f"the taxonomy has no category '{category_id}'") from None

    def children(self, category_id: str | None) -> tuple[Category, ...]:
        """Return the nodes directly below; `None` gives the first level."""
        return self._children.get(category_id, ())

    def path(self, category_id: str) -> tuple[Category, ...]:
        """Return the nodes from the first level down to `category_id`, inclusive."""
        nodes = [self[category_id]]
        while nodes[-1].parent is not None:
            nodes.append(self._by_id[nodes[-1].parent])
        return tuple(reversed(nodes))

    def level(self, category_id: str) -> int:
        """Return the depth of a node; the first level is 1."""
        return len(self.path(category_id))

    def leaves(self) -> tuple[Category, ...]:
        """Return the nodes without children, in the order of `categories`."""
        return tuple(node for node in self.categories if not self.children(node.id))

    def at_level(self, level: int) -> tuple[Category, ...]:
        """Return the nodes of one level, in the order of `categories`."""
        return tuple(node for node in self.categories if self.level(node.id) == level)

    @property
    def version(self) -> str:
        """A short hash of the content: two taxonomies are the same exactly when this is."""
        return hashlib.sha256(self.to_json()).hexdigest()[:12]

    def to_json(self) -> bytes:
        """Return the canonical JSON form (one object a category, sorted by id)."""
        ordered = sorted(self.categories, key=lambda category: category.id)
        return orjson.dumps([asdict(category) for category in ordered], option=orjson.OPT_INDENT_2)

    def save(self, path: Path | str) -> None:
        """Write the JSON form."""
        Path(path).write_bytes(self.to_json())

    @classmethod
    def load(cls, path: Path | str) -> Taxonomy:
        """Read the JSON form.

        Raises:
            NotFoundError: there is no such file.
            FormatError: the file is not a taxonomy in JSON.
            TaxonomyError: the tree contradicts itself.
        """
        try:
            rows = orjson.loads(Path(path).read_bytes())
            return cls(tuple(_category(row) for row in rows))
        except FileNotFoundError:
            raise NotFoundError(f"{path} does not exist") from None
        except (orjson.JSONDecodeError, TypeError) as error:
            raise FormatError(f"{path} is not a taxonomy file: {error}") from error
        except TaxonomyError as error:
            raise TaxonomyError(f"{path}: {error}") from None


def _category(row: object) -> Category:
    """Return a category of a file, whose values must be of the types that a category has."""
    if not isinstance(row, dict):
        raise TypeError(f"{row!r} is no category, which is an object with id, name_zh, name_en, parent")
    category = Category(**row)
    for name in ("id", "name_zh", "name_en", "parent"):
        value = getattr(category, name)
        if not isinstance(value, str) and (value is not None or name == "id"):
            raise TypeError(f"{name} = {value!r} is not text")
    if not isinstance(category.archived, bool):
        raise TypeError(f"archived = {category.archived!r} is not true or false")
    return category


def name_of(key: str, taxonomy: Taxonomy | None) -> str:
    """Return the name of a category; an id that the tree lacks, or any where there is none, is its own."""
    return taxonomy[key].name if taxonomy is not None and key in taxonomy else key


def names_of(ids: Iterable[str | None], taxonomy: Taxonomy | None) -> tuple[str, ...]:
    """Return the names of a path of ids, see `name_of`; levels without a category are passed over."""
    return tuple(name_of(key, taxonomy) for key in ids if key is not None)


def from_paths(paths: Iterable[tuple[str, ...]]) -> Taxonomy:
    """Build a taxonomy from name paths; a node's id is its names joined by ' > '."""
    every = dict.fromkeys(path[:depth] for path in paths for depth in range(1, len(path) + 1))
    return Taxonomy(
        tuple(
            Category(PATH_SEPARATOR.join(key), name_zh=key[-1], parent=PATH_SEPARATOR.join(key[:-1]) or None)
            for key in every
        )
    )
