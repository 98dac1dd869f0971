"""A data set with strings and lists in all the forms that files encode in different ways."""

INTEGERS = [0, 1, -1, 12, 13, 127, 128, -128, -129, 4095, 4096, -4096, 32767, 32768, -32768, -32769, 8388607, 8388608, -8388608,
            -8388609, 2147483647, 2147483648, -2147483648, -2147483649, 9223372036854775807, -9223372036854775808]
STRINGS = [b"", b"a", b"\x00\xff\r\n*$", b"007", b"+1", b" 1", b"1.5", b"x" * 19, b"compressible " * 50, b"z" * 63, b"z" * 64,
           bytes(range(256)), b"y" * 16383, b"y" * 16384, "żółw".encode()]


def fill(server, big=True):
    with server.raw() as client:
        commands = []
        for number, value in enumerate(INTEGERS + STRINGS):
            commands.append(("SET", f"value{number}", value))
            commands.append(("RPUSH", f"list{number}", value, "between", value))
        commands.append(("RPUSH", "all", *INTEGERS, *STRINGS))
        commands.append(("SET", b"key \x00\r\n\xff", "v"))
        commands.append(("SET", "", "the empty key"))
        commands.append(("SET", "seconds", "v", "EX", 100000))
        commands.append(("SET", "exact", "v", "PXAT", 33177117420123))
        commands.append(("RPUSH", "expiring-list", "a"))
        commands.append(("PEXPIREAT", "expiring-list", 33177117420999))
        commands.append(("SET", "gone", "v", "PX", 1))
        if big:
            commands += [("SET", f"many{number}", number) for number in range(3000)]
            commands += [("RPUSH", "long-list", *range(start, start + 500)) for start in range(0, 10000, 500)]
            commands += [("RPUSH", "list-of-big", b"q" * 5000 + str(number).encode()) for number in range(20)]
            commands.append(("SET", "big", b"random-ish \x01\x02" * 100000))
        commands.append(("SELECT", 9))
        commands.append(("SET", "in-nine", "v"))
        commands.append(("RPUSH", "list-in-nine", "a", "b"))
        for words, reply in zip(commands, client.pipeline(commands)):
            assert not reply.is_error, f"{words[:2]}: {reply}"
