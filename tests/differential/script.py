"""The script language of the differential tests.

A file holds blocks; each block is a test that starts with empty databases and fresh connections:

    === name of the block
    SET k v                        a command of client 1, words quoted as in redis-cli ("\\x00\\r\\n", 'single')
    2> GET k                       … of client 2 (clients connect when they are first named)
    1> ~ BLPOP list 0              sent without reading its reply; goes on when the server counts one more blocked client
    1> <                           reads a reply that is still to come
    2> - SET k v                   sent, its reply never read (CLIENT REPLY OFF)
    await :0 EXISTS k              repeats the command until its reply, as text, is this one (not compared otherwise)
    raw "PING\\r\\n"                 on a connection of its own: these bytes, then everything up to the server's close
    2> close                       closes the client's connection
    # a comment

A line may end with ` ;; ` and how its replies are compared instead of exactly:

    ;; sorted        arrays, sets and maps of one level in any order
    ;; about N       integers that differ by at most N
    ;; type          only the reply's type (and an array's length)
    ;; kind          only the reply's first byte
    ;; fields        lines of `name:value`, or `name=value` words: the oracle's names must be among ours
    ;; skip          sent to both, not compared
    ;; ours TEXT     the reply of Vigil, as text, where 7.2 differs from the oracle's 7.0; the oracle's is not compared

`resp2` or `resp3` alone as a block's first line runs it under that protocol only; otherwise it runs under both.
"""

import re
import shlex
from dataclasses import dataclass, field


@dataclass
class Step:
    number: int
    text: str
    action: str  # command, block, read, mute, await, raw, close
    client: int = 1
    words: list = field(default_factory=list)
    expected: str = ""  # of await
    rule: str = "exact"
    argument: str = ""  # of the rule


@dataclass
class Block:
    file: str
    name: str
    steps: list = field(default_factory=list)
    protocols: tuple = (2, 3)

    @property
    def id(self):
        return f"{self.file}:{self.name.replace(' ', '-')}"


_ESCAPES = re.compile(r'\\(x[0-9a-fA-F]{2}|.)', re.DOTALL)
_PLAIN = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "a": "\a"}


def _unescape(text):
    def one(match):
        code = match.group(1)
        return chr(int(code[1:], 16)) if len(code) == 3 else _PLAIN.get(code, code)

    return _ESCAPES.sub(one, text)


_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|\'([^\']*)\'|(\S+)')


def split_words(text):
    """The words of a command, as bytes."""
    words = []
    for match in _WORD.finditer(text):
        double, single, bare = match.groups()
        words.append((_unescape(double) if double is not None else single if single is not None else bare).encode("latin-1"))
    return words


def parse_step(number, line):
    text, _, rule_text = line.partition(" ;; ")
    step = Step(number, line, "command")
    if rule_text:
        step.rule, _, step.argument = rule_text.strip().partition(" ")
    match = re.match(r"(\d+)> ?(.*)$", text)
    if match:
        step.client, text = int(match.group(1)), match.group(2)
    text = text.strip()
    if text == "<":
        step.action = "read"
    elif text == "close":
        step.action = "close"
    elif text.startswith("~ "):
        step.action, text = "block", text[2:]
    elif text.startswith("- "):
        step.action, text = "mute", text[2:]
    elif text.startswith("raw "):
        step.action, text = "raw", text[4:]
    elif text.startswith("await "):
        step.action = "await"
        step.expected, text = shlex.split(text[6:], posix=True)[0], re.sub(r"^await (?:'[^']*'|\S+) ", "", text)
    step.words = split_words(text)
    return step


def parse_file(path):
    blocks = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("=== "):
            blocks.append(Block(path.stem, line[4:].strip()))
        elif line.strip() in ("resp2", "resp3"):
            blocks[-1].protocols = (int(line.strip()[4]),)
        elif line.strip() and not line.startswith("#"):
            blocks[-1].steps.append(parse_step(number, line))
    return blocks
