"""The rows of a damaged SQLite file, read from its pages: what makes SQLite itself give up is skipped.

After the file format as SQLite documents it (sqlite.org/fileformat2.html, sections 1.5 and 1.6, 2.1). A table is walked
from its root page; leaf pages that no walk reaches, since a page above them is damaged, are given apart.
"""

import mmap
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_TABLE_INNER, _TABLE_LEAF, _INDEX_INNER, _INDEX_LEAF = 0x05, 0x0D, 0x02, 0x0A
_KINDS = {_TABLE_INNER, _TABLE_LEAF, _INDEX_INNER, _INDEX_LEAF}
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}

Value = int | float | str | bytes | None


@dataclass(frozen=True)
class Row:
    """A record: its values in the order of the columns, and its rowid (None in a table without)."""

    rowid: int | None
    values: Sequence[Value]


@dataclass
class Pages:
    """A database file's pages. `content` is bytes or a memory map; `bad` counts pages and cells that cannot be read."""

    content: bytes | mmap.mmap
    bad: int = 0
    visited: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        size = int.from_bytes(self.content[16:18], "big")
        size = 65536 if size == 1 else size
        self.size = size if size >= 512 and size & (size - 1) == 0 else 4096
        self.count = len(self.content) // self.size

    def roots(self) -> dict[str, int]:
        """Return the root page of every table whose entry in the schema can be read."""
        root_by_name = {}
        for row in self.walk(1):
            if len(row.values) >= 4 and row.values[0] == "table":
                name, root = row.values[1], row.values[3]
                if isinstance(name, str) and isinstance(root, int) and 1 < root <= self.count:
                    root_by_name[name] = root
        return root_by_name

    def walk(self, root: int) -> Iterator[Row]:
        """Yield the rows of the tree below a root page; a page that was met before is not read again."""
        waiting = [root]
        while waiting:
            number = waiting.pop()
            if not 1 <= number <= self.count or number in self.visited:
                self.bad += 1
                continue
            self.visited.add(number)
            rows, children = self._page(number)
            yield from rows
            waiting += children

    def skip_free(self) -> None:
        """Take the pages that the file lists as free for read: what they hold was deleted."""
        trunk = int.from_bytes(self.content[32:36], "big")
        while 1 < trunk <= self.count and trunk not in self.visited:
            self.visited.add(trunk)
            page = self._bytes(trunk)
            many = int.from_bytes(page[4:8], "big")
            if many <= self.size // 4 - 2:
                self.visited |= {int.from_bytes(page[8 + 4 * i : 12 + 4 * i], "big") for i in range(many)}
            trunk = int.from_bytes(page[:4], "big")

    def orphans(self) -> Iterator[list[Row]]:
        """Yield the rows of each page that no walk has reached; without rowids, inner pages hold rows, too."""
        for number in range(2, self.count + 1):
            if number not in self.visited and self._bytes(number)[0] in (_TABLE_LEAF, _INDEX_LEAF, _INDEX_INNER):
                before = self.bad
                rows, _ = self._page(number)
                self.bad = before
                if rows:
                    yield rows

    def _bytes(self, number: int) -> bytes:
        return bytes(self.content[(number - 1) * self.size : number * self.size])

    def _page(self, number: int) -> tuple[list[Row], list[int]]:
        """Return a page's rows and the pages below it."""
        page, start = self._bytes(number), 100 if number == 1 else 0
        kind = page[start]
        inner = kind in (_TABLE_INNER, _INDEX_INNER)
        first = start + (12 if inner else 8)
        cells = int.from_bytes(page[start + 3 : start + 5], "big")
        if kind not in _KINDS or first + 2 * cells > len(page):
            self.bad += 1
            return [], []
        rows, children = [], []
        for cell in range(cells):
            at = int.from_bytes(page[first + 2 * cell : first + 2 * cell + 2], "big")
            try:
                if inner:
                    children.append(int.from_bytes(page[at : at + 4], "big"))
                    at += 4
                if kind != _TABLE_INNER:
                    rows.append(self._cell(page, at, kind))
            except (IndexError, ValueError):
                self.bad += 1
        if inner:
            children.append(int.from_bytes(page[start + 8 : start + 12], "big"))
        return rows, children

    def _cell(self, page: bytes, at: int, kind: int) -> Row:
        length, at = _varint(page, at)
        rowid = None
        if kind == _TABLE_LEAF:
            rowid, at = _varint(page, at)
            rowid -= (rowid >> 63) << 64
        if length > len(self.content):
            raise ValueError("longer than the file")
        usable = self.size - self.content[20]
        most = usable - 35 if kind == _TABLE_LEAF else (usable - 12) * 64 // 255 - 23
        local = length
        if length > most:
            least = (usable - 12) * 32 // 255 - 23
            local = least + (length - least) % (usable - 4)
            local = local if local <= most else least
        if at + local > len(page):
            raise ValueError("a cell that leads out of its page")
        payload = page[at : at + local]
        if length > local:
            payload += self._overflow(int.from_bytes(page[at + local : at + local + 4], "big"), length - local, usable)
        return Row(rowid, _record(payload))

    def _overflow(self, number: int, missing_bytes: int, usable: int) -> bytes:
        parts, chain = [], set()
        while missing_bytes > 0:
            if not 1 < number <= self.count or number in chain:
                raise ValueError("a row's further pages are not there")
            chain.add(number)
            page = self._bytes(number)
            parts.append(page[4 : 4 + min(missing_bytes, usable - 4)])
            missing_bytes -= len(parts[-1])
            number = int.from_bytes(page[:4], "big")
        self.visited |= chain
        return b"".join(parts)


def _varint(page: bytes, at: int) -> tuple[int, int]:
    value = 0
    for position in range(8):
        byte = page[at + position]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + position + 1
    return value << 8 | page[at + 8], at + 9


def _record(payload: bytes) -> list[Value]:

    head, at = _varint(payload, 0)
    if head > len(payload):
        raise ValueError("a row's head is longer than the row")
    values: list[Value] = []
    body = head
    while at < head:
        kind, at = _varint(payload, at)
        size = _INTEGERS.get(kind, 8 if kind == 7 else max(0, (kind - 12) // 2) if kind >= 12 else 0)
        part = payload[body : body + size]
        if len(part) != size or kind in (10, 11):
            raise ValueError("a row that ends too early")
        body += size
        if kind in _INTEGERS:
            values.append(int.from_bytes(part, "big", signed=True))
        elif kind == 7:
            values.append(float(struct.unpack(">d", part)[0]))
        elif kind in (8, 9):
            values.append(kind - 8)
        elif kind == 0:
            values.append(None)
        else:
            values.append(part.decode("utf-8", "replace") if kind % 2 else part)
    return values
