#!/usr/bin/env python3
"""AES-256-XTS of libcrypto by the shortest way, as an oracle: no published vector has units of 4096 bytes.

usage: xts_oracle.py SEED

Prints a line for each case: seed, unit size, number of units, first unit's number, SHA-256 of the ciphertext. Key and
plaintext are streams of SHA-256(SEED/LABEL/COUNTER) blocks. Each unit is enciphered alone, its number as 16 bytes
little-endian; standard library and libcrypto only.
"""
import ctypes, ctypes.util, hashlib, sys

crypto = ctypes.CDLL("libcrypto.so.3")
crypto.EVP_aes_256_xts.restype = crypto.EVP_CIPHER_CTX_new.restype = ctypes.c_void_p


def stream(seed, label, count):
    blocks = (hashlib.sha256(f"{seed}/{label}/{i}".encode()).digest() for i in range((count + 31) // 32))
    return b"".join(blocks)[:count]


def encrypt(key, number, unit):
    context = ctypes.c_void_p(crypto.EVP_CIPHER_CTX_new())
    out, length = ctypes.create_string_buffer(len(unit)), ctypes.c_int()
    cipher = ctypes.c_void_p(crypto.EVP_aes_256_xts())
    assert crypto.EVP_EncryptInit_ex(context, cipher, None, key, number.to_bytes(16, "little")) == 1
    assert crypto.EVP_EncryptUpdate(context, out, ctypes.byref(length), unit, len(unit)) == 1
    assert length.value == len(unit)
    crypto.EVP_CIPHER_CTX_free(context)
    return out.raw


def main(seed):
    for unit_bytes in (512, 4096):
        for first in (0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**40, 2**63 - 64):
            for count in (1, 3, 37):
                label = f"{seed}-{unit_bytes}-{count}-{first}"
                key, plain = stream(label, "key", 64), stream(label, "data", count * unit_bytes)
                cipher = b"".join(
                    encrypt(key, first + i, plain[i * unit_bytes : (i + 1) * unit_bytes]) for i in range(count)
                )
                print(seed, unit_bytes, count, first, hashlib.sha256(cipher).hexdigest())


main(sys.argv[1])
