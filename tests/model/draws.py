"""The published hashes: XXH3-128 for trigger ids, and the draw of holdouts and arms. Written from their definitions."""

MASK = (1 << 64) - 1
P1, P2, P4 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x85EBCA77C2B2AE63
SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221"
    "b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b532ea371644897a20df94e3819ef46a9deacd8a8"
    "fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3eac3c581a0fffa1363eb17"
    "0ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e")


def word(b, at):
    return int.from_bytes(b[at:at + 8], "little")


def mix16(b, at, secret):
    product = (word(b, at) ^ word(SECRET, secret)) * (word(b, at + 8) ^ word(SECRET, secret + 8))
    return (product & MASK) ^ (product >> 64)


def avalanche(h):
    h ^= h >> 37
    h = h * 0x165667919E3779F9 & MASK
    return h ^ h >> 32


def xxh3_128(b):
    """Of 17 to 128 bytes, which is what trigger ids are made of here; seed 0; canonical hexadecimal."""
    n = len(b)
    assert 17 <= n <= 128
    low, high = n * P1 & MASK, 0
    pairs = [(i * 16, n - 16 * (i + 1), 32 * i) for i in range((n - 1) // 32 + 1)]
    for first, second, secret in reversed(pairs):
        low = (low + mix16(b, first, secret) & MASK) ^ (word(b, second) + word(b, second + 8) & MASK)
        high = (high + mix16(b, second, secret + 16) & MASK) ^ (word(b, first) + word(b, first + 8) & MASK)
    h_low = avalanche(low + high & MASK)
    h_high = -avalanche(low * P1 + high * P4 + n * P2 & MASK) & MASK
    return "%016x%016x" % (h_high, h_low)


def trigger_id(app, customer, sequence, entered_at, email, attempt):
    return xxh3_128("\x1f".join([app, customer, sequence, str(entered_at), email, str(attempt)]).encode())


def bucket(salt, unit):
    """0..9999: FNV-1a of the salt, a zero byte and the unit, through the finaliser of MurmurHash3."""
    h = 0xcbf29ce484222325
    for byte in salt.encode() + b"\0" + unit.encode():
        h = (h ^ byte) * 0x100000001b3 & MASK
    h ^= h >> 33
    h = h * 0xff51afd7ed558ccd & MASK
    h ^= h >> 33
    h = h * 0xc4ceb9fe1a85ec53 & MASK
    h ^= h >> 33
    return h * 10000 >> 64


def check():
    assert trigger_id("shop", "c-1", "nurture_trial", 1767571200000, "welcome", 1) == "c13b8d36d56f03e6654e34e2471cce44"
    for salt, unit, want in (("exp1", "customer-1", 4176), ("exp1", "customer-2", 6770), ("exp2", "customer-1", 9753),
                             ("", "a", 3783), ("exp1", "", 4432), ("welcome.v1", "42", 5991)):
        assert bucket(salt, unit) == want, (salt, unit)


check()
