#!/usr/bin/env python3
"""Cuts published test vectors down to what the tests here use; README.md says where each comes from.

usage: trim.py SOURCES    with SOURCES/wycheproof (a checkout), SOURCES/cryptography_vectors (the folder of that name
in Debian's python3-cryptography-vectors) and SOURCES/evpciph_aes_common.txt (OpenSSL).
Left out are key and nonce sizes that volumes do not have, and notes; and in one file a blank line within a vector; nothing else is changed.
"""
import json, pathlib, re, sys

source = pathlib.Path(sys.argv[1])
here = pathlib.Path(__file__).parent


def write(name, text):
    (here / name).write_text(text)
    print(f"{name}: {len(text)} bytes")


def wycheproof(name, fields, keep, group_fields=()):
    data = json.loads((source / "wycheproof/testvectors_v1" / f"{name}_test.json").read_text())
    rows, head = [], {"algorithm": data["algorithm"]}
    for group in data["testGroups"]:
        if keep(group):
            head.update({f: group[f] for f in group_fields})
            rows += [{f: t[f] for f in ("tcId", "comment", *fields, "result")} for t in group["tests"]]
    head["tests"] = []
    text = json.dumps(head)[:-2] + "\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]}\n"
    json.loads(text)
    write(f"wycheproof-{name}.json", text)


def cavp(form):
    text = (source / "cryptography_vectors/ciphers/AES/XTS" / f"tweak-{form}/XTSGenAES256.rsp").read_text()
    blocks = re.split(r"\r?\n(?:\r?\n)+", text.strip())
    kept = [b for b in blocks if "DataUnitLen" not in b or int(re.search(r"DataUnitLen = (\d+)", b)[1]) % 128 == 0]
    write(f"nist-xts-aes256-{form}.rsp", "\n\n".join(kept).replace("\r", "") + "\n")


def ieee1619():
    text = (source / "evpciph_aes_common.txt").read_text()
    blocks = [b for b in text.split("\n\n") if "Cipher = aes-256-xts" in b and "Key = 2718" in b]
    assert len(blocks) == 5
    write("ieee1619-xts-aes256.txt", "# IEEE 1619, XTS-AES-256, vectors 10 to 14\n\n" + "\n\n".join(b.strip() for b in blocks) + "\n")


def copy(path, name):
    text = (source / "cryptography_vectors" / path).read_text().replace("\r", "")
    write(name, re.sub(r"(COUNT = \d+\n|L +=.*\n)\n", r"\1", text))


aes256 = lambda g: g["keySize"] == 256
every = lambda g: True
wycheproof("aes_xts", ("key", "iv", "msg", "ct"), lambda g: any(len(t["key"]) == 128 for t in g["tests"]))
wycheproof("aes_kwp", ("key", "msg", "ct"), aes256)
wycheproof("aes_gcm", ("key", "iv", "aad", "msg", "ct", "tag"), lambda g: aes256(g) and g["ivSize"] == 96)
wycheproof("hkdf_sha256", ("ikm", "salt", "info", "size", "okm"), every)
wycheproof("hmac_sha256", ("key", "msg", "tag"), lambda g: g["tagSize"] == 256)
for bits in (2048, 3072, 4096):
    for mask in ("sha256", "sha1"):
        wycheproof(f"rsa_oaep_{bits}_sha256_mgf1{mask}", ("msg", "ct", "label"), every, ("privateKeyPkcs8",))
cavp("128hexstr")
cavp("dataunitseqno")
ieee1619()
copy("KDF/rfc-5869-HKDF-SHA256.txt", "rfc5869-hkdf-sha256.txt")
copy("HMAC/rfc-4231-sha256.txt", "rfc4231-hmac-sha256.txt")
