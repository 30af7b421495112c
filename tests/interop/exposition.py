"""A strict reader of Prometheus' text format (version 0.0.4): what it takes, every scraper takes.

Stricter than the format asks: each family has its help, then its type, then all of its samples; no empty lines.
"""

import math
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)")
NUMBER = re.compile(r"[+-]?Inf|NaN|[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


class Family:
    def __init__(self, name, help):
        self.name, self.help, self.type = name, help, None
        self.samples = {}  # (name, labels sorted) -> value

    def value(self, **labels):
        return self.samples[(self.name, tuple(sorted(labels.items())))]


def unescape(text, escapes):
    assert re.fullmatch(r"(?:[^\\]|\\.)*", text, re.DOTALL), text
    return re.sub(r"\\.", lambda found: escapes[found[0]], text)


def labels_of(text):
    labels, at = {}, 0
    while at < len(text):
        found = LABEL.match(text, at)
        assert found, f"no label: {text[at:]}"
        assert found[1] not in labels, f"the label {found[1]} twice: {text}"
        assert not found[1].startswith("__"), text
        labels[found[1]] = unescape(found[2], ESCAPES)
        at = found.end()
        assert at == len(text) or text[at] == ",", text
        at += 1
        assert at != len(text), f"a comma at the end: {text}"
    return labels


def number_of(text):
    assert NUMBER.fullmatch(text), f"no number: {text}"
    return float(text.replace("Inf", "inf"))


def check_family(family):
    assert family.type, f"{family.name} has no type"
    assert family.samples, f"{family.name} has no samples"
    for (name, labels), value in family.samples.items():
        if family.type == "counter":
            assert value >= 0 and math.isfinite(value), f"{name} counts to {value}"
        if family.type != "histogram":
            assert name == family.name, f"{name} is no sample of the {family.type} {family.name}"
    if family.type == "histogram":
        check_histogram(family)


def check_histogram(family):
    series = {}
    for (name, labels), value in family.samples.items():
        part = name.removeprefix(family.name)
        assert part in ("_bucket", "_sum", "_count"), f"{name} is no sample of a histogram"
        others = tuple(label for label in labels if label[0] != "le")
        assert (part == "_bucket") == (others != labels), f"{name}: only buckets have le"
        one = series.setdefault(others, {"buckets": []})
        if part == "_bucket":
            one["buckets"].append((number_of(dict(labels)["le"]), value))
        else:
            one[part] = value
    for one in series.values():
        counts = [count for _, count in sorted(one["buckets"])]
        assert counts == sorted(counts), f"{family.name}: buckets are cumulative"
        assert one["buckets"][-1] == (math.inf, one["_count"]), f"{family.name}: the last bucket has all"
        assert "_sum" in one, f"{family.name} has no sum"


def parse(body):
    """The families by name, in order; raises AssertionError with the line that is wrong."""
    text = body.decode("utf-8")
    assert text.endswith("\n"), "the last line has no end"
    families, family = {}, None
    for line in text[:-1].split("\n"):
        if found := re.fullmatch(rf"# HELP ({NAME}) (.*)", line):
            assert found[1] not in families, f"{found[1]} begins twice"
            family = families[found[1]] = Family(found[1], unescape(found[2], {r"\\": "\\", r"\n": "\n"}))
        elif found := re.fullmatch(rf"# TYPE ({NAME}) (counter|gauge|histogram|summary|untyped)", line):
            assert family and found[1] == family.name and not family.type and not family.samples, line
            family.type = found[2]
        else:
            found = SAMPLE.fullmatch(line)
            assert found, f"neither help, type nor sample: {line!r}"
            assert family and family.type and found[1].startswith(family.name), f"of no family: {line}"
            key = (found[1], tuple(sorted(labels_of(found[2] or "").items())))
            assert key not in family.samples, f"twice: {line}"
            family.samples[key] = number_of(found[3])
    for family in families.values():
        check_family(family)
    return families
