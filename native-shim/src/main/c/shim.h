/*
 * The one header of the shim: what Java may call (BS_API, prefix bs_), and below it what the files share.
 *
 * Rules for everything marked BS_API, because the Java side depends on them:
 *  - at most five integer arguments (the Java binding corrupts the sixth); more go through a parameter block, a
 *    struct of int64_t whose address is passed;
 *  - addresses travel as int64_t, handles, file descriptors and flags as int32_t;
 *  - a negative result is a negated errno value, and then nothing was done unless the function says otherwise;
 *  - no function blocks except the file calls, and none keeps an address after it returned, except that a ring keeps
 *    those of its requests until they are reaped.
 */
#ifndef BLOCKSEAL_SHIM_H
#define BLOCKSEAL_SHIM_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BS_API __attribute__((visibility("default")))

/* Raised whenever a signature, a parameter block or the meaning of a result changes. */
#define BS_ABI_VERSION 5

/* ---- Errors that say more than their names (all others are what the system call returned) ---- */
#define BS_NOT_READY (-ENOSYS)          /* bs_init has not succeeded */
#define BS_KEY_STALE (-EKEYREVOKED)     /* the handle was freed, or freed and its slot given to another key */
#define BS_KEY_EMPTY (-ENOKEY)          /* the slot holds no key, or one of another length */
#define BS_KEY_REJECTED (-EKEYREJECTED) /* an XTS key whose halves are equal */
#define BS_BAD_TAG (-EBADMSG)           /* authentication failed: wrong key, or altered bytes */
#define BS_NO_SLOT (-ENOSPC)            /* every key slot is taken */
#define BS_CRYPTO_FAILED (-EIO)         /* libcrypto refused something it must not refuse */

#define BS_KEY_BYTES_MAX 64
#define BS_MAC_BYTES 32
#define BS_TAG_BYTES 16
#define BS_NONCE_BYTES 12
#define BS_MAC_PARTS_MAX 8

/* ---- bs_init and what it achieved (libcrypto.c) ---- */
enum {
    BS_INIT_NO_LOCK = 1,  /* do not mlock; for tests of the fallback */
    BS_INIT_NO_HOOKS = 2, /* leave libcrypto's allocator alone; for tests of the fallback */
    /* Less than this processor can do, for tests and for operators in trouble: */
    BS_INIT_XTS_LIBCRYPTO = 4, /* XTS by libcrypto */
    BS_INIT_XTS_VAES256 = 8,   /* XTS on vectors of 256 bits at most */
};
enum {
    BS_SLOTS_LOCKED = 1,     /* raw keys cannot be swapped out */
    BS_SCHEDULES_LOCKED = 2, /* nor can expanded keys: all of libcrypto's memory is locked */
    BS_UNDUMPABLE = 4,       /* no memory that holds keys goes into a core dump */
    BS_NO_FORK = 8,          /* none of it reaches a child process */
};
/*
 * Loads libcrypto 3 and reserves key memory. slots 0 means 16384, poolBytes 0 means 3 MiB; libcryptoPath 0 means
 * "libcrypto.so.3" as the dynamic linker finds it. Succeeds once; later calls return 0 and change nothing.
 * Works without locked memory; bs_protection tells. -ELIBACC: no library; -ELIBBAD: too old or incomplete.
 */
BS_API int32_t bs_init(int32_t flags, int32_t slots, int64_t poolBytes, int64_t libcryptoPath);
/* What went wrong in bs_init, in words, NUL-terminated; returns the length. */
BS_API int32_t bs_message(int64_t address, int32_t capacity);
BS_API int32_t bs_protection(void);
BS_API int64_t bs_libcrypto_version(void);

/* ---- selftest.c ---- */
BS_API int32_t bs_abi_version(void);
/* Same argument types as bs_xts_encrypt; a Horner sum that no two orders of distinct arguments share. */
BS_API int64_t bs_echo5(int32_t a, int64_t b, int64_t c, int64_t d, int32_t e);
enum { BS_BLOCK_HMAC = 1, BS_BLOCK_HKDF, BS_BLOCK_GCM, BS_BLOCK_DEK, BS_BLOCK_FILE_INFO };
/* sizeof the parameter block of that kind; the Java side compares it with its own layout. */
BS_API int32_t bs_block_bytes(int32_t kind);

/* ---- Key slots (keys.c). All thread-safe. ---- */
/* A handle (>= 1) of an empty slot, or BS_NO_SLOT. Handles carry a generation: a stale one is refused, not reused. */
BS_API int32_t bs_key_new(void);
/*
 * Wipes the key and every schedule made of it: before it returns, in all threads that are not inside a call that
 * uses this thread's schedules; in such a thread, when that call ends.
 */
BS_API int32_t bs_key_free(int32_t handle);
/* Fills the slot from getrandom(2). A 64-byte key never has equal halves. */
BS_API int32_t bs_key_random(int32_t handle, int32_t length);
/* Wipes the key like bs_key_free, but the slot stays the caller's, empty. */
BS_API int32_t bs_key_clear(int32_t handle);
BS_API int32_t bs_key_set(int32_t handle, int64_t address, int32_t length);
BS_API int32_t bs_key_get(int32_t handle, int64_t address, int32_t length);
/* 1 if both hold the same `length` bytes, else 0; in constant time. */
BS_API int32_t bs_key_equal(int32_t first, int32_t second, int32_t length);
/* Length of the key in the slot, 0 while empty. */
BS_API int32_t bs_key_length(int32_t handle);
BS_API int32_t bs_key_count(void);
BS_API int32_t bs_key_capacity(void);

/* ---- XTS (xts.c) ---- */
/*
 * AES-256-XTS in place over unitCount units; unit i has the tweak firstUnit + i as a 128-bit little-endian number.
 * unitBytes: 16 to 1 MiB, a multiple of 16 (volumes have 512 or 4096; published vectors have less). Encrypt returns how many units came out entirely zero (the caller must
 * then change the key: format.md 7); decrypt returns 0; decrypt_sparse leaves units of zeros alone and returns how
 * many there were. After BS_CRYPTO_FAILED the buffer's contents are undefined.
 */
BS_API int64_t bs_xts_encrypt(int32_t handle, int64_t address, int64_t firstUnit, int64_t unitCount, int32_t unitBytes);
BS_API int64_t bs_xts_decrypt(int32_t handle, int64_t address, int64_t firstUnit, int64_t unitCount, int32_t unitBytes);
BS_API int64_t bs_xts_decrypt_sparse(
    int32_t handle, int64_t address, int64_t firstUnit, int64_t unitCount, int32_t unitBytes);
/* What computes it; the results are the same. */
enum {
    BS_XTS_LIBCRYPTO = 0,
    BS_XTS_VAES512 = 1,    /* own code on 512-bit vectors */
    BS_XTS_VAES256 = 2,    /* likewise on 256-bit vectors */
    BS_XTS_DISTRUSTED = 3, /* libcrypto, because own code would have run, but did not agree with it in bs_init */
};
BS_API int32_t bs_xts_engine(void);
/* Wipes every schedule that the calling thread has cached. */
BS_API int32_t bs_thread_forget(void);

/* ---- Digests, derivation and wrapping (mac.c, wrap.c) ---- */
struct bs_hmac_block {
    int64_t key_handle, key_length, out_address, part_count;
    struct {
        int64_t address, length;
    } parts[BS_MAC_PARTS_MAX];
};
struct bs_hkdf_block {
    int64_t key_handle, key_length;
    int64_t salt_address, salt_length; /* not read when expand_only */
    int64_t info_address, info_length;
    int64_t out_handle; /* 0: the result goes to out_address */
    int64_t out_address, out_length;
    int64_t expand_only; /* 1: the key is the PRK already */
};
struct bs_gcm_block {
    int64_t kek_handle, key_handle, key_length;
    int64_t nonce_address; /* 12 bytes, from the caller */
    int64_t aad_address, aad_length;
    int64_t blob_address; /* key_length + 16 bytes: ciphertext, tag */
};
struct bs_dek_block {
    int64_t twk_handle, dek_handle;
    int64_t range_index, generation;
    int64_t nonce_address; /* 12 bytes; wrap draws and writes them, unwrap reads them */
    int64_t aad_address, aad_length;
    int64_t blob_address; /* 80 bytes: wrapped DEK, tag */
};
BS_API int32_t bs_sha256(int64_t address, int64_t length, int64_t out);
BS_API int32_t bs_hmac_sha256(int32_t handle, int32_t keyLength, int64_t address, int64_t length, int64_t out);
BS_API int32_t bs_hmac_sha256_parts(int64_t block);
BS_API int32_t bs_hkdf_sha256(int64_t block);
BS_API int32_t bs_gcm_wrap(int64_t block);
/* Fills key_handle only if the tag verifies; else BS_BAD_TAG and the slot stays as it was. */
BS_API int32_t bs_gcm_unwrap(int64_t block);
/* The DEK wrap of format.md 5: GCM under HKDF-Expand(TWK, "dek" || u64le range || u32le generation, 32). */
BS_API int32_t bs_dek_wrap(int64_t block);
/*
 * Like bs_gcm_unwrap, but takes no lock that other slots share. A schedule of the key that was in the slot is wiped at
 * once in this thread; another thread's, if there is one, is never used again and goes when its place is used or the
 * slot is cleared or freed. So a slot that is refilled again and again should belong to one thread.
 */
BS_API int32_t bs_dek_unwrap(int64_t block);
/* RFC 5649 with a 32-byte KEK. Returns the blob's length: keyLength rounded up to 8, plus 8. */
BS_API int32_t bs_kwp_wrap(int32_t kek, int32_t key, int32_t keyLength, int64_t blob);
/* Reads a blob of that same length; fills `key` only if it is intact and holds exactly keyLength bytes. */
BS_API int32_t bs_kwp_unwrap(int32_t kek, int32_t key, int32_t keyLength, int64_t blob);

/* ---- Files (file.c). Results: bytes or >= 0, else -errno. EINTR never comes out. ---- */
enum { BS_OPEN_WRITE = 1, BS_OPEN_CREATE = 2, BS_OPEN_EXCLUSIVE = 4, BS_OPEN_DIRECT = 8, BS_OPEN_DIRECTORY = 16 };
enum { BS_FALLOCATE_KEEP_SIZE = 1, BS_FALLOCATE_PUNCH_HOLE = 2, BS_FALLOCATE_ZERO_RANGE = 16 };
enum { BS_FILE_REGULAR = 1, BS_FILE_BLOCK_DEVICE = 2, BS_FILE_OTHER = 3 };
struct bs_file_info {
    int64_t type, size_bytes;
    int64_t logical_block_bytes, physical_block_bytes, preferred_block_bytes;
    int64_t allocated_bytes;
    int64_t filesystem_magic;
    int64_t device, inode;
    int64_t discard_zeroes; /* 1 only if the device promises that discarded blocks read as zeros */
};
BS_API int32_t bs_open(int64_t path, int32_t flags);
BS_API int32_t bs_close(int32_t fd);
/* All `length` bytes; fewer only at the end of the file. */
BS_API int64_t bs_pread(int32_t fd, int64_t address, int64_t length, int64_t offset);
/* One try that must not wait for a disk: maybe fewer bytes, -EAGAIN if none is cached, -EOPNOTSUPP on some stores. */
BS_API int64_t bs_pread_nowait(int32_t fd, int64_t address, int64_t length, int64_t offset);
/* All `length` bytes or an error; after an error any part may have been written. */
BS_API int64_t bs_pwrite(int32_t fd, int64_t address, int64_t length, int64_t offset);
BS_API int64_t bs_pwrite_dsync(int32_t fd, int64_t address, int64_t length, int64_t offset);
BS_API int32_t bs_fdatasync(int32_t fd);
BS_API int32_t bs_fsync(int32_t fd);
BS_API int32_t bs_fallocate(int32_t fd, int32_t mode, int64_t offset, int64_t length);
BS_API int64_t bs_seek_data(int32_t fd, int64_t offset);
BS_API int64_t bs_seek_hole(int32_t fd, int64_t offset);
/* Forgets what the system keeps of a stretch in memory, except what is still to be written. */
BS_API int32_t bs_drop_cache(int32_t fd, int64_t offset, int64_t length);
BS_API int32_t bs_ftruncate(int32_t fd, int64_t length);
BS_API int32_t bs_file_info(int32_t fd, int64_t out);
BS_API int32_t bs_block_discard(int32_t fd, int64_t offset, int64_t length);
BS_API int32_t bs_block_zeroout(int32_t fd, int64_t offset, int64_t length);
/* A flock on the open file, shared unless that is 0; -EWOULDBLOCK if somebody has one that excludes it. Released with
 * the descriptor. */
BS_API int32_t bs_lock(int32_t fd, int32_t shared);

/* ---- Rings (ring.c): many reads and writes of one file on their way at once. One thread each. ---- */
enum { BS_RING_PLAIN = 1 /* as on the oldest kernel that has what is needed; for tests */ };
/*
 * A ring for up to `entries` requests (rounded up to a power of two) on the open file, to be used and closed by the
 * calling thread; the handle, or -errno: -ENOSYS, -EPERM or -ENOMEM where the system has no io_uring or does not let us.
 */
BS_API int64_t bs_ring_open(int32_t fd, int32_t entries, int32_t flags);
/* The eventfd that is signalled after requests were done, and maybe without reason. Wait for edges; it is never read. */
BS_API int32_t bs_ring_event(int64_t ring);
BS_API int32_t bs_ring_entries(int64_t ring);
/* Notes a request; -EBUSY if `entries` are on their way. The memory must stay until the tag has been reaped. */
BS_API int32_t bs_ring_read(int64_t ring, int64_t address, int64_t length, int64_t offset, int64_t tag);
BS_API int32_t bs_ring_write(int64_t ring, int64_t address, int64_t length, int64_t offset, int64_t tag);
/* Durable when it is done; -EOPNOTSUPP is then its result where the file cannot. */
BS_API int32_t bs_ring_write_dsync(int64_t ring, int64_t address, int64_t length, int64_t offset, int64_t tag);
/* Sends what was noted. Returns how many, the last ones noted, the kernel did not take: those are forgotten. */
BS_API int32_t bs_ring_submit(int64_t ring);
/*
 * Takes up to `capacity` finished requests, as pairs of int64_t: tag, result (bytes, perhaps fewer than asked for, or
 * -errno; -EAGAIN, -EINTR and -ECANCELED say nothing of the file: to be done again). Returns their number. Never waits.
 */
BS_API int32_t bs_ring_reap(int64_t ring, int64_t out, int32_t capacity);
/* -EBUSY, and nothing done, while requests are on their way or not reaped. */
BS_API int32_t bs_ring_close(int64_t ring);

/* Calls on that descriptor, of whatever kind, wait no more; who else has it open is concerned as well. */
BS_API int32_t bs_set_nonblocking(int64_t descriptor);

/* ---- Memory (memory.c) ---- */
enum { BS_MAP_PREFAULT = 1, BS_MAP_LOCK = 2 };
/* Zeroed private pages that no core dump contains; the address, or -errno. */
BS_API int64_t bs_map(int64_t length, int32_t flags);
/*
 * Likewise `length` bytes, a multiple of 2 MiB, that begin at such a multiple: address space alone, nothing is touched
 * yet. The kernel is asked to take huge pages where it can, whose bytes lie in a row in memory.
 */
BS_API int64_t bs_reserve(int64_t length);
/* Puts memory behind the pages of these bytes, of a mapping of ours, now; -errno if there is not enough. */
BS_API int32_t bs_populate(int64_t address, int64_t length);
BS_API int32_t bs_unmap(int64_t address, int64_t length);
BS_API int32_t bs_set_undumpable(void);
/*
 * Every page of the process that is or will be in memory stays there: code, heap, buffers. Pages that nobody has touched
 * stay away. -EPERM, and nothing done, unless RLIMIT_MEMLOCK is unlimited or CAP_IPC_LOCK is held.
 */
BS_API int32_t bs_lock_process(void);
BS_API int32_t bs_random(int64_t address, int64_t length);
BS_API int32_t bs_wipe(int64_t address, int64_t length);
/* 1 if equal, else 0; in constant time. */
BS_API int32_t bs_equal(int64_t first, int64_t second, int64_t length);
/* Bytes of the schedule pool in use. */
BS_API int64_t bs_pool_used(void);

/* ================= Shared between the files, not exported ================= */

#define AT(address) ((void *)(uintptr_t)(address))

struct evp_cipher;
struct evp_cipher_ctx;
struct evp_md;
struct evp_md_ctx;

/* Name, result, arguments: the whole of libcrypto that we use, declared here so that no header of it is needed. */
#define LIBCRYPTO_FUNCTIONS(F)                                                                                       \
    F(OpenSSL_version_num, unsigned long, (void))                                                                    \
    F(OPENSSL_init_crypto, int, (uint64_t options, const void *settings))                                            \
    F(CRYPTO_set_mem_functions, int,                                                                                 \
      (void *(*)(size_t, const char *, int), void *(*)(void *, size_t, const char *, int),                           \
       void (*)(void *, const char *, int)))                                                                         \
    F(CRYPTO_get_mem_functions, void,                                                                                \
      (void *(**)(size_t, const char *, int), void *(**)(void *, size_t, const char *, int),                         \
       void (**)(void *, const char *, int)))                                                                        \
    F(CRYPTO_malloc, void *, (size_t, const char *, int))                                                            \
    F(ERR_clear_error, void, (void))                                                                                 \
    F(EVP_CIPHER_fetch, struct evp_cipher *, (void *libctx, const char *name, const char *properties))               \
    F(EVP_CIPHER_CTX_new, struct evp_cipher_ctx *, (void))                                                           \
    F(EVP_CIPHER_CTX_free, void, (struct evp_cipher_ctx *))                                                          \
    F(EVP_CIPHER_CTX_reset, int, (struct evp_cipher_ctx *))                                                          \
    F(EVP_CIPHER_CTX_set_flags, void, (struct evp_cipher_ctx *, int flags))                                          \
    F(EVP_CIPHER_CTX_ctrl, int, (struct evp_cipher_ctx *, int type, int arg, void *pointer))                         \
    F(EVP_EncryptInit_ex2, int,                                                                                      \
      (struct evp_cipher_ctx *, const struct evp_cipher *, const uint8_t *key, const uint8_t *iv, const void *))     \
    F(EVP_DecryptInit_ex2, int,                                                                                      \
      (struct evp_cipher_ctx *, const struct evp_cipher *, const uint8_t *key, const uint8_t *iv, const void *))     \
    F(EVP_EncryptUpdate, int, (struct evp_cipher_ctx *, uint8_t *out, int *outl, const uint8_t *in, int inl))        \
    F(EVP_DecryptUpdate, int, (struct evp_cipher_ctx *, uint8_t *out, int *outl, const uint8_t *in, int inl))        \
    F(EVP_EncryptFinal_ex, int, (struct evp_cipher_ctx *, uint8_t *out, int *outl))                                  \
    F(EVP_DecryptFinal_ex, int, (struct evp_cipher_ctx *, uint8_t *out, int *outl))                                  \
    F(EVP_MD_fetch, struct evp_md *, (void *libctx, const char *name, const char *properties))                       \
    F(EVP_MD_CTX_new, struct evp_md_ctx *, (void))                                                                   \
    F(EVP_MD_CTX_free, void, (struct evp_md_ctx *))                                                                  \
    F(EVP_DigestInit_ex2, int, (struct evp_md_ctx *, const struct evp_md *, const void *))                           \
    F(EVP_DigestUpdate, int, (struct evp_md_ctx *, const void *, size_t))                                            \
    F(EVP_DigestFinal_ex, int, (struct evp_md_ctx *, uint8_t *out, unsigned int *length))

struct libcrypto {
#define LIBCRYPTO_MEMBER(name, result, arguments) result(*name) arguments;
    LIBCRYPTO_FUNCTIONS(LIBCRYPTO_MEMBER)
#undef LIBCRYPTO_MEMBER
    struct evp_cipher *xts, *gcm, *kwp;
    struct evp_md *sha256;
};
extern struct libcrypto crypto;
/* True once bs_init has succeeded; everything it set up may then be read without a lock. */
bool libcrypto_ready(void);

/* pool.c: memory for secrets */
struct region {
    uint8_t *base;
    size_t length;
    bool locked, undumpable, no_fork;
};
/* Zeroed pages between two guard pages. False only if there is no memory at all. */
bool region_open(struct region *region, size_t length, bool lock);
bool pool_open(size_t length, bool lock);
const struct region *pool_region(void);
void *pool_allocate(size_t length);
void *pool_reallocate(void *memory, size_t length);
void pool_free(void *memory);
/* True if some allocation had to come from ordinary memory. */
bool pool_overflowed(void);

struct thread_cache;

/* keys.c */
bool keys_open(uint32_t slots, bool lock);
const struct region *keys_region(void);
/*
 * A look at a key without a lock. `bytes` may be wiped by another thread at any moment, therefore whoever used them
 * asks key_unchanged afterwards and, if it says no, throws away what was computed.
 */
struct key_view {
    const uint8_t *bytes;
    uint64_t word;
    uint32_t slot;
};
int key_view(int32_t handle, size_t length, struct key_view *view);
bool key_unchanged(const struct key_view *view);
/* The slot's state word now; differs from every earlier one as soon as the key in the slot changed. */
uint64_t key_word(uint32_t slot);
int key_put(int32_t handle, const uint8_t *bytes, size_t length);
/* Likewise, but of the schedules of an earlier key only this thread's are wiped; `cache` is its own, entered. */
int key_put_here(struct thread_cache *cache, int32_t handle, const uint8_t *bytes, size_t length);
bool halves_equal(const uint8_t *key);
bool bytes_equal(const uint8_t *first, const uint8_t *second, size_t length);
int random_fill(uint8_t *bytes, size_t length);
/* Writes to each page what is there, also while others write. */
void touch_pages(uint8_t *first, size_t length, size_t page);

/* xts_wide.c: AES-256-XTS without libcrypto, by vector instructions; xts_vaes.h says how */
#if defined(__x86_64__) && (__GNUC__ >= 11 || defined(__clang__))
#define XTS_VAES
#endif
enum { XTS_ROUNDS = 14, XTS_ROOM_BYTES = 512 };
enum xts_mode { XTS_ENCRYPT, XTS_DECRYPT, XTS_DECRYPT_SPARSE };
struct xts_schedule {
    uint8_t keys[XTS_ROUNDS + 1][16];
};
/* Of both halves of a key; `data` is for one direction. Secret: only ever in the pool. */
struct xts_keys {
    struct xts_schedule data, tweak;
};
/* Whole units; `to` is `from`, or does not overlap it. */
struct xts_run {
    const uint8_t *from;
    uint8_t *to;
    int64_t firstUnit, unitCount;
    size_t unitBytes;
};
struct xts_wide {
    int32_t engine;
    bool (*runs_here)(void);
    void (*expand)(struct xts_keys *keys, const uint8_t *key, bool encrypt);
    /* Returns how many units were zeros, as bs_xts_encrypt and its siblings do. `room` is left wiped. */
    int64_t (*crypt)(enum xts_mode mode, const struct xts_keys *keys, const struct xts_run *run, uint8_t *room);
};
extern const struct xts_wide xts_vaes512, xts_vaes256;
void xts_expand(struct xts_keys *keys, const uint8_t *key, bool encrypt);
/* What every call uses; NULL: libcrypto. Changes only in bs_init. */
extern const struct xts_wide *xts_wide;
/* Takes the widest that this processor has, the flags of bs_init allow and libcrypto agrees with. */
void xts_choose(int32_t flags);
/* Whether it enciphers and deciphers exactly as libcrypto does; takes a millisecond. */
bool xts_agrees(const struct xts_wide *wide);

/* Nearly always decided by the first 16 bytes. */
static inline bool all_zero(const uint8_t *unit, size_t length) {
    uint64_t first[2];
    memcpy(first, unit, sizeof first);
    return (first[0] | first[1]) == 0 && memcmp(unit, unit + sizeof first, length - sizeof first) == 0;
}

/* contexts.c: what one thread keeps between calls */
enum { CONTEXTS_PER_DIRECTION = 32 };
struct context {
    struct evp_cipher_ctx *evp; /* libcrypto's schedule of the key, or */
    struct xts_keys *keys;      /* ours: xts_wide decides which */
    uint64_t word;              /* 0: no schedule in it */
    uint32_t slot;
};
struct thread_cache {
    _Atomic uint32_t state;
    struct thread_cache *next, *previous;
    struct evp_cipher_ctx *wrapper;
    struct evp_md_ctx *digest;
    struct context encrypt[CONTEXTS_PER_DIRECTION], decrypt[CONTEXTS_PER_DIRECTION];
    /* Locked room for what must exist for a moment; whoever uses a field wipes it. */
    uint8_t pad[64], derived[32], block[32], key[96], tweaks[XTS_ROOM_BYTES];
};
bool contexts_open(void);
/* The calling thread's cache, entered; NULL if there is no memory. Must be left again on every path. */
struct thread_cache *cache_enter(void);
void cache_leave(struct thread_cache *cache);
/* A context with the schedule of `handle`, which must be a valid XTS key. */
int context_for(struct thread_cache *cache, int32_t handle, bool encrypt, struct context **found);
/* Wipes the schedules of a slot in a cache that the caller has entered. */
void cache_evict(struct thread_cache *cache, uint32_t slot);
/* Wipes the schedules of a slot in all threads; see bs_key_free for how soon. */
void contexts_evict(uint32_t slot);

/* mac.c */
struct mac_part {
    const void *bytes;
    size_t length;
};
int sha256(struct thread_cache *cache, const void *bytes, size_t length, uint8_t *out);
int hmac(struct thread_cache *cache, const uint8_t *key, size_t keyLength, const struct mac_part *parts, size_t count,
         uint8_t *out);

#endif
