#!/usr/bin/env python3
"""Verifies a ledger of supernode-autoscaler without its code. Python 3.9 or newer, standard library only.

    supernode-autoscaler audit export | python3 verify_ledger.py -
    python3 verify_ledger.py ledger.db [--anchor anchor.json] [--json]

Reads the JSON lines of `audit export`, or a SQLite ledger file. Checks form, size, canonical text, hash and link of every
entry, policies by their hash, the streams against each other, and an anchor. It does not fold the state again; for that,
run `supernode-autoscaler audit verify`. The format is described in docs/ledger-format.md.
Exit code: 0 intact, 1 not intact, 2 the input cannot be read.
"""
import argparse
import hashlib
import json
import re
import sqlite3
import sys

MAX_ENTRY_BYTES = 256 * 1024
SURROGATE = re.compile("[\ud800-\udfff]")


class Bad(Exception):
    """Something that a good entry never is."""


# ---- RFC 8785: one value, one text ----

def number_text(value):
    """A double as ECMAScript writes it: the shortest digits that give the same double."""
    if value != value or value in (float("inf"), float("-inf")):
        raise Bad("holds a number that JSON cannot write")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    point = len(whole) + int(exponent or 0)
    digits = whole + fraction
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    digits = stripped.rstrip("0")
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    power = point - 1
    tail = "." + digits[1:] if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if power > 0 else '-'}{abs(power)}"


def string_text(value):
    text = json.dumps(value, ensure_ascii=False)
    return SURROGATE.sub(lambda one: f"\\u{ord(one.group()):04x}", text)


def canonical(value):
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number_text(float(value))
    if isinstance(value, str):
        return string_text(value)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
    return "{" + ",".join(string_text(key) + ":" + canonical(value[key]) for key in keys) + "}"


def digest(value):
    return "sha256:" + hashlib.sha256(canonical(value).encode("utf-8")).hexdigest()


def refuse_constant(name):
    raise ValueError(f"{name} is not JSON")


def parse(text):
    return json.loads(text, parse_int=float, parse_constant=refuse_constant)


# ---- one chain ----

class Chain:
    """One stream as far as it was read: its newest entry and the hashes of its policies."""

    def __init__(self, stream):
        self.stream, self.seq, self.hash, self.policies, self.bad = stream, 0, "", set(), None
        self.version = 1

    def see(self, seq, text):
        """The entry, or None where the chain is bad here or was before."""
        if self.bad:
            return None
        try:
            if seq is not None and seq > self.seq + 1:
                self.bad = (self.seq + 1, f"is missing; the next stored entry is #{seq:g}")
                return None
            entry = self.checked(seq, text)
        except (Bad, ValueError, RecursionError, AttributeError, TypeError, KeyError) as error:
            self.bad = (seq if seq is not None else self.seq + 1, str(error) or type(error).__name__)
            return None
        self.seq, self.hash, self.version = int(entry["seq"]), entry["hash"], entry["v"]
        return entry

    def checked(self, seq, text):
        if len(text.encode("utf-8", "surrogatepass")) > MAX_ENTRY_BYTES:
            raise Bad(f"has more than {MAX_ENTRY_BYTES} bytes")
        try:
            entry = parse(text)
        except ValueError:
            raise Bad("is not JSON") from None
        if not isinstance(entry, dict):
            raise Bad("is not a JSON object")
        # True equals 1 in Python, and is no number in JSON.
        if isinstance(entry.get("v"), bool) or entry.get("v") not in (1, 2):
            raise Bad("has a version that this program does not read")
        if entry.get("stream") != self.stream:
            raise Bad("says it belongs to another stream")
        if isinstance(entry.get("seq"), bool) or entry.get("seq") != seq:
            raise Bad("says it has another seq")
        if not isinstance(entry.get("at"), float) or not isinstance(entry.get("standing"), dict):
            raise Bad("has no time or no standing")
        if entry["v"] == 2 and not isinstance(entry.get("confirmedAt", ""), (float, type(None))):
            raise Bad("has no confirmedAt")
        if digest({key: value for key, value in entry.items() if key != "hash"}) != entry.get("hash"):
            raise Bad("does not match its hash: it was changed")
        if canonical(entry) != text:
            raise Bad("is not in canonical form")
        if seq < 1 or seq <= self.seq:
            raise Bad(f"comes after #{self.seq}: the chain forks here" if seq >= 1 else "has a seq below 1")
        if entry.get("prev") != self.hash:
            raise Bad("does not name the hash of the entry before it")
        if entry["v"] < self.version:
            raise Bad("has version 1, but the entry before it has version 2")
        self.check_policy(entry)
        return entry

    def check_policy(self, entry):
        named = entry.get("policyHash")
        held = entry.get("policy", (entry.get("situation") or {}).get("policy"))
        if held is not None:
            if digest(held) != named:
                raise Bad("contains a policy that does not match its hash")
            self.policies.add(named)
        if entry["v"] == 2 and named is not None and named not in self.policies:
            raise Bad(f"refers to policy {named}, which no entry up to this one contains")


# ---- the streams against each other ----

MAX_NAME_UNITS = 100


def kept_name(by):
    """A name as the state keeps it: of more than 100 UTF-16 units the first 99, and an ellipsis."""
    if not isinstance(by, str):
        return by
    units = by.encode("utf-16-le", "surrogatepass")
    if len(units) <= 2 * MAX_NAME_UNITS:
        return by
    head = units[: 2 * (MAX_NAME_UNITS - 1)].decode("utf-16-le", "surrogatepass")
    return (head[:-1] if "\ud800" <= head[-1] <= "\udbff" else head) + "…"


class Cross:
    """A reservation is written before its attempt is opened; an outcome stands in the supernode's chain before `fleet`."""

    def __init__(self):
        self.reserved, self.outcomes, self.over, self.bought = {}, {}, {}, {}
        self.opened, self.lapsed, self.times, self.capped = {}, {}, set(), {}
        self.commands, self.seen, self.problems = set(), {}, []

    def see(self, entry):
        stream, seq = entry["stream"], int(entry["seq"])
        if stream == "control":
            self.see_command(entry)
        elif stream == "fleet":
            self.see_fleet(seq, entry)
        else:
            self.see_supernode(stream, seq, entry)

    def see_command(self, entry):
        said = entry.get("said")
        if said:
            about = said.get("planHash") if said["verb"] == "approve" else said.get("supernode")
            self.commands.add((said["verb"], about, kept_name(said.get("by")), entry["at"]))

    def see_fleet(self, seq, entry):
        fleet = entry.get("fleet")
        if not fleet:
            return
        place, outcome = fleet["reservation"], entry.get("outcome")
        if entry["kind"] == "opened":
            self.reserved[place["id"]] = (place["stream"], int(place["seq"]), seq)
        elif outcome and outcome["kind"] != "not-sent":
            self.outcomes[place["id"]] = (outcome["kind"], seq)
        for attempt in fleet["over"]:
            self.over[attempt] = seq
        for name, at in fleet["members"].items():
            self.bought.setdefault((name, at), seq)

    def see_supernode(self, stream, seq, entry):
        attempt, kind = entry.get("attempt"), entry["kind"]
        situation = entry.get("situation") or {}
        held = entry.get("policy", situation.get("policy"))
        if held is not None:
            fleet = held.get("fleet") or {}
            self.capped[entry["policyHash"]] = bool(fleet.get("actions") or fleet.get("budget"))
        if kind == "opened" and attempt:
            if attempt["id"] in self.opened:
                self.found(stream, seq, f"opens attempt {attempt['id']}, which was already opened")
            capped = self.capped.get(entry.get("policyHash"), False)
            self.opened[attempt["id"]] = [stream, seq, capped, None]
            self.times.add((stream, attempt["openedAt"]))
        if kind == "settled" and attempt:
            known = self.opened.get(attempt["id"])
            if not known or known[0] != stream:
                self.found(stream, seq, f"settles attempt {attempt['id']}, which this stream never opened")
            else:
                known[3] = (entry.get("outcome") or {}).get("kind")
        observation = entry.get("observation") or {}
        if observation.get("kind") == "lapsed" and observation.get("attempt"):
            self.lapsed[observation["attempt"]] = (stream, seq)
        control = situation.get("control") or {}
        if control.get("state") == "read":
            self.see_control(stream, seq, control["value"])

    def see_control(self, stream, seq, control):
        stops = [("pause", None, control["pausedAll"])] if control["pausedAll"] else []
        stops += [("pause", name, stop) for name, stop in control["paused"].items()]
        stops += [("hold", name, stop) for name, stop in control["held"].items()]
        stops += [("approve", one["planHash"], one) for one in control["approvals"]]
        stops += [("restored", None, control["restored"])] if control.get("restored") else []
        for verb, about, said in stops:
            self.seen.setdefault((verb, about, kept_name(said["by"]), said["at"]), (stream, seq))

    def found(self, stream, seq, problem):
        self.problems.append({"stream": stream, "seq": seq, "problem": problem})

    def check(self, chains):
        whole = lambda stream: stream not in chains or chains[stream].bad is None
        length = lambda stream: chains[stream].seq if stream in chains else 0
        if whole("fleet"):
            self.check_fleet(whole, length)
        if whole("control"):
            for command, (stream, seq) in self.seen.items():
                if command not in self.commands:
                    self.found(stream, seq, f"refers to the command {command[0]}, which is not in stream control")
        return self.problems

    def check_fleet(self, whole, length):
        for attempt, (stream, seq, by) in self.reserved.items():
            if not whole(stream):
                continue
            opened, settled = self.opened.get(attempt), self.outcomes.get(attempt)
            if opened and (opened[0], opened[1]) != (stream, seq):
                self.found(opened[0], opened[1], f"opens attempt {attempt}, but its reservation is for {stream} #{seq}")
            if settled and not opened:
                self.found("fleet", settled[1], f"settles attempt {attempt}, but {stream} never opened it")
            if settled and opened and opened[3] != settled[0]:
                self.found("fleet", settled[1], f"settles attempt {attempt} otherwise than {stream}")
            if attempt in self.over and length(stream) < seq:
                problem = f"records that another entry took {stream} #{seq}, but that stream ends at #{length(stream)}"
                self.found("fleet", self.over[attempt], problem)
        for attempt, (_, by) in self.outcomes.items():
            if attempt not in self.reserved:
                self.found("fleet", by, f"settles attempt {attempt}, which has no reservation")
        for (stream, at), by in self.bought.items():
            if whole(stream) and (stream, at) not in self.times:
                self.found("fleet", by, f"counts a purchase of {stream} at {at:.0f}, which is not in that stream")
        for attempt, (stream, seq, capped, _) in self.opened.items():
            if capped and attempt not in self.reserved:
                self.found(stream, seq, f"opens attempt {attempt}, but stream fleet has no reservation for it")
        for attempt, (stream, seq) in self.lapsed.items():
            if self.reserved.get(attempt, (None,))[0] != stream:
                self.found(stream, seq, f"ends the reservation of attempt {attempt}, which is not in stream fleet")


# ---- anchors ----

def read_anchor(path):
    with open(path, encoding="utf-8") as file:
        anchor = json.load(file)
    heads = anchor["heads"] if isinstance(anchor, dict) and anchor.get("v") == 1 else None
    if not isinstance(heads, dict) or "ledger" not in anchor:
        raise ValueError(f"{path} is not an anchor")
    for link in heads.values():
        if not isinstance(link, dict) or not isinstance(link.get("seq"), int) or not isinstance(link.get("hash"), str):
            raise ValueError(f"{path} is not an anchor: each head has seq and hash")
    return anchor


def anchor_problems(anchor, found, ledger):
    problems = []
    if anchor["ledger"] is not None and anchor["ledger"] != ledger:
        problems.append({"stream": None, "problem": f"is not the anchored ledger: the anchor belongs to {anchor['ledger']}"})
    for stream, link in anchor["heads"].items():
        if found.get(stream) != link["hash"]:
            problems.append({"stream": stream, "problem": f"does not contain its anchored head #{link['seq']}"})
    return problems


# ---- input ----

def entries_of(path):
    """(stream, seq, text) of each entry; stream and seq are None where only the text can tell."""
    if path != "-":
        with open(path, "rb") as file:
            if file.read(16) == b"SQLite format 3\0":
                yield from sqlite_entries(path)
                return
    file = sys.stdin.buffer if path == "-" else open(path, "rb")
    with file:
        for line in file:
            yield None, None, line.rstrip(b"\n").decode("utf-8", "replace")


def sqlite_entries(path):
    database = sqlite3.connect("file:" + path.replace("%", "%25").replace("?", "%3f").replace("#", "%23") + "?mode=ro", uri=True)
    try:
        yield from database.execute("SELECT stream, seq, entry FROM entries ORDER BY stream, seq")
    finally:
        database.close()


def place_of(text):
    try:
        entry = json.loads(text)
        return str(entry["stream"]), entry["seq"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "(unreadable line)", None


def verify(path, anchor=None):
    chains, cross, found, ledger = {}, Cross(), {}, None
    heads = anchor["heads"] if anchor else {}
    for stream, seq, text in entries_of(path):
        if stream is None:
            stream, seq = place_of(text)
        chain = chains.setdefault(stream, Chain(stream))
        entry = chain.see(seq, text)
        if entry is None:
            continue
        try:
            cross.see(entry)
        except (KeyError, TypeError, AttributeError) as error:
            chain.bad = (chain.seq, f"lacks a field that others rely on: {error}")
            continue
        if stream == "control":
            ledger = (entry["standing"].get("ledger") or {}).get("id")
        if heads.get(stream, {}).get("seq") == chain.seq:
            found[stream] = chain.hash
    streams = []
    for name in sorted(chains):
        chain = chains[name]
        if chain.bad:
            streams.append({"stream": name, "ok": False, "seq": chain.bad[0], "problem": chain.bad[1]})
        else:
            streams.append({"stream": name, "ok": True, "entries": chain.seq, "head": chain.hash})
    across = cross.check(chains)
    anchored = anchor_problems(anchor, found, ledger) if anchor else []
    ok = not across and not anchored and all(one["ok"] for one in streams)
    return {"ok": ok, "streams": streams, "across": across, "anchor": anchored}


def main(argv):
    if argv[:1] == ["--canonical"]:
        for line in sys.stdin:
            print(canonical(parse(line)))
        return 0
    options = argparse.ArgumentParser(description="Verifies a ledger of supernode-autoscaler.")
    options.add_argument("ledger", help="JSON lines of `audit export` (- for standard input), or a SQLite file")
    options.add_argument("--anchor", help="a file that `audit anchor` printed")
    options.add_argument("--json", action="store_true", help="print the findings as JSON")
    given = options.parse_args(argv)
    try:
        report = verify(given.ledger, read_anchor(given.anchor) if given.anchor else None)
    except (OSError, ValueError, KeyError, sqlite3.Error) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if given.json:
        print(json.dumps(report))
    else:
        for one in report["streams"]:
            print(f"ok  {one['stream']}: {one['entries']} entries, newest {one['head']}" if one["ok"]
                  else f"BAD {one['stream']}: entry {one['seq']} {one['problem']}")
        for one in report["across"]:
            print(f"BAD {one['stream']}: entry {one['seq']} {one['problem']}")
        for one in report["anchor"]:
            print(f"BAD {one['stream'] or 'the ledger'} {one['problem']}")
        print("intact (states were not folded again)" if report["ok"] else "NOT INTACT")
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
