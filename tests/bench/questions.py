"""Questions to `list`: drawn at random, and what SQLite says to each.

Recordings that a load makes meanwhile are left out of the comparison: how long they are is another
thing by the time that it is compared.
"""
import contextlib
import json
import math
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timezone

from catalog import BEGAN_US, FORMATS, YEAR_US, device_name

SORTS = {"started": ("started_us", "recording"), "duration": ("duration_s", "recording"),
         "name": ("device", "session")}
CONDITIONS = {
    "device": "device = ?", "state": "state = ?", "min_duration": "duration_s >= ?",
    "max_duration": "duration_s <= ?", "since": "started_us >= ?", "until": "started_us < ?",
    "rate": "rate = ?", "channels": "channels = ?", "sample_size": "sample_bytes = ?",
    "end_reason": "end_reason IS ?", "has_gaps": "(gap_frames > 0) = ?", "kept": "kept = ?",
    "session": "session >= ? AND session < ?",
    "tags": "EXISTS (SELECT 1 FROM json_each(tags) WHERE key = ? AND atom = ?)",
}
FILTERS = tuple(CONDITIONS)


@dataclass
class Question:
    filters: dict
    sort: str = "started"

    def document(self):
        return self.filters | {"sort": self.sort}

    def _where(self):
        clauses, values = [f"length(device) = {len(device_name(0))}"], []
        for name, value in self.filters.items():
            if name in ("since", "until"):
                value = time_us(value)
            elif name == "session":
                values.append(value)
                value = value[:-1] + chr(ord(value[-1]) + 1)
            elif name == "tags":
                ((key, value),) = value.items()
                values.append(key)
            clauses.append(CONDITIONS[name])
            values.append(value)
        return " AND ".join(clauses), values

    def expected(self, catalog, limit=-1, offset=0):
        """The names of the recordings that match, in order."""
        where, values = self._where()
        direction = " DESC" if self.sort.startswith("-") else ""
        order = ", ".join(key + direction for key in SORTS[self.sort.lstrip("-")])
        return catalog.execute(f"SELECT device, session FROM recording WHERE {where}"
                               f" ORDER BY {order} LIMIT ? OFFSET ?",
                               (*values, limit, offset)).fetchall()


def time_us(text):
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()) * 1_000_000


def time_text(us):
    return datetime.fromtimestamp(us // 1_000_000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def names(answer):
    """Of the recordings on a page that were there before the load."""
    length = len(device_name(0))
    return [(row["device"], row["session"]) for row in answer["recordings"]
            if len(row["device"]) == length]


@contextlib.contextmanager
def reading(store):
    """The store's catalog, for questions of our own."""
    uri = f"file:{store / 'catalog.db'}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=60)) as catalog:
        yield catalog


class Draw:
    """Values for filters: of what there is, the rare as often as the common."""

    def __init__(self, chance, catalog):
        self._chance = chance
        self._catalog = catalog
        (self._count,) = catalog.execute("SELECT max(recording) FROM recording").fetchone()

    def _some_row(self, columns, condition="1"):
        found = None
        while not found:
            found = self._catalog.execute(
                f"SELECT {columns} FROM recording WHERE recording >= ? AND length(device) = ?"
                f" AND {condition} LIMIT 1",
                (self._chance.randrange(1, self._count + 1), len(device_name(0)))).fetchone()
        return found

    def some_recording(self):
        """Its names and length."""
        return self._some_row("device, session, frames")

    def _format(self, part):
        return self._chance.choice(sorted({form[part] for form in FORMATS}))

    def value(self, name):
        chance = self._chance
        if name == "device":
            return self._some_row("device")[0]
        if name == "session":
            session = self._some_row("session")[0]
            return session[:chance.randrange(2, len(session) + 1)]
        if name == "tags":
            tags = json.loads(self._some_row("tags", "tags IS NOT NULL")[0])
            key = chance.choice(sorted(tags))
            return {key: tags[key]}
        if name in ("min_duration", "max_duration"):
            return round(math.exp(chance.random() * math.log(86400)), 3)
        if name in ("since", "until"):
            return time_text(BEGAN_US + chance.randrange(YEAR_US))
        return chance.choice({
            "state": ("recording", "complete"), "rate": (self._format(0),),
            "channels": (self._format(1),), "sample_size": (self._format(2),),
            "end_reason": ("idle", "end", "limit", "upload"),
            "has_gaps": (True, False), "kept": (True, False)}[name])

    def question(self, filters, sort="started"):
        return Question({name: self.value(name) for name in filters}, sort)
