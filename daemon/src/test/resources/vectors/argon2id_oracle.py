#!/usr/bin/env python3
"""Argon2id without secret and additional data, as key slots use it, computed by libargon2 (Debian: libargon2-1).

usage: argon2id_oracle.py

Prints vectors of passphrase and salt in hexadecimal, memory in KiB, passes and lanes, and 32 bytes of output.
"""
import ctypes, hashlib

argon2 = ctypes.CDLL("libargon2.so.1")


def argon2id(passphrase, salt, memory, passes, lanes):
    out = ctypes.create_string_buffer(32)
    size = ctypes.c_size_t
    status = argon2.argon2id_hash_raw(
        ctypes.c_uint32(passes), ctypes.c_uint32(memory), ctypes.c_uint32(lanes),
        passphrase, size(len(passphrase)), salt, size(len(salt)), out, size(32),
    )
    assert status == 0, status
    return out.raw


print("# Argon2id version 1.3 without secret and additional data, by libargon2; made by argon2id_oracle.py")
inputs = [(b"\1" * 32, b"\2" * 16), (b"", bytes(range(16)))]
inputs += [(f"correct horse {i}".encode(), hashlib.sha256(bytes([i])).digest()) for i in range(4)]
for (passphrase, salt), (m, t, p) in zip(inputs, [(32, 3, 4), (128, 3, 1), (8, 1, 1), (1024, 4, 16), (4096, 2, 3), (65536, 3, 4)]):
    print(f"\nM = {m}\nT = {t}\nP = {p}\nPassphrase = {passphrase.hex()}\nSalt = {salt.hex()}")
    print(f"Output = {argon2id(passphrase, salt, m, t, p).hex()}")
