/* What the Java side asks before it trusts the library: is it the one I was built for, do arguments arrive in order. */
#include "shim.h"

int32_t bs_abi_version(void) {
    return BS_ABI_VERSION;
}

int64_t bs_echo5(int32_t a, int64_t b, int64_t c, int64_t d, int32_t e) {
    const uint64_t base = 1000003;
    uint64_t sum = (uint64_t)(int64_t)a;
    sum = sum * base + (uint64_t)b;
    sum = sum * base + (uint64_t)c;
    sum = sum * base + (uint64_t)d;
    sum = sum * base + (uint64_t)(int64_t)e;
    return (int64_t)sum;
}

int32_t bs_block_bytes(int32_t kind) {
    switch (kind) {
        case BS_BLOCK_HMAC:
            return sizeof(struct bs_hmac_block);
        case BS_BLOCK_HKDF:
            return sizeof(struct bs_hkdf_block);
        case BS_BLOCK_GCM:
            return sizeof(struct bs_gcm_block);
        case BS_BLOCK_DEK:
            return sizeof(struct bs_dek_block);
        case BS_BLOCK_FILE_INFO:
            return sizeof(struct bs_file_info);
        default:
            return -EINVAL;
    }
}
