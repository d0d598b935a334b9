/* AES-256-XTS on 512-bit vectors, for processors with VAES and AVX-512. See xts_vaes.h. */
#include "shim.h"

#ifdef XTS_VAES
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,vaes,vpclmulqdq")))
#define V __m512i
enum { LANES = 4 };

#define ALL_QWORDS(value) _mm512_set1_epi64(value)
#define ALL_LANES(block) _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)(block)))
/* For each lane its number, twice; and its number in the low word only. */
#define LANE_NUMBERS _mm512_set_epi64(3, 3, 2, 2, 1, 1, 0, 0)
#define UNIT_NUMBERS _mm512_set_epi64(0, 3, 0, 2, 0, 1, 0, 0)
#define LOW_WORDS _mm512_set_epi64(0, -1, 0, -1, 0, -1, 0, -1)

#define XOR3(one, two, three) _mm512_ternarylogic_epi64(one, two, three, 0x96)
#define LOAD(at) _mm512_loadu_si512(at)
#define STORE(at, vector) _mm512_storeu_si512(at, vector)
#define LOAD_WORDS(at, words) _mm512_maskz_loadu_epi64((__mmask8)((1 << (words)) - 1), at)
#define STORE_WORDS(at, words, vector) _mm512_mask_storeu_epi64(at, (__mmask8)((1 << (words)) - 1), vector)

#define ADD(vector, other) _mm512_add_epi64(vector, other)
#define SHIFT_LEFT(vector, bits) _mm512_slli_epi64(vector, bits)
#define SHIFT_RIGHT(vector, bits) _mm512_srli_epi64(vector, bits)
#define SHIFT_LEFT_EACH(vector, bits) _mm512_sllv_epi64(vector, bits)
#define SHIFT_RIGHT_EACH(vector, bits) _mm512_srlv_epi64(vector, bits)
#define SHIFT_LEFT_BYTES(vector, bytes) _mm512_bslli_epi128(vector, bytes)
/* The tweaks of the next vector but one. */
#define TIMES_TWO_VECTORS(tweaks) TIMES_ALPHA_BYTES(tweaks, 1)
/* The high word of each lane of the first by the low word of each lane of the second. */
#define CLMUL_HIGH(vector, other) _mm512_clmulepi64_epi128(vector, other, 0x01)

#define AES_ENCRYPT(vector, key) _mm512_aesenc_epi128(vector, key)
#define AES_ENCRYPT_LAST(vector, key) _mm512_aesenclast_epi128(vector, key)
#define AES_DECRYPT(vector, key) _mm512_aesdec_epi128(vector, key)
#define AES_DECRYPT_LAST(vector, key) _mm512_aesdeclast_epi128(vector, key)

#define ZERO(number) "vpxord %%zmm" #number ", %%zmm" #number ", %%zmm" #number "\n\t"
/* vzeroall reaches the first sixteen. It also leaves the state that makes older vector code slow, as vzeroupper does. */
#define CLEAR_REGISTERS()                                                                                            \
    __asm__ volatile(ZERO(16) ZERO(17) ZERO(18) ZERO(19) ZERO(20) ZERO(21) ZERO(22) ZERO(23) ZERO(24) ZERO(25)       \
                         ZERO(26) ZERO(27) ZERO(28) ZERO(29) ZERO(30) ZERO(31) "vzeroall"                            \
                     :                                                                                               \
                     :                                                                                               \
                     : "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",     \
                       "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19",     \
                       "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29",     \
                       "xmm30", "xmm31")

#include "xts_vaes.h"

static bool runs_here(void) {
    /* These ask the processor, and the operating system whether it saves such registers (XGETBV). */
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("vaes") &&
           __builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("aes") && __builtin_cpu_supports("avx2");
}

const struct xts_wide xts_vaes512 = {BS_XTS_VAES512, runs_here, xts_expand, crypt};
#endif
