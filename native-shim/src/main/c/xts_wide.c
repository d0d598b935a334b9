/*
 * Chooses what computes AES-256-XTS: own vector code (xts_vaes.h) where the processor has the instructions and every
 * answer agrees with libcrypto's, else libcrypto. Decided once, in bs_init, before anybody can encipher: a processor, a
 * compiler or a hypervisor that gets one of these instructions wrong must cost speed, not data.
 */
#include "shim.h"

#include <endian.h>
#include <stdlib.h>

const struct xts_wide *xts_wide;
static bool distrusted;

enum { ALIGNMENTS = 64, CHECKED_BYTES_MAX = 9 * 4096 + 2 * ALIGNMENTS };

/* What a comparison needs; too much for the stack. Its keys are random and protect nothing. */
struct comparison {
    const struct xts_wide *wide;
    struct evp_cipher_ctx *encrypt, *decrypt;
    struct xts_keys keys;
    uint8_t key[BS_KEY_BYTES_MAX], room[XTS_ROOM_BYTES];
    uint8_t plain[CHECKED_BYTES_MAX], expected[CHECKED_BYTES_MAX], found[CHECKED_BYTES_MAX];
};

static bool by_libcrypto(struct comparison *c, bool encrypt, uint8_t *unit, uint64_t number, int unitBytes) {
    uint64_t tweak[2] = {htole64(number), 0};
    int length = 0;
    if (encrypt) {
        return crypto.EVP_EncryptInit_ex2(c->encrypt, NULL, NULL, (const uint8_t *)tweak, NULL) == 1 &&
               crypto.EVP_EncryptUpdate(c->encrypt, unit, &length, unit, unitBytes) == 1 && length == unitBytes;
    }
    return crypto.EVP_DecryptInit_ex2(c->decrypt, NULL, NULL, (const uint8_t *)tweak, NULL) == 1 &&
           crypto.EVP_DecryptUpdate(c->decrypt, unit, &length, unit, unitBytes) == 1 && length == unitBytes;
}

static bool expand_both(struct comparison *c) {
    return crypto.EVP_EncryptInit_ex2(c->encrypt, crypto.xts, c->key, NULL, NULL) == 1 &&
           crypto.EVP_DecryptInit_ex2(c->decrypt, crypto.xts, c->key, NULL, NULL) == 1;
}

/* Runs it, and compares what is found then with what libcrypto left in `expected`. */
static bool same(struct comparison *c, enum xts_mode mode, const struct xts_run *run, int64_t zeros, size_t checked) {
    c->wide->expand(&c->keys, c->key, mode == XTS_ENCRYPT);
    return c->wide->crypt(mode, &c->keys, run, c->room) == zeros && memcmp(c->found, c->expected, checked) == 0;
}

/*
 * One size and count, each way: enciphered from one buffer to another; deciphered in place; and deciphered with every
 * third unit never written. The bytes before and behind must stay as they are.
 */
static bool agrees_on(struct comparison *c, size_t unitBytes, int64_t count, uint64_t firstUnit, size_t offset) {
    struct xts_run run = {c->plain + offset, c->found + offset, (int64_t)firstUnit, count, unitBytes};
    size_t checked = offset + (size_t)count * unitBytes + ALIGNMENTS;
    int64_t zeros = 0;
    memcpy(c->found, c->plain, checked);
    memcpy(c->expected, c->plain, checked);
    for (int64_t i = 0; i < count; i++) {
        if (!by_libcrypto(c, true, c->expected + offset + (size_t)i * unitBytes, firstUnit + (uint64_t)i, (int)unitBytes)) {
            return false;
        }
    }
    if (!same(c, XTS_ENCRYPT, &run, 0, checked)) {
        return false;
    }
    run.from = run.to;
    memcpy(c->expected, c->plain, checked);
    if (!same(c, XTS_DECRYPT, &run, 0, checked)) {
        return false;
    }
    /* Not what was just enciphered: deciphering must be right for bytes that encipher nothing. */
    for (int64_t i = 0; i < count; i++) {
        uint8_t *unit = c->expected + offset + (size_t)i * unitBytes;
        if (i % 3 == 1) {
            memset(unit, 0, unitBytes);
            memset(c->found + offset + (size_t)i * unitBytes, 0, unitBytes);
            zeros++;
        } else if (!by_libcrypto(c, false, unit, firstUnit + (uint64_t)i, (int)unitBytes)) {
            return false;
        }
    }
    return same(c, XTS_DECRYPT_SPARSE, &run, zeros, checked);
}

/* IEEE 1619, vector 10: an answer that does not come from libcrypto. */
static bool agrees_with_the_standard(struct comparison *c) {
    static const uint8_t key[BS_KEY_BYTES_MAX] = {
        0x27, 0x18, 0x28, 0x18, 0x28, 0x45, 0x90, 0x45, 0x23, 0x53, 0x60, 0x28, 0x74, 0x71, 0x35, 0x26,
        0x62, 0x49, 0x77, 0x57, 0x24, 0x70, 0x93, 0x69, 0x99, 0x59, 0x57, 0x49, 0x66, 0x96, 0x76, 0x27,
        0x31, 0x41, 0x59, 0x26, 0x53, 0x58, 0x97, 0x93, 0x23, 0x84, 0x62, 0x64, 0x33, 0x83, 0x27, 0x95,
        0x02, 0x88, 0x41, 0x97, 0x16, 0x93, 0x99, 0x37, 0x51, 0x05, 0x82, 0x09, 0x74, 0x94, 0x45, 0x92,
    };
    static const uint8_t head[] = {0x1c, 0x3b, 0x3a, 0x10, 0x2f, 0x77, 0x03, 0x86,
                                   0xe4, 0x83, 0x6c, 0x99, 0xe3, 0x70, 0xcf, 0x9b};
    static const uint8_t tail[] = {0xc4, 0xf3, 0x6f, 0xfd, 0xa9, 0xfc, 0xea, 0x70,
                                   0xb9, 0xc6, 0xe6, 0x93, 0xe1, 0x48, 0xc1, 0x51};
    enum { UNIT_BYTES = 512 };
    struct xts_run run = {c->found, c->found, 0xff, 1, UNIT_BYTES};
    for (int i = 0; i < UNIT_BYTES; i++) {
        c->found[i] = (uint8_t)i;
    }
    c->wide->expand(&c->keys, key, true);
    return c->wide->crypt(XTS_ENCRYPT, &c->keys, &run, c->room) == 0 && memcmp(c->found, head, sizeof head) == 0 &&
           memcmp(c->found + UNIT_BYTES - sizeof tail, tail, sizeof tail) == 0;
}

/* Every number of blocks up to a whole group and one more, every count up to two vectors of units and one more. */
static bool agrees_everywhere(struct comparison *c) {
    size_t sizes = 0;
    for (size_t unitBytes = 16; unitBytes <= 4096; unitBytes += unitBytes < 528 ? 16 : 4096 - 528) {
        if (random_fill(c->key, sizeof c->key) != 0 || halves_equal(c->key) || !expand_both(c)) {
            return false;
        }
        for (int64_t count = 1; count <= 9; count++) {
            size_t offset = (sizes + (size_t)count) % ALIGNMENTS;
            if (!agrees_on(c, unitBytes, count, UINT64_C(0xfffffffc) << sizes % 31, offset)) {
                return false;
            }
        }
        sizes++;
    }
    /* More units than one batch of first tweaks holds, and the greatest number there is. */
    return agrees_on(c, 512, 71, INT64_MAX - 71, 1);
}

bool xts_agrees(const struct xts_wide *wide) {
    struct comparison *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return false;
    }
    c->wide = wide;
    c->encrypt = crypto.EVP_CIPHER_CTX_new();
    c->decrypt = crypto.EVP_CIPHER_CTX_new();
    bool agrees = c->encrypt != NULL && c->decrypt != NULL && random_fill(c->plain, sizeof c->plain) == 0 &&
                  agrees_with_the_standard(c) && agrees_everywhere(c);
    crypto.EVP_CIPHER_CTX_free(c->encrypt);
    crypto.EVP_CIPHER_CTX_free(c->decrypt);
    crypto.ERR_clear_error();
    free(c);
    return agrees;
}

#ifdef XTS_VAES
static const struct xts_wide *widest(int32_t flags) {
    if ((flags & BS_INIT_XTS_LIBCRYPTO) != 0) {
        return NULL;
    }
    if ((flags & BS_INIT_XTS_VAES256) == 0 && xts_vaes512.runs_here()) {
        return &xts_vaes512;
    }
    return xts_vaes256.runs_here() ? &xts_vaes256 : NULL;
}
#else
static const struct xts_wide *widest(int32_t flags) {
    (void)flags;
    return NULL;
}
#endif

/* A processor that gets the widest wrong is not trusted with the next one either. */
void xts_choose(int32_t flags) {
    const struct xts_wide *wide = widest(flags);
    distrusted = wide != NULL && !xts_agrees(wide);
    xts_wide = distrusted ? NULL : wide;
}

int32_t bs_xts_engine(void) {
    if (!libcrypto_ready()) {
        return BS_NOT_READY;
    }
    return xts_wide != NULL ? xts_wide->engine : distrusted ? BS_XTS_DISTRUSTED : BS_XTS_LIBCRYPTO;
}
