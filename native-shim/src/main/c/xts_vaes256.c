/* AES-256-XTS on 256-bit vectors, for processors with VAES and without AVX-512. See xts_vaes.h. */
#include "shim.h"

#ifdef XTS_VAES
#include <immintrin.h>

#define TARGET __attribute__((target("avx2,vaes,vpclmulqdq")))
#define V __m256i
enum { LANES = 2 };

#define ALL_QWORDS(value) _mm256_set1_epi64x(value)
#define ALL_LANES(block) _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)(block)))
/* For each lane its number, twice; and its number in the low word only. */
#define LANE_NUMBERS _mm256_set_epi64x(1, 1, 0, 0)
#define UNIT_NUMBERS _mm256_set_epi64x(0, 1, 0, 0)
#define LOW_WORDS _mm256_set_epi64x(0, -1, 0, -1)

#define XOR3(one, two, three) ((one) ^ (two) ^ (three))
#define LOAD(at) _mm256_loadu_si256((const __m256i *)(const void *)(at))
#define STORE(at, vector) _mm256_storeu_si256((__m256i *)(void *)(at), vector)
#define MASK(words) _mm256_cmpgt_epi64(_mm256_set1_epi64x(words), _mm256_set_epi64x(3, 2, 1, 0))
#define LOAD_WORDS(at, words) _mm256_maskload_epi64((const long long *)(const void *)(at), MASK(words))
#define STORE_WORDS(at, words, vector) _mm256_maskstore_epi64((long long *)(void *)(at), MASK(words), vector)

#define ADD(vector, other) _mm256_add_epi64(vector, other)
#define SHIFT_LEFT(vector, bits) _mm256_slli_epi64(vector, bits)
#define SHIFT_RIGHT(vector, bits) _mm256_srli_epi64(vector, bits)
#define SHIFT_LEFT_EACH(vector, bits) _mm256_sllv_epi64(vector, bits)
#define SHIFT_RIGHT_EACH(vector, bits) _mm256_srlv_epi64(vector, bits)
#define SHIFT_LEFT_BYTES(vector, bytes) _mm256_bslli_epi128(vector, bytes)
/* The tweaks of the next vector but one. */
#define TIMES_TWO_VECTORS(tweaks) TIMES_ALPHA(tweaks, 4)
/* The high word of each lane of the first by the low word of each lane of the second. */
#define CLMUL_HIGH(vector, other) _mm256_clmulepi64_epi128(vector, other, 0x01)

#define AES_ENCRYPT(vector, key) _mm256_aesenc_epi128(vector, key)
#define AES_ENCRYPT_LAST(vector, key) _mm256_aesenclast_epi128(vector, key)
#define AES_DECRYPT(vector, key) _mm256_aesdec_epi128(vector, key)
#define AES_DECRYPT_LAST(vector, key) _mm256_aesdeclast_epi128(vector, key)

#define CLEAR_REGISTERS()                                                                                            \
    __asm__ volatile("vzeroall"                                                                                      \
                     :                                                                                               \
                     :                                                                                               \
                     : "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",     \
                       "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15")

#include "xts_vaes.h"

static bool runs_here(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("vaes") && __builtin_cpu_supports("vpclmulqdq") &&
           __builtin_cpu_supports("aes");
}

const struct xts_wide xts_vaes256 = {BS_XTS_VAES256, runs_here, xts_expand, crypt};
#endif
