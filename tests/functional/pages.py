"""What a reader meets on a page: its words, its title and its forms, read without a browser."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

UNSEEN = frozenset({"script", "style", "template", "code", "head", "datalist"})
"""What is not read; a datalist suggests in both languages what one may type in both."""
SAID = ("alt", "aria-label", "placeholder", "title", "data-confirm", "data-label")
"""Attributes that are read out or shown."""
VOID = frozenset({"input", "br", "img", "meta", "link", "hr", "wbr", "source", "col", "use", "path", "circle", "rect"})


@dataclass
class Form:
    """A form that posts: where to, and its fields as they stand."""

    action: str
    method: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    blank: set[str] = field(default_factory=set)
    """Fields into which a person would write."""
    known: set[str] = field(default_factory=set)
    """All that it has, boxes without a tick too."""


@dataclass
class Page:
    """One page."""

    lang: str = ""
    title: str = ""
    words: list[str] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    levels: list[str] = field(default_factory=list)
    """Its headings, as tags."""

    @property
    def text(self) -> str:
        """All that can be read on it."""
        return "\n".join(self.words)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self._open: list[tuple[str, bool]] = []
        self._select: tuple[str, list[str], list[str]] | None = None
        self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        hidden = tag in UNSEEN or given.get("translate") == "no" or (given.get("lang", "") and tag != "html")
        if tag == "html":
            self.page.lang = given.get("lang", "")
        if tag in {"h1", "h2", "h3", "h4"}:
            self.page.levels.append(tag)
        if not self._unseen and not hidden:
            self.page.words += [given[name] for name in SAID if given.get(name)]
        if tag == "a" and given.get("href"):
            self.page.links.append(given["href"])
        self._field(tag, given)
        if tag not in VOID:
            self._open.append((tag, bool(hidden)))

    def _field(self, tag: str, given: dict[str, str]) -> None:
        if tag == "form":
            self.page.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        if not self.page.forms:
            return
        form, name = self.page.forms[-1], given.get("name", "")
        if name and tag in {"input", "button", "select", "textarea"}:
            form.known.add(name)
        if tag == "input" and name:
            kind = given.get("type", "text")
            if kind in {"checkbox", "radio"} and "checked" not in given:
                return
            form.fields.setdefault(name, []).append(given.get("value", "on" if kind == "checkbox" else ""))
            if kind not in {"hidden", "checkbox", "radio", "submit"} and not given.get("value"):
                form.blank.add(name)
        elif tag == "button" and name:
            form.fields.setdefault(name, []).append(given.get("value", ""))
        elif tag == "select" and name:
            self._select = (name, [], [])
        elif tag == "option" and self._select is not None:
            self._select[2 if "selected" in given else 1].append(given.get("value", ""))
        elif tag == "textarea" and name:
            form.fields.setdefault(name, []).append("")
            form.blank.add(name)
            self._area = name

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self._select is not None:
            name, options, selected = self._select
            self.page.forms[-1].fields[name] = selected or [next((each for each in options if each), "")]
            self._select = None
        if tag == "textarea":
            self._area = ""
        while self._open:
            closed, _ = self._open.pop()
            if closed == tag:
                break

    def handle_data(self, data: str) -> None:
        inside = self._open[-1][0] if self._open else ""
        if inside == "title" and not any(tag == "svg" for tag, _ in self._open):
            self.page.title += data.strip()
        if self._area and data.strip():
            self.page.forms[-1].fields[self._area] = [data]
            self.page.forms[-1].blank.discard(self._area)
        if not self._unseen and data.strip():
            self.page.words.append(" ".join(data.split()))

    @property
    def _unseen(self) -> bool:
        return any(hidden for _, hidden in self._open)


def read(html: str) -> Page:
    """Read a page."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.page
