"""The one file of all that is decided on products: what came in, what is asked, and what people said."""

from __future__ import annotations

from mep3m.database import Database
from mep3m.desk.folder import DeskFolder

FILE = "decisions.sqlite"
#: `decisions` is only ever added to, and is what counts. What `items` says of its state follows from it, and
#: is written in the same change, so that the next item is found without counting.
SCHEMA = (
    """
    CREATE TABLE categories (
        id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, names TEXT NOT NULL, present INTEGER NOT NULL
    );
    CREATE TABLE takes (
        id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL, file TEXT NOT NULL, time TEXT NOT NULL,
        root TEXT, model TEXT, came INTEGER NOT NULL, drawn INTEGER NOT NULL, review INTEGER NOT NULL
    );
    CREATE TABLE came (key INTEGER PRIMARY KEY);
    CREATE TABLE items (
        id INTEGER PRIMARY KEY, take INTEGER NOT NULL REFERENCES takes,
        platform TEXT NOT NULL, own_id TEXT NOT NULL, title TEXT, ocr TEXT, picture TEXT, image TEXT,
        answer TEXT, model TEXT, duplicates TEXT NOT NULL,
        queue TEXT NOT NULL, cluster INTEGER NOT NULL, people INTEGER NOT NULL, truth INTEGER,
        state TEXT NOT NULL, waits INTEGER NOT NULL, verdict TEXT, category INTEGER, said_by TEXT, time TEXT,
        UNIQUE (platform, own_id, queue)
    );
    CREATE INDEX waiting ON items (queue, cluster) WHERE waits = 1;
    CREATE INDEX by_state ON items (queue, state, cluster);
    CREATE INDEX by_cluster ON items (cluster);
    CREATE TABLE decisions (
        id INTEGER PRIMARY KEY, item INTEGER NOT NULL REFERENCES items, person TEXT NOT NULL,
        verdict TEXT NOT NULL, category INTEGER REFERENCES categories, time TEXT NOT NULL,
        round INTEGER NOT NULL, batch TEXT NOT NULL, undoes TEXT, how TEXT NOT NULL
    );
    CREATE UNIQUE INDEX once ON decisions (batch, item);
    CREATE INDEX of_item ON decisions (item, person, id);
    CREATE INDEX of_person ON decisions (person, id);
    CREATE INDEX undone ON decisions (undoes) WHERE undoes IS NOT NULL;
    CREATE TABLE claims (cluster INTEGER PRIMARY KEY, person TEXT NOT NULL, until REAL NOT NULL);
    CREATE TABLE settings (name TEXT PRIMARY KEY, value REAL NOT NULL)
    """,
    # clients name their batches: one name may be of two people
    """
    DROP INDEX once;
    CREATE UNIQUE INDEX once ON decisions (batch, person, item)
    """,
)


def decisions_file(folder: DeskFolder) -> Database:
    """Return the file of the decisions of a folder; it is made where there is none."""
    return Database(folder.own / FILE, SCHEMA)
