#!/usr/bin/env python3
"""Reads a Blockseal volume without Blockseal: a way out, and a check on docs/format.md, which it follows word by word.

    blockseal-reader.py VOLUME --key-file KEY -o raw.img       decipher everything into a sparse raw image
    blockseal-reader.py VOLUME --info                          what can be told without a key

It never writes to the volume. It verifies every MAC, and needs nothing but Python 3 and OpenSSL's libcrypto (for a
passphrase, libargon2 or OpenSSL 3.2 too). Exit status: 0 all read, 1 refused, 2 ranges were lost (listed on stderr).
"""

import argparse
import ctypes
import ctypes.util
import hashlib
import hmac
import os
import struct
import sys
import uuid

BLOCK, MIB = 4096, 1 << 20
EXTENT = 64 * MIB
ENTRIES = 31
FIRST_PAGES, LATER_PAGES = 7936, 8192


class Refused(Exception):
    """What the reader will not read, and why."""


# --- ciphers: libcrypto by ctypes -----------------------------------------------------------------------------------

def load(*names):
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None

def libcrypto():
    found = ctypes.util.find_library("crypto")
    library = load(*([found] if found else []), "libcrypto.so.3", "libcrypto.so.1.1", "libcrypto.so")
    if library is None:
        raise Refused("libcrypto (OpenSSL) is not installed")
    for name in ("EVP_CIPHER_CTX_new", "EVP_aes_256_xts", "EVP_aes_256_gcm", "EVP_aes_256_wrap_pad"):
        getattr(library, name).restype = ctypes.c_void_p
    return library


class Cipher:
    """One deciphering context of libcrypto."""
    GCM_SET_TAG, WRAP_ALLOW = 0x11, 1

    def __init__(self, library, kind, key):
        self.library = library
        self.context = ctypes.c_void_p(library.EVP_CIPHER_CTX_new())
        library.EVP_CIPHER_CTX_set_flags(self.context, self.WRAP_ALLOW)
        cipher = ctypes.c_void_p(getattr(library, "EVP_aes_256_" + kind)())
        self.check(library.EVP_DecryptInit_ex(self.context, cipher, None, key, None))

    @staticmethod
    def check(result):
        if result <= 0:
            raise Refused("libcrypto refuses (it will not take an XTS key with equal halves)")

    def decipher(self, iv, data, aad=None, tag=None):
        """The plaintext, or None if a tag or a key wrap does not verify."""
        if iv is not None:
            self.check(self.library.EVP_DecryptInit_ex(self.context, None, None, None, iv))
        length = ctypes.c_int()
        out = ctypes.create_string_buffer(len(data) + 32)
        update = self.library.EVP_DecryptUpdate
        if aad is not None:
            self.check(update(self.context, None, ctypes.byref(length), aad, len(aad)))
        if update(self.context, out, ctypes.byref(length), data, len(data)) <= 0:
            return None
        done = length.value
        if tag is not None:
            self.library.EVP_CIPHER_CTX_ctrl(self.context, self.GCM_SET_TAG, len(tag), tag)
        if self.library.EVP_DecryptFinal_ex(self.context, ctypes.byref(out, done), ctypes.byref(length)) <= 0:
            return None
        return out.raw[: done + length.value]

    def __del__(self):
        self.library.EVP_CIPHER_CTX_free(self.context)

def once(library, kind, key, iv, data, aad=None, tag=None):
    return Cipher(library, kind, key).decipher(iv, data, aad, tag)

def mac(key, *pieces):
    return hmac.new(key, b"".join(pieces), hashlib.sha256).digest()

def hkdf_expand(key, info, length):
    out, block, counter = b"", b"", 1
    while len(out) < length:
        block = mac(key, block, info, bytes([counter]))
        out += block
        counter += 1
    return out[:length]

def hkdf(secret, salt, info, length=32):
    return hkdf_expand(mac(salt, secret), info, length)

def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


class Parameter(ctypes.Structure):
    """OSSL_PARAM."""
    _fields_ = [("key", ctypes.c_char_p), ("data_type", ctypes.c_uint), ("data", ctypes.c_void_p),
                ("data_size", ctypes.c_size_t), ("return_size", ctypes.c_size_t)]

def argon2id(library, passphrase, memory_kib, passes, lanes, salt):
    out = ctypes.create_string_buffer(32)
    argon = load("libargon2.so.1", "libargon2.so.0", "libargon2.so")
    if argon is not None:
        size = ctypes.c_size_t
        status = argon.argon2id_hash_raw(
            ctypes.c_uint32(passes), ctypes.c_uint32(memory_kib), ctypes.c_uint32(lanes),
            passphrase, size(len(passphrase)), salt, size(len(salt)), out, size(32))
        if status != 0:
            raise Refused("libargon2 fails with status %d" % status)
        return out.raw
    if not hasattr(library, "EVP_KDF_fetch"):
        raise Refused("a passphrase needs libargon2 or OpenSSL 3.2; neither is installed")
    library.EVP_KDF_fetch.restype = library.EVP_KDF_CTX_new.restype = ctypes.c_void_p
    kdf = library.EVP_KDF_fetch(None, b"ARGON2ID", None)
    if not kdf:
        raise Refused("a passphrase needs libargon2 or OpenSSL 3.2; this OpenSSL has no Argon2id")
    numbers = {b"lanes": lanes, b"threads": 1, b"memcost": memory_kib, b"iter": passes}
    values = [(name, 2, ctypes.c_uint32(number)) for name, number in numbers.items()]
    for name, text in ((b"pass", passphrase), (b"salt", salt)):
        values.append((name, 5, ctypes.create_string_buffer(text, len(text))))
    array = (Parameter * (len(values) + 1))()
    for i, (name, kind, value) in enumerate(values):
        array[i] = Parameter(name, kind, ctypes.addressof(value), ctypes.sizeof(value), 0)
    context = ctypes.c_void_p(library.EVP_KDF_CTX_new(ctypes.c_void_p(kdf)))
    if library.EVP_KDF_derive(context, out, ctypes.c_size_t(32), array) <= 0:
        raise Refused("OpenSSL's Argon2id fails")
    return out.raw


# --- what lies on the disk ------------------------------------------------------------------------------------------


class Root:
    """A root block whose CRC is right. Nothing that steers a cipher is used before its MAC was verified."""

    def __init__(self, name, block):
        self.name = name
        self.block = block
        if block[:8] != bytes.fromhex("8942534c0d0a1a0a"):
            raise Refused("%s: magic: damaged, or not a Blockseal volume" % name)
        if struct.unpack_from("<I", block, 0xFFC)[0] != crc32c(block[:0xFFC]):
            raise Refused("%s: crc: damaged" % name)
        major, self.minor, block_size = struct.unpack_from("<HHI", block, 8)
        if major != 1 or block_size != BLOCK:
            raise Refused("%s: major version %d, block size %d: unknown" % (name, major, block_size))
        if any(block[0xFE0:0xFFC]):
            raise Refused("%s: end: not zero: damaged" % name)
        self.uuid = block[0x10:0x20]
        self.seq, self.incompat, self.ro_compat, self.compat, self.size = struct.unpack_from("<5Q", block, 0x20)
        self.range_shift, self.unit_shift, self.suite, self.epoch = struct.unpack_from("<BBHI", block, 0x48)
        self.ranges, self.slots, self.spare, self.data = struct.unpack_from("<QIIQ", block, 0x50)
        extents, self.area, self.placement = struct.unpack_from("<HBB", block, 0x68)
        self.extents = struct.unpack_from("<64Q", block, 0x70)[: min(extents, 64)]
        self.area_hash = block[0x270:0x290]
        self.table_root = block[0x290:0x2B0]
        self.identity = block[0x2B0:0x2C0]
        self.created, self.committed = struct.unpack_from("<QQ", block, 0x2C0)
        self.label = block[0x2D0:0x300].split(b"\0")[0].decode("utf-8", "replace")
        self.previous_key = block[0x300:0x328]
        self.rotating = any(self.previous_key)
        self.cursor = struct.unpack_from("<Q", block, 0x328)[0]
        self.mac = block[0xFC0:0xFE0]

    def require_consistent(self):
        pages = -(-self.ranges // ENTRIES)
        room = FIRST_PAGES + (len(self.extents) - 1) * LATER_PAGES
        bounds = (
            (self.suite == 1, "suite"),
            (self.unit_shift in (9, 12), "unit shift"),
            (16 <= self.range_shift <= 34, "range shift"),
            (self.size > 0 and self.size % (1 << self.unit_shift) == 0, "volume size"),
            (self.ranges == -(-self.size // (1 << self.range_shift)), "range count"),
            (self.ranges <= self.slots <= 1 << 28, "slot count"),
            (self.placement in (0, 1), "placement"),
            (len(self.extents) >= 1 and self.extents[0] == 0 and pages <= room, "extents"),
            (self.data % BLOCK == 0 and self.data < 1 << 62, "data offset"),
            (self.placement == 1 or self.data >= EXTENT, "data offset"),
        )
        wrong = [field for holds, field in bounds if not holds]
        if wrong:
            raise Refused("%s: %s: out of bounds" % (self.name, wrong[0]))

    def page_offset(self, page, copy):
        if page < FIRST_PAGES:
            return 2 * MIB + copy * 31 * MIB + page * BLOCK
        extent, index = divmod(page - FIRST_PAGES, LATER_PAGES)
        return self.extents[1 + extent] + copy * 32 * MIB + index * BLOCK

    def reserved_slots(self):
        """The slots that an in-band metadata extent touches."""
        found = set()
        for offset in self.extents[1:] if self.placement == 0 else ():
            if offset >= self.data:
                first = (offset - self.data) >> self.range_shift
                found.update(range(first, ((offset + EXTENT - 1 - self.data) >> self.range_shift) + 1))
        return found


class KeySlot:
    """A key slot that is not empty, or None of its fields where it makes no sense."""

    TYPES = ["other", "file", "passphrase", "recovery", "azure", "transit", "pkcs11", "aws", "gcp", "exec", "kmip",
             "tang", "all-of"]

    def __init__(self, index, raw):
        self.index = index
        self.type, self.state, self.priority, flags = struct.unpack_from("<HBBI", raw, 0)
        self.epoch, self.algorithm, blob = struct.unpack_from("<IHH", raw, 0x10)
        self.label = raw[0x18:0x38].split(b"\0")[0].decode("utf-8", "replace")
        reference, parameters = struct.unpack_from("<HH", raw, 0x38)
        self.refused = (flags != 0 or self.state > 2 or self.priority > 2 or not 1 <= self.algorithm <= 7
                        or not 1 <= blob <= 512 or reference > 256 or parameters > 128)
        self.reference = raw[0x40 : 0x40 + reference].decode("utf-8", "replace")
        self.parameters = raw[0x180 : 0x180 + parameters]
        self.blob = raw[0x200 : 0x200 + blob]

    def kind(self):
        return "refused" if self.refused else self.TYPES[self.type if self.type < len(self.TYPES) else 0]

    def parts(self):
        """Of a slot of several parts: the wrapped volume key, and each part as a slot of its own."""
        stream, found = self.blob + self.parameters, []
        wrapped, rest = stream[:40], stream[41:]
        references = self.reference.removeprefix("all-of:").split("&")
        if len(stream) < 41 or not 2 <= stream[40] <= 4 or stream[40] != len(references):
            raise Refused("key slot %d: its parts make no sense" % self.index)
        for reference in references:
            if len(rest) < 5:
                raise Refused("key slot %d: its parts make no sense" % self.index)
            algorithm, version, parameters, blob = struct.unpack_from("<BBBH", rest, 0)
            start, end = 5 + version, 5 + version + parameters + blob
            if algorithm == 7 or end > len(rest):
                raise Refused("key slot %d: its parts make no sense" % self.index)
            part = object.__new__(KeySlot)
            part.index, part.refused, part.algorithm = self.index, False, algorithm
            part.reference = reference.replace("%26", "&").replace("%25", "%")
            part.type = 1 if part.reference.split(":")[0] in ("file", "fd", "credential") else 0
            part.parameters, part.blob = rest[start : start + parameters], rest[start + parameters : end]
            found.append(part)
            rest = rest[end:]
        if rest:
            raise Refused("key slot %d: its parts make no sense" % self.index)
        return wrapped, found

    def argon2(self):
        values, rest = {}, self.parameters
        while rest:
            if len(rest) < 2 or len(rest) < 2 + rest[1] or rest[0] in values:
                raise Refused("key slot %d: its parameters make no sense" % self.index)
            values[rest[0]], rest = rest[2 : 2 + rest[1]], rest[2 + rest[1] :]
        if sorted((tag, len(value)) for tag, value in values.items()) != [(1, 4), (2, 4), (3, 4), (4, 32)]:
            raise Refused("key slot %d: its parameters make no sense" % self.index)
        memory, passes, lanes = (struct.unpack("<I", values[tag])[0] for tag in (1, 2, 3))
        if not (8 * lanes <= memory <= 4 << 20 and 1 <= passes <= 64 and 1 <= lanes <= 16):
            raise Refused("key slot %d: asks for %d KiB, %d passes, %d lanes" % (self.index, memory, passes, lanes))
        return memory, passes, lanes, values[4]


class Entry:
    """A table entry."""

    def __init__(self, raw):
        self.state, self.suite, _, self.generation, self.slot = struct.unpack_from("<BBHII", raw, 0)
        self.nonce, self.wrapped, self.tag = raw[36:48], raw[48:112], raw[112:128]


# --- secrets that somebody holds -------------------------------------------------------------------------------------

def read_key_file(path):
    with open(path, "rb") as file:
        raw = file.read(66)
    text = raw[:-1] if len(raw) == 65 and raw.endswith(b"\n") else raw
    if len(text) == 64:
        return bytes.fromhex(text.decode("ascii"))
    if len(raw) == 32:
        return raw
    raise Refused("%s: a key file is 32 raw bytes or 64 hexadecimal digits" % path)

def read_recovery_key(path):
    with open(path, encoding="ascii") as file:
        text = file.readline().upper()
    text = "".join(c for c in text if c not in "- \t\r\n").translate(str.maketrans("ILO", "110"))
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    if len(text) != 64 or any(c not in alphabet for c in text):
        raise Refused("%s: a recovery key is eight groups of eight characters" % path)
    secret = b""
    for group in range(8):
        bits = 0
        for character in text[group * 8 : group * 8 + 8]:
            bits = bits << 5 | alphabet.index(character)
        part, crc = (bits >> 8).to_bytes(4, "big"), 0
        for byte in bytes([group]) + part:
            crc ^= byte
            for _ in range(8):
                crc = (crc << 1 ^ (0x2F if crc & 0x80 else 0)) & 0xFF
        if crc != bits & 0xFF:
            raise Refused("%s: mistyped in group %d of 8" % (path, group + 1))
        secret += part
    return secret

def read_passphrase(path):
    with open(path, "rb") as file:
        return file.readline().removesuffix(b"\n")


# --- the reader ------------------------------------------------------------------------------------------------------


class Volume:
    def __init__(self, data_path, meta_path):
        self.data = os.open(data_path, os.O_RDONLY)
        self.meta = os.open(meta_path, os.O_RDONLY) if meta_path else self.data
        self.detached = bool(meta_path)
        self.library = None
        self.complaints = []
        self.roots = []
        for copy, name in enumerate(("root A", "root B")):
            try:
                self.roots.append(Root(name, self.at(self.meta, copy * MIB, BLOCK)))
            except Refused as e:
                self.complaints.append(str(e))
        if not self.roots:
            raise Refused("no root is intact: " + "; ".join(self.complaints))
        self.roots.sort(key=lambda root: -root.seq)
        # An older root that lacks the feature is no way round it.
        if self.roots[0].incompat:
            raise Refused("%s: incompat features %x are unknown" % (self.roots[0].name, self.roots[0].incompat))

    @staticmethod
    def at(fd, offset, length):
        data = os.pread(fd, length, offset)
        if len(data) != length:
            raise Refused("truncated: nothing at offset %d" % (offset + len(data)))
        return data

    def key_slots(self, root):
        for area in (root.area & 1, 1 - (root.area & 1)):
            raw = self.at(self.meta, area * MIB + 65536, 16384)
            if hashlib.sha256(raw).digest() == root.area_hash:
                slots = [KeySlot(i, raw[i * 1024 : i * 1024 + 1024]) for i in range(16)]
                return [slot for slot in slots if slot.state != 0]
        raise Refused("%s: no key slot area has its hash" % root.name)

    def unlock(self, secrets):
        self.library = libcrypto()
        reasons = []
        for root in self.roots:
            try:
                for slot in sorted(self.key_slots(root), key=lambda slot: (-slot.priority, slot.index)):
                    volume_key = self.unwrap(root, slot, secrets)
                    if volume_key is None:
                        continue
                    keys = self.derive(root, volume_key)
                    if hmac.compare_digest(mac(keys["root-mac"], root.block[:0xFC0]), root.mac):
                        return root, self.epochs(root, volume_key, keys)
                    reasons.append("%s: mac: altered, or of another volume's key" % root.name)
                reasons.append("%s: no key slot opens with this key" % root.name)
            except Refused as e:
                reasons.append(str(e))
        raise Refused("; ".join(reasons))

    def unwrap(self, root, slot, secrets):
        blob = slot.blob
        if slot.refused:
            kek = None
        elif slot.algorithm == 5 and slot.type == 1 and "file" in secrets:
            kek = hkdf(secrets["file"], root.uuid, b"blockseal/v1/kek/file")
        elif slot.algorithm == 5 and slot.type == 3 and "recovery" in secrets:
            kek = hkdf(secrets["recovery"], root.uuid, b"blockseal/v1/kek/recovery")
        elif slot.algorithm == 4 and "passphrase" in secrets:
            kek = argon2id(self.library, secrets["passphrase"], *slot.argon2())
        elif slot.algorithm == 7:
            kek, blob = self.joined(root, slot, secrets)
        else:
            kek = None
        volume_key = once(self.library, "wrap_pad", kek, None, blob) if kek else None
        return volume_key if volume_key is not None and len(volume_key) == 32 else None

    def joined(self, root, slot, secrets):
        """The KEK of a slot of several parts, or None if one of them cannot be unwrapped here; and what it wraps."""
        wrapped, parts = slot.parts()
        kek = None
        for number, part in enumerate(parts, 1):
            share = self.unwrap(root, part, secrets)
            if share is None:
                return None, wrapped
            info = b"blockseal/v1/kek/all-of" + bytes([len(parts), number])
            kek = share if kek is None else hkdf(kek + share, root.uuid, info)
        return kek, wrapped

    def epochs(self, root, volume_key, keys):
        """The keys of each epoch that pages may be of: two while the volume key is rotated."""
        epochs = {root.epoch: keys}
        if root.rotating:
            previous = once(self.library, "wrap_pad", volume_key, None, root.previous_key)
            if previous is None or len(previous) != 32:
                raise Refused("%s: previous volume key: does not unwrap" % root.name)
            epochs[root.epoch - 1] = self.derive(root, previous)
        return epochs

    @staticmethod
    def derive(root, volume_key):
        labels = {"dek-wrap": 32, "root-mac": 32, "page-mac": 32, "table-root": 32, "identity": 16}
        return {label: hkdf(volume_key, root.uuid, b"blockseal/v1/" + label.encode(), length)
                for label, length in labels.items()}

    def table(self, root, keys):
        """Every range's entry, or None for a range of a lost page."""
        total, lost, entries = 0, False, []
        for page in range(-(-root.ranges // ENTRIES)):
            copies = [self.at(self.meta, root.page_offset(page, copy), BLOCK) for copy in range(2)]
            best, best_seq = None, -1
            for raw in copies:
                seq = self.page_seq(root, keys, page, raw)
                if seq > best_seq:
                    best, best_seq = raw, seq
            if best is None:
                lost = True
                entries += [None] * ENTRIES
                continue
            if best_seq > 0:
                term = mac(keys[self.epoch_of(best)]["table-root"], struct.pack("<IQ", page, best_seq), best[96:128])
                total ^= int.from_bytes(term, "big")
            found = [Entry(best[128 + i * 128 : 256 + i * 128]) for i in range(ENTRIES)]
            for entry in found:
                entry.epoch = self.epoch_of(best)
            entries += found
        if not lost and total.to_bytes(32, "big") != root.table_root:
            raise Refused("table_root: the table is not the one that the root describes")
        if lost:
            self.complaints.append("pages are lost, so that table_root cannot be checked")
        return entries[: root.ranges]

    @staticmethod
    def epoch_of(raw):
        return struct.unpack_from("<I", raw, 16)[0]

    @staticmethod
    def page_seq(root, keys, page, raw):
        """The commit of a valid copy, 0 for one that was never written, -1 for one that does not count."""
        if not any(raw):
            return 0
        magic, index, seq = struct.unpack_from("<4sIQ", raw, 0)
        epoch = Volume.epoch_of(raw)
        if epoch not in keys or (epoch != root.epoch and page < root.cursor):
            return -1
        covered = raw[:96] + bytes(32) + raw[128:]
        right = hmac.compare_digest(mac(keys[epoch]["page-mac"], root.uuid, covered), raw[96:128])
        return seq if right and magic == b"BSTP" and index == page and seq <= root.seq else -1

    def dek(self, root, keys, index, entry):
        key = hkdf_expand(keys[entry.epoch]["dek-wrap"], b"dek" + struct.pack("<QI", index, entry.generation), 32)
        aad = root.uuid + struct.pack("<QIHI", index, entry.generation, entry.suite, entry.slot)
        dek = once(self.library, "gcm", key, entry.nonce, entry.wrapped, aad, entry.tag)
        return None if dek is None or dek[:32] == dek[32:] else dek

    def export(self, root, keys, out_path):
        """Writes the raw image; returns what could not be read."""
        root.require_consistent()
        if (root.placement == 1) != self.detached:
            raise Refused("the metadata is detached: give --meta" if root.placement else "the metadata is in-band")
        if os.lseek(self.data, 0, os.SEEK_END) < root.data + (root.slots << root.range_shift):
            raise Refused("the data store is truncated")
        taken = root.reserved_slots()
        lost = []
        entries = self.table(root, keys)
        with open(out_path, "wb") as out:
            out.truncate(root.size)
            for index, entry in enumerate(entries):
                if entry is None or entry.state > 2:
                    lost.append(index)
                elif entry.state == 1:
                    if entry.slot >= root.slots or entry.slot in taken:
                        raise Refused("range %d: slot %d is no free slot of the data area" % (index, entry.slot))
                    taken.add(entry.slot)
                    dek = self.dek(root, keys, index, entry)
                    if dek is None:
                        lost.append(index)
                    else:
                        self.export_range(root, index, entry.slot, dek, out)
        return lost

    def export_range(self, root, index, slot, dek, out):
        range_bytes, unit = 1 << root.range_shift, 1 << root.unit_shift
        start = index << root.range_shift
        length = min(range_bytes, root.size - start)
        physical = root.data + (slot << root.range_shift)
        cipher = Cipher(self.library, "xts", dek)
        for part in range(0, length, MIB):
            size = min(MIB, length - part)
            raw = self.at(self.data, physical + part, size)
            if raw.count(0) == size:
                continue
            for at in range(0, size, unit):
                ciphertext = raw[at : at + unit]
                if ciphertext.count(0) != unit:
                    tweak = ((start + part + at) >> root.unit_shift).to_bytes(16, "little")
                    out.seek(start + part + at)
                    out.write(cipher.decipher(tweak, ciphertext))

def show(volume):
    root = volume.roots[0]
    print("uuid       %s\nidentity   %s\nlabel      %s" % (uuid.UUID(bytes=root.uuid), root.identity.hex(), root.label))
    print("size       %d\nunit       %d\nrange      %d (%d ranges, %d slots)" % (
        root.size, 1 << root.unit_shift, 1 << root.range_shift, root.ranges, root.slots))
    print("data at    %d\nmetadata   %s, %d extents\ncommit     %d" % (
        root.data, "detached" if root.placement else "in-band", len(root.extents), root.seq))
    for slot in volume.key_slots(root):
        print("key slot   %d: %s, priority %d, %s %s" % (
            slot.index, slot.kind(), slot.priority, slot.reference, slot.label))

def main():
    parser = argparse.ArgumentParser(description="Read a Blockseal volume into a raw image.")
    parser.add_argument("volume")
    parser.add_argument("--meta", help="the store of detached metadata")
    parser.add_argument("--key-file")
    parser.add_argument("--recovery-key-file")
    parser.add_argument("--passphrase-file")
    parser.add_argument("--info", action="store_true", help="print what can be told without a key")
    parser.add_argument("-o", "--output", help="the raw image to write, sparse")
    arguments = parser.parse_args()
    readers = (("file", arguments.key_file, read_key_file), ("recovery", arguments.recovery_key_file, read_recovery_key),
               ("passphrase", arguments.passphrase_file, read_passphrase))
    try:
        volume = Volume(arguments.volume, arguments.meta)
        if arguments.info:
            show(volume)
        lost = []
        if arguments.output:
            secrets = {kind: read(path) for kind, path, read in readers if path}
            root, keys = volume.unlock(secrets)
            lost = volume.export(root, keys, arguments.output)
        elif not arguments.info:
            parser.error("say --info, or -o and a key")
        for complaint in volume.complaints:
            print("warning: " + complaint, file=sys.stderr)
        if lost:
            print("lost ranges, zeros in the image: " + " ".join(map(str, lost)), file=sys.stderr)
            return 2
        return 0
    except (Refused, OSError, ValueError) as e:
        print("%s: %s" % (arguments.volume, e), file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
