/*
 * AES-256-XTS on vectors of several blocks: a body that xts_vaes512.c and xts_vaes256.c include, each after it has
 * said what a vector is and how to load, store and shift one. Written from IEEE 1619, FIPS 197 and the processor
 * vendors' descriptions of the instructions. xts_wide.c decides whether any of it runs.
 *
 * A group is eight vectors, as each round of AES waits for the one before and eight vectors fill that time. Eight more
 * hold their tweaks and move on by a whole group at once: a multiplication by alpha^(8 * LANES) is a shift by LANES
 * bytes, and what falls off the end comes back multiplied by 0x87 without carries (IEEE 1619, 5.2).
 *
 * Round keys: each is loaded from its schedule in the locked pool for one round of one group, and never stored. Left
 * alone, the compiler would keep them across groups, and spill to the stack what finds no register; FORGET stops that.
 * The last act of a call is to clear every vector register. With 16 registers two of the eight tweaks may stay on the
 * stack (looked up in what gcc 12 makes of it); they are no keys, and what they hide is ciphertext. What remains is
 * beyond us: what the kernel saves of a thread that it interrupts in the middle.
 */
#include "shim.h"

#include <string.h>

enum {
    VECTORS = 8,
    BLOCK_BYTES = 16,
    VECTOR_BYTES = LANES * BLOCK_BYTES,
    GROUP_BLOCKS = VECTORS * LANES,
    GROUP_BYTES = VECTORS * VECTOR_BYTES,
};
_Static_assert((int)GROUP_BYTES <= (int)XTS_ROOM_BYTES, "the first tweaks of a batch of units must fit the room");

#define INLINE static inline __attribute__((always_inline)) TARGET
/* Eight variables, not an array: an array would stay in memory. */
#define EACH(ACT) ACT(0) ACT(1) ACT(2) ACT(3) ACT(4) ACT(5) ACT(6) ACT(7)
#ifdef __clang__
#define UNROLLED _Pragma("unroll")
#else
#define UNROLLED _Pragma("GCC unroll 13")
#endif
#define EACH_ROUND UNROLLED for (int round = 1; round < XTS_ROUNDS; round++)
#define FORGET(pointer) __asm__ volatile("" : "+r"(pointer))

/* Macros, as the instructions take the distance of a shift as a part of themselves. Carries fold back by 0x87. */
#define FOLD(carry) CLMUL_HIGH(carry, ALL_QWORDS(0x87))
/* x * alpha^bits, for less than 64 bits: both halves move, and the carry of each goes to the other. */
#define TIMES_ALPHA(x, bits) joined(SHIFT_LEFT(x, bits), SHIFT_RIGHT(x, 64 - (bits)))
/* The same for 8 * bytes bits, in fewer steps. */
#define TIMES_ALPHA_BYTES(x, bytes) (SHIFT_LEFT_BYTES(x, bytes) ^ FOLD(SHIFT_RIGHT(x, 64 - 8 * (bytes))))

INLINE V joined(V shifted, V carry) {
    return XOR3(shifted, SHIFT_LEFT_BYTES(carry, 8), FOLD(carry));
}

INLINE V key_of_round(const struct xts_schedule *schedule, int round) {
    return ALL_LANES(schedule->keys[round]);
}

/* How many 64-bit words of vector i there are when so many blocks are left. */
INLINE int words_of(size_t blocks, int i) {
    size_t before = (size_t)i * LANES;
    size_t here = blocks <= before ? 0 : blocks - before;
    return 2 * (int)(here < LANES ? here : LANES);
}

#define LOAD_WHOLE(i) data##i = LOAD(from + i * VECTOR_BYTES);
#define LOAD_PART(i) data##i = LOAD_WORDS(from + i * VECTOR_BYTES, words_of(blocks, i));
#define WHITEN(i) data##i = XOR3(data##i, tweak##i, key);
#define ENCRYPT(i) data##i = AES_ENCRYPT(data##i, key);
#define DECRYPT(i) data##i = AES_DECRYPT(data##i, key);
#define ENCRYPT_LAST(i) data##i = AES_ENCRYPT_LAST(data##i, key) ^ tweak##i;
#define DECRYPT_LAST(i) data##i = AES_DECRYPT_LAST(data##i, key) ^ tweak##i;
#define STORE_WHOLE(i) STORE(to + i * VECTOR_BYTES, data##i);
#define STORE_PART(i) STORE_WORDS(to + i * VECTOR_BYTES, words_of(blocks, i), data##i);
#define NEXT_TWEAK(i) tweak##i = TIMES_ALPHA_BYTES(tweak##i, LANES);

INLINE void unit(bool encrypt, const struct xts_schedule *schedule, const uint8_t *firstTweak, const uint8_t *from,
                 uint8_t *to, size_t blocks) {
    V first = ALL_LANES(firstTweak);
    V tweak0 = joined(SHIFT_LEFT_EACH(first, LANE_NUMBERS), SHIFT_RIGHT_EACH(first, ALL_QWORDS(64) - LANE_NUMBERS));
    V tweak1 = TIMES_ALPHA(tweak0, LANES), tweak2 = TIMES_TWO_VECTORS(tweak0), tweak3 = TIMES_TWO_VECTORS(tweak1);
    V tweak4 = TIMES_ALPHA_BYTES(tweak0, LANES / 2), tweak5 = TIMES_ALPHA_BYTES(tweak1, LANES / 2);
    V tweak6 = TIMES_ALPHA_BYTES(tweak2, LANES / 2), tweak7 = TIMES_ALPHA_BYTES(tweak3, LANES / 2);
    for (;;) {
        V data0, data1, data2, data3, data4, data5, data6, data7;
        if (blocks >= GROUP_BLOCKS) {
            EACH(LOAD_WHOLE)
        } else {
            EACH(LOAD_PART)
        }
        FORGET(schedule);
        V key = key_of_round(schedule, 0);
        EACH(WHITEN)
        EACH_ROUND {
            key = key_of_round(schedule, round);
            if (encrypt) {
                EACH(ENCRYPT)
            } else {
                EACH(DECRYPT)
            }
        }
        key = key_of_round(schedule, XTS_ROUNDS);
        if (encrypt) {
            EACH(ENCRYPT_LAST)
        } else {
            EACH(DECRYPT_LAST)
        }
        if (blocks < GROUP_BLOCKS) {
            EACH(STORE_PART)
            return;
        }
        EACH(STORE_WHOLE)
        blocks -= GROUP_BLOCKS;
        if (blocks == 0) {
            return;
        }
        from += GROUP_BYTES;
        to += GROUP_BYTES;
        EACH(NEXT_TWEAK)
    }
}

#define NUMBER(i) V data##i = ADD(UNIT_NUMBERS, ALL_QWORDS((int64_t)(number + i * LANES)) & LOW_WORDS) ^ key;
#define STORE_TWEAK(i) STORE(room + i * VECTOR_BYTES, AES_ENCRYPT_LAST(data##i, key));

/* The first tweaks of a vector of units: their numbers, enciphered. */
INLINE void first_tweaks(const struct xts_schedule *schedule, uint64_t number, uint8_t *room) {
    V key = key_of_round(schedule, 0);
    NUMBER(0)
    EACH_ROUND {
        key = key_of_round(schedule, round);
        ENCRYPT(0)
    }
    key = key_of_round(schedule, XTS_ROUNDS);
    STORE_TWEAK(0)
}

/* And of a group of units. */
INLINE void many_first_tweaks(const struct xts_schedule *schedule, uint64_t number, uint8_t *room) {
    V key = key_of_round(schedule, 0);
    EACH(NUMBER)
    EACH_ROUND {
        key = key_of_round(schedule, round);
        EACH(ENCRYPT)
    }
    key = key_of_round(schedule, XTS_ROUNDS);
    EACH(STORE_TWEAK)
}

INLINE int64_t all_units(enum xts_mode mode, const struct xts_keys *keys, const struct xts_run *run, uint8_t *room) {
    const uint8_t *from = run->from;
    uint8_t *to = run->to;
    size_t blocks = run->unitBytes / BLOCK_BYTES;
    int64_t zeros = 0;
    for (int64_t done = 0; done < run->unitCount;) {
        int64_t left = run->unitCount - done, batch;
        const struct xts_schedule *schedule = &keys->tweak;
        FORGET(schedule);
        if (left <= LANES) {
            first_tweaks(schedule, (uint64_t)(run->firstUnit + done), room);
            batch = left;
        } else {
            many_first_tweaks(schedule, (uint64_t)(run->firstUnit + done), room);
            batch = left < GROUP_BLOCKS ? left : GROUP_BLOCKS;
        }
        for (int64_t i = 0; i < batch; i++, from += run->unitBytes, to += run->unitBytes) {
            if (mode == XTS_DECRYPT_SPARSE && all_zero(from, run->unitBytes)) {
                zeros++;
                if (to != from) {
                    memset(to, 0, run->unitBytes);
                }
                continue;
            }
            unit(mode == XTS_ENCRYPT, &keys->data, room + i * BLOCK_BYTES, from, to, blocks);
            if (mode == XTS_ENCRYPT && all_zero(to, run->unitBytes)) {
                zeros++;
            }
        }
        done += batch;
    }
    CLEAR_REGISTERS();
    explicit_bzero(room, GROUP_BYTES);
    return zeros;
}

/* A body for each direction; sparse or not is one question a unit. */
static TARGET int64_t crypt(
    enum xts_mode mode, const struct xts_keys *keys, const struct xts_run *run, uint8_t *room) {
    switch (mode) {
        case XTS_ENCRYPT:
            return all_units(XTS_ENCRYPT, keys, run, room);
        case XTS_DECRYPT:
            return all_units(XTS_DECRYPT, keys, run, room);
        default:
            return all_units(XTS_DECRYPT_SPARSE, keys, run, room);
    }
}
