"""Random commands: what a client could send, most of it sensible, some of it odd on purpose.

A template is a string of words. `$name` stands for a word drawn from WORDS (or for a key); `[a|b|]` for one of the choices, each of
which may be several words; `{n*template}` for n to… at most as many repetitions. Everything is drawn from one random.Random, so that a
seed gives the same sequence for ever."""

import re

KEYS = ["a", "b", "c", "l", "l2", "n", "", "k\0\r\n"]
# Deadlines are years away and absolute, so that both servers agree on them, or have passed.
WORDS = {
    "int": ["0", "1", "-1", "2", "3", "5", "7", "-2", "-7", "10", "100"],
    "odd": ["9223372036854775807", "-9223372036854775808", "9223372036854775808", "-9223372036854775809", "18446744073709551615", "4294967296",
            "2147483648", "-2147483649", "007", " 1", "1 ", "+1", "-0", "", "1e3", "1.5", "0x10", "abc", "nan", "inf", "-inf", "1e400", "\0",
            "9" * 30],
    "value": ["", "a", "b", "c", "abc", "ohmytext", "mynewtext", "0", "1", "-1", "10", "12", "-5", "1.5", "3.0", "0.1", "1e2", "9223372036854775807",
              "-9223372036854775808", "9223372036854775808", "007", " 1", "-0", "inf", "nan", "\xff\0\x80", "x" * 44, "x" * 45, "y" * 200,
              "\xff" * 9, "12345678901234567890", "127", "128", "-129", "32768", "8388608", "2147483648", "4095", "4096"],
    "float": ["0.1", "-0.25", "3", "1e3", "1.5", "inf", "-inf", "nan", "1e400", "abc", "", " 1", "1 ", "-0", "0x1p3", "1e-400", "3.0e0",
              "9223372036854775807", "1.7e308", "123456789.123456789", "1e17", "infinity", "+5", ".5", "5."],
    "time": ["33177117420", "33177117421", "4102444800", "1", "0", "-1"],
    "mtime": ["33177117420123", "33177117421456", "4102444800999", "1", "0", "-1"],
    "sec": ["100000", "1000000", "0", "-1", "9223372036854775", "9223372036854775807", "9223372036854770", "abc"],
    "offset": ["0", "1", "2", "3", "5", "7", "8", "9", "15", "16", "31", "63", "64", "100", "-1", "4294967295", "4294967296", "abc", "#0", "#1", "#2"],
    "kind": ["u1", "u2", "u4", "u5", "u8", "u16", "u32", "u63", "u64", "i1", "i2", "i5", "i8", "i16", "i32", "i63", "i64", "i65", "u0", "x8", "i", "I8"],
    "side": ["LEFT", "RIGHT", "left", "Right", "UP"],
    "pattern": ["*", "?", "[al]", "[^a]", "l*", "", "\\*", "[a-m]", "k*", "n*", "*->x", "nosort", "a*b", "[", "#"],
    "db": ["0", "1", "2"],
    "count": ["0", "1", "2", "3", "-1", "10"],
}

STRINGS = """
SET $k $value [|NX|XX|GET|KEEPTTL|NX GET|XX GET|GET XX KEEPTTL|EX $sec|PX $sec|EXAT $time|PXAT $mtime|EX 100000 PX 100000|NX XX|KEEPTTL EX 100000|PERSIST|nx get pxat $mtime]
SET $k $value
GET $k|GETDEL $k|STRLEN $k|APPEND $k $value|GETSET $k $value|SETNX $k $value|INCR $k|DECR $k
GETEX $k [|PERSIST|EX $sec|PX $sec|EXAT $time|PXAT $mtime|PERSIST EX 100000|EX 100000 EX 200000|KEEPTTL|EX|BOGUS]
SETEX $k $sec $value|PSETEX $k $sec $value
INCRBY $k $n|DECRBY $k $n|INCRBYFLOAT $k $float|INCRBYFLOAT $k $float
SETRANGE $k $n $value|GETRANGE $k $n $n|SUBSTR $k $n $n|MGET $k $k $k|MSET $k $value $k $value|MSETNX $k $value $k $value|MSET $k $value $k
LCS $k $k [|LEN|IDX|IDX MINMATCHLEN $n|IDX WITHMATCHLEN|IDX LEN|LEN MINMATCHLEN 3 WITHMATCHLEN|IDX WITHMATCHLEN MINMATCHLEN -1|BOGUS]
"""
BITS = """
SETBIT $k $offset [0|1|2|-1|01]|GETBIT $k $offset
BITCOUNT $k [|$n $n|$n $n BYTE|$n $n BIT|$n|$n $n BOGUS|$n $n bit BIT]
BITPOS $k [0|1|2] [|$n|$n $n|$n $n BIT|$n $n BYTE|$n BIT]
BITOP [AND|OR|XOR|NOT|not|NAND] $k $k [|$k|$k $k]|BITOP NOT $k $k
BITFIELD $k {4*[GET $kind $offset|SET $kind $offset $n|INCRBY $kind $offset $n|OVERFLOW WRAP|OVERFLOW SAT|OVERFLOW FAIL|overflow bogus|GET $kind]}
BITFIELD_RO $k {3*[GET $kind $offset|GET $kind $offset|SET u8 0 1|OVERFLOW SAT]}
"""
LISTS = """
[LPUSH|RPUSH|LPUSHX|RPUSHX] $k {5*$value}|RPUSH $k {8*$value}|RPUSH $k a b a c a b|[LPOP|RPOP] $k [||$count|$n]
LLEN $k|LRANGE $k 0 -1|LRANGE $k $n $n|LINDEX $k $n|LSET $k $n $value|LTRIM $k $n $n|LREM $k $n $value
LINSERT $k [BEFORE|AFTER|before|NEXT] $value $value
LPOS $k $value [|COUNT $n|RANK $n|MAXLEN $n|RANK $n COUNT $n|COUNT 0 MAXLEN $n RANK -1|RANK 1 RANK -1|COUNT|BOGUS 1|RANK 0|RANK -9223372036854775808]
LMOVE $k $k $side $side|RPOPLPUSH $k $k|[LMPOP $n|LMPOP 1|LMPOP 2 $k] $k $side [|COUNT $n|COUNT 2|COUNT 1 COUNT 1|BOGUS 1]
BLPOP $k $k [0.01|0.01|-1|abc|inf|nan|1e400|9223372036854775807]|BRPOP $k 0.01|BLMOVE $k $k $side $side 0.01|BRPOPLPUSH $k $k 0.01
BLMPOP [0.01|-1] [1|2 $k|0|-1] $k $side [|COUNT 2|COUNT $n|COUNT 0]
"""
GENERIC = """
DEL $k|DEL $k $k|UNLINK $k $k|EXISTS $k $k $k|TOUCH $k $k|TYPE $k|DBSIZE|KEYS $pattern|OBJECT ENCODING $k|OBJECT REFCOUNT nosuch|OBJECT BOGUS $k
RENAME $k $k|RENAMENX $k $k|MOVE $k [0|1|1|15|16|-1|abc|99999999999]|COPY $k $k [|REPLACE|DB $db|DB $db REPLACE|REPLACE REPLACE|DB 16|DB -1|DB abc|DB 0 DB 1|DB|BOGUS]
EXPIRE $k $sec [|NX|XX|GT|LT|NX XX|GT LT|XX GT|XX XX|BOGUS]|PEXPIRE $k $sec [|NX|LT]
EXPIREAT $k $time [|NX|XX|GT|LT|NX GT|LT XX]|PEXPIREAT $k $mtime [|NX|XX|GT|LT]
PERSIST $k|TTL $k|EXPIRETIME $k|PEXPIRETIME $k|EXPIRE $k $odd|PEXPIREAT $k $odd
DUMP $k|SORT $k {3*[ALPHA|DESC|ASC|LIMIT $n $n|BY $pattern|GET $pattern|GET #|STORE $k|BY nosort|LIMIT 0|BOGUS]}|SORT_RO $k [|ALPHA|STORE $k|DESC ALPHA GET #]
SELECT [0|0|0|1|16|-1|abc]|SWAPDB $n $n|SWAPDB 0 1|FLUSHDB [|ASYNC|SYNC|BOGUS|ASYNC SYNC]|RANDOMKEY x
SCAN [0 COUNT 1000|0 COUNT 0|abc|1x|0 MATCH $pattern COUNT 1000|0 TYPE list COUNT 1000|0 TYPE bogus COUNT 1000|0 COUNT|0 BOGUS 1]
RESTORE $k $n $value [|REPLACE|ABSTTL|IDLETIME $n|FREQ $n|BOGUS]|PUBLISH $k $value|ECHO $value|PING [|$value|$value $value]
RESTORE $k [0|0|$n] DUMPED [REPLACE||REPLACE ABSTTL|ABSTTL|REPLACE IDLETIME 5|REPLACE FREQ 300|REPLACE IDLETIME 1 FREQ 1]
OBJECT [ENCODING|FREQ|HELP] [|$k $k]|[GET|SET|LPUSH|APPEND|BITFIELD|LCS|SORT|EXPIRE|COPY|OBJECT|DEL|MSET]|[GET|LLEN|INCR|TTL|DUMP] $k $k $k
"""
TRANSACTIONS = """
MULTI|EXEC|EXEC|EXEC|DISCARD|WATCH $k|WATCH $k $k|UNWATCH|EXEC x|BOGUS $k
"""
FAMILIES = ((STRINGS, 5), (BITS, 3), (LISTS, 6), (GENERIC, 5), (TRANSACTIONS, 1))


def _split(text):
    """The alternatives of a text, at the bars that stand outside of brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "[{") - (letter in "]}")
        if letter == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


# Patterns with brackets of their own are words, not templates, so a template's brackets can be told by depth.
LINES = [([part for line in text.strip().splitlines() for part in _split(line)], weight) for text, weight in FAMILIES]


class Grammar:
    def __init__(self, rng):
        self.rng = rng

    def _word(self, name):
        if name == "k":
            return self.rng.choice(KEYS[:6] if self.rng.random() < 0.95 else KEYS)
        if name == "n":
            return self.rng.choice(WORDS["odd"] if self.rng.random() < 0.12 else WORDS["int"])
        return self.rng.choice(WORDS[name])

    def _expand(self, text):
        words, rest = [], text.strip()
        while rest:
            if rest[0] in "[{":
                depth = 0
                for end, letter in enumerate(rest):
                    depth += (letter in "[{") - (letter in "]}")
                    if depth == 0:
                        break
                inner, opened, rest = rest[1:end], rest[0], rest[end + 1:].lstrip()
                if opened == "{":
                    most, _, inner = inner.partition("*")
                    for _ in range(self.rng.randint(1, int(most))):
                        words += self._expand(inner)
                else:
                    words += self._expand(self.rng.choice(_split(inner)))
                continue
            token, rest = re.match(r"(\S+)\s*(.*)$", rest, re.DOTALL).groups()
            words.append(self._word(token[1:]) if token[0] == "$" else token)
        return words

    def command(self):
        lines = self.rng.choices([lines for lines, _ in LINES], [weight for _, weight in LINES])[0]
        words = self._expand(self.rng.choice(lines))
        if self.rng.random() < 0.01:  # one word too few, or too many
            words = words[:-1] if len(words) > 1 and self.rng.random() < 0.5 else words + [self._word("value")]
        return [word.encode("latin-1") for word in words]
