/* The AES-256 key expansion of FIPS 197, by the processor's own instructions, for the vector code. See xts_vaes.h. */
#include "shim.h"

#ifdef XTS_VAES
#include <immintrin.h>

#define TARGET __attribute__((target("aes,avx")))
#define INLINE static inline __attribute__((always_inline)) TARGET

/* Four words, of which each is the sum of those before it: FIPS 197, figure 11, for a whole round key. */
INLINE __m128i chained(__m128i words) {
    words = _mm_xor_si128(words, _mm_slli_si128(words, 4));
    return _mm_xor_si128(words, _mm_slli_si128(words, 8));
}

INLINE void store(struct xts_schedule *schedule, int round, __m128i key) {
    _mm_storeu_si128((__m128i *)(void *)schedule->keys[round], key);
}

INLINE __m128i stored(const struct xts_schedule *schedule, int round) {
    return _mm_loadu_si128((const __m128i *)(const void *)schedule->keys[round]);
}

/* The keygen instruction gives RotWord and the round constant in its last word, and neither in the one before. */
#define EVEN(round, constant)                                                                                        \
    even = _mm_xor_si128(chained(even), _mm_shuffle_epi32(_mm_aeskeygenassist_si128(odd, constant), 0xff));         \
    store(schedule, round, even);
#define ODD(round)                                                                                                   \
    odd = _mm_xor_si128(chained(odd), _mm_shuffle_epi32(_mm_aeskeygenassist_si128(even, 0), 0xaa));                 \
    store(schedule, round, odd);

INLINE void expand(struct xts_schedule *schedule, const uint8_t *key) {
    __m128i even = _mm_loadu_si128((const __m128i *)(const void *)key);
    __m128i odd = _mm_loadu_si128((const __m128i *)(const void *)(key + 16));
    store(schedule, 0, even);
    store(schedule, 1, odd);
    EVEN(2, 0x01) ODD(3)
    EVEN(4, 0x02) ODD(5)
    EVEN(6, 0x04) ODD(7)
    EVEN(8, 0x08) ODD(9)
    EVEN(10, 0x10) ODD(11)
    EVEN(12, 0x20) ODD(13)
    EVEN(14, 0x40)
}

/* To the schedule of the equivalent inverse cipher (FIPS 197, 5.3.5), in place. */
INLINE void invert(struct xts_schedule *schedule) {
    for (int low = 0, high = XTS_ROUNDS; low < high; low++, high--) {
        __m128i first = stored(schedule, high), last = stored(schedule, low);
        store(schedule, low, low == 0 ? first : _mm_aesimc_si128(first));
        store(schedule, high, low == 0 ? last : _mm_aesimc_si128(last));
    }
    store(schedule, XTS_ROUNDS / 2, _mm_aesimc_si128(stored(schedule, XTS_ROUNDS / 2)));
}

TARGET void xts_expand(struct xts_keys *keys, const uint8_t *key, bool encrypt) {
    expand(&keys->data, key);
    if (!encrypt) {
        invert(&keys->data);
    }
    expand(&keys->tweak, key + BS_KEY_BYTES_MAX / 2);
    __asm__ volatile("vzeroall"
                     :
                     :
                     : "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                       "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}
#endif
