/*
 * Finds libcrypto at run time, before anything else in this process has made it allocate, gives it our allocator, and
 * fetches the four algorithms once. Linking is avoided on purpose: a machine without libcrypto 3 gets the pure-Java
 * engine and a message, not a loader error.
 */
#define _GNU_SOURCE
#include "shim.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { DEFAULT_SLOTS = 16384, SLOTS_MAX = 1 << 17, DEFAULT_POOL_BYTES = 3 << 20 };

/* OPENSSL_INIT_NO_ATEXIT: at exit() other threads of the JVM may still be in here; nothing may be torn down. */
static const uint64_t NO_ATEXIT = 0x00080000;
static const unsigned long VERSION_MIN = 0x30000000;

struct libcrypto crypto;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic bool ready;
static bool hooked;
static char message[512];

bool libcrypto_ready(void) {
    return atomic_load_explicit(&ready, memory_order_acquire);
}

static int32_t refuse(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int32_t refuse(int error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return -error;
}

static void *hook_allocate(size_t length, const char *file, int line) {
    (void)file, (void)line;
    return pool_allocate(length);
}

static void *hook_reallocate(void *memory, size_t length, const char *file, int line) {
    (void)file, (void)line;
    return pool_reallocate(memory, length);
}

static void hook_free(void *memory, const char *file, int line) {
    (void)file, (void)line;
    pool_free(memory);
}

/*
 * libcrypto refuses other functions once it has allocated anything itself, but not once it has allocated by the functions
 * of somebody else: a block of theirs would then be given to us to free. So whoever came first is asked for.
 */
static bool take_over_memory(const struct libcrypto *found) {
    void *(*allocate)(size_t, const char *, int) = NULL;
    found->CRYPTO_get_mem_functions(&allocate, NULL, NULL);
    return allocate == found->CRYPTO_malloc &&
           found->CRYPTO_set_mem_functions(hook_allocate, hook_reallocate, hook_free) == 1;
}

static int32_t load(const char *path, bool hooks) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == NULL) {
        return refuse(ELIBACC, "cannot load %s: %s", path, dlerror());
    }
    struct libcrypto found;
    memset(&found, 0, sizeof found);
    *(void **)&found.OpenSSL_version_num = dlsym(library, "OpenSSL_version_num");
    if (found.OpenSSL_version_num == NULL) {
        return refuse(ELIBBAD, "%s is no libcrypto: it has no OpenSSL_version_num", path);
    }
    unsigned long version = found.OpenSSL_version_num();
    if (version < VERSION_MIN) {
        return refuse(ELIBBAD, "%s is version %lx, at least %lx is needed", path, version, VERSION_MIN);
    }
#define LIBCRYPTO_FIND(name, result, arguments)                                                                      \
    *(void **)&found.name = dlsym(library, #name);                                                                   \
    if (found.name == NULL) {                                                                                        \
        return refuse(ELIBBAD, "%s has no " #name, path);                                                            \
    }
    LIBCRYPTO_FUNCTIONS(LIBCRYPTO_FIND)
#undef LIBCRYPTO_FIND
    hooked = hooks && take_over_memory(&found);
    if (found.OPENSSL_init_crypto(NO_ATEXIT, NULL) != 1) {
        return refuse(ELIBBAD, "%s does not initialise", path);
    }
    found.xts = found.EVP_CIPHER_fetch(NULL, "AES-256-XTS", NULL);
    found.gcm = found.EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    found.kwp = found.EVP_CIPHER_fetch(NULL, "AES-256-WRAP-PAD", NULL);
    found.sha256 = found.EVP_MD_fetch(NULL, "SHA2-256", NULL);
    found.ERR_clear_error();
    if (found.xts == NULL || found.gcm == NULL || found.kwp == NULL || found.sha256 == NULL) {
        return refuse(ELIBBAD, "%s offers no%s%s%s%s; look at its configuration (openssl.cnf)", path,
                      found.xts == NULL ? " AES-256-XTS" : "", found.gcm == NULL ? " AES-256-GCM" : "",
                      found.kwp == NULL ? " AES-256-WRAP-PAD" : "", found.sha256 == NULL ? " SHA2-256" : "");
    }
    crypto = found;
    return 0;
}

static int32_t open_once(int32_t flags, int32_t slots, int64_t poolBytes, const char *path) {
    bool lock_it = (flags & BS_INIT_NO_LOCK) == 0;
    slots = slots == 0 ? DEFAULT_SLOTS : slots;
    poolBytes = poolBytes == 0 ? DEFAULT_POOL_BYTES : poolBytes;
    if (slots < 1 || slots > SLOTS_MAX || poolBytes < 4096 || poolBytes > (int64_t)1 << 30) {
        return refuse(EINVAL, "%d key slots (1 to %d) and a pool of %lld bytes (4 KiB to 1 GiB) were asked for", slots,
                      SLOTS_MAX, (long long)poolBytes);
    }
    /* A refused attempt may be followed by another with a different library; key memory is reserved only once. */
    if (keys_region()->base == NULL && !keys_open((uint32_t)slots, lock_it)) {
        return refuse(ENOMEM, "no memory for %d key slots", slots);
    }
    if (pool_region()->base == NULL && !pool_open((size_t)poolBytes, lock_it)) {
        return refuse(ENOMEM, "no memory for a pool of %lld bytes", (long long)poolBytes);
    }
    if (!contexts_open()) {
        return refuse(EAGAIN, "no thread-specific key is left");
    }
    int32_t result = load(path, (flags & BS_INIT_NO_HOOKS) == 0);
    if (result == 0) {
        xts_choose(flags);
    }
    return result;
}

int32_t bs_init(int32_t flags, int32_t slots, int64_t poolBytes, int64_t libcryptoPath) {
    pthread_mutex_lock(&lock);
    int32_t result = 0;
    if (!libcrypto_ready()) {
        const char *path = libcryptoPath == 0 ? "libcrypto.so.3" : AT(libcryptoPath);
        result = open_once(flags, slots, poolBytes, path);
        if (result == 0) {
            message[0] = 0;
            atomic_store_explicit(&ready, true, memory_order_release);
        }
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int32_t bs_message(int64_t address, int32_t capacity) {
    if (capacity < 1) {
        return -EINVAL;
    }
    pthread_mutex_lock(&lock);
    size_t length = strnlen(message, (size_t)capacity - 1);
    memcpy(AT(address), message, length);
    ((char *)AT(address))[length] = 0;
    pthread_mutex_unlock(&lock);
    return (int32_t)length;
}

int64_t bs_libcrypto_version(void) {
    return libcrypto_ready() ? (int64_t)crypto.OpenSSL_version_num() : BS_NOT_READY;
}

/* Says "all", never "most": a bit is set only if it holds for every place where a key can be. */
int32_t bs_protection(void) {
    if (!libcrypto_ready()) {
        return 0;
    }
    const struct region *slots = keys_region(), *pool = pool_region();
    bool schedulesInPool = hooked && !pool_overflowed();
    return (slots->locked ? BS_SLOTS_LOCKED : 0) | (schedulesInPool && pool->locked ? BS_SCHEDULES_LOCKED : 0) |
           (schedulesInPool && slots->undumpable && pool->undumpable ? BS_UNDUMPABLE : 0) |
           (schedulesInPool && slots->no_fork && pool->no_fork ? BS_NO_FORK : 0);
}
