/*
 * What a thread keeps between calls: expanded keys in two small direct-mapped tables, so that a key in use costs only a
 * new tweak and not an expansion (about 220 ns by libcrypto), and a few working buffers. An expanded key is an EVP
 * context, whose memory libcrypto takes from the pool, or a block of the pool that xts_wide fills.
 *
 * Another thread must be able to wipe a schedule when its key is freed, although contexts are used without a lock.
 * Therefore each cache has a state word. Its thread moves it from IDLE to BUSY around every call; a thread that frees
 * a key does the same for the moment of wiping, and where it finds BUSY it leaves a SWEEP mark, which the owner sees
 * at the end of its call in the very operation that makes the cache idle, and then wipes whatever has become stale.
 * So no schedule survives its key longer than one call.
 */
#define _GNU_SOURCE
#include "shim.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

enum { IDLE = 0, BUSY = 1, BUSY_SWEEP = 3 };

static pthread_mutex_t registry = PTHREAD_MUTEX_INITIALIZER;
static struct thread_cache *caches;
static pthread_key_t at_thread_end;
static bool opened;
static __thread struct thread_cache *own;

static void reset(struct context *context) {
    if (context->word != 0) {
        if (context->evp != NULL) {
            crypto.EVP_CIPHER_CTX_reset(context->evp); /* frees the schedule; freed pool memory is wiped */
        }
        pool_free(context->keys);
        context->keys = NULL;
        context->word = 0;
    }
}

static void end_of_thread(void *argument) {
    struct thread_cache *cache = argument;
    pthread_mutex_lock(&registry);
    if (cache->next != NULL) {
        cache->next->previous = cache->previous;
    }
    if (cache->previous != NULL) {
        cache->previous->next = cache->next;
    } else {
        caches = cache->next;
    }
    pthread_mutex_unlock(&registry);
    for (int i = 0; i < CONTEXTS_PER_DIRECTION; i++) {
        crypto.EVP_CIPHER_CTX_free(cache->encrypt[i].evp);
        crypto.EVP_CIPHER_CTX_free(cache->decrypt[i].evp);
        pool_free(cache->encrypt[i].keys);
        pool_free(cache->decrypt[i].keys);
    }
    crypto.EVP_CIPHER_CTX_free(cache->wrapper);
    crypto.EVP_MD_CTX_free(cache->digest);
    pool_free(cache);
    own = NULL;
}

bool contexts_open(void) {
    opened = opened || pthread_key_create(&at_thread_end, end_of_thread) == 0;
    return opened;
}

static struct thread_cache *create(void) {
    if (!libcrypto_ready()) {
        return NULL;
    }
    struct thread_cache *cache = pool_allocate(sizeof *cache);
    if (cache == NULL) {
        return NULL;
    }
    memset(cache, 0, sizeof *cache);
    cache->wrapper = crypto.EVP_CIPHER_CTX_new();
    cache->digest = crypto.EVP_MD_CTX_new();
    if (cache->wrapper == NULL || cache->digest == NULL || pthread_setspecific(at_thread_end, cache) != 0) {
        crypto.EVP_CIPHER_CTX_free(cache->wrapper);
        crypto.EVP_MD_CTX_free(cache->digest);
        pool_free(cache);
        return NULL;
    }
    pthread_mutex_lock(&registry);
    cache->next = caches;
    if (caches != NULL) {
        caches->previous = cache;
    }
    caches = cache;
    pthread_mutex_unlock(&registry);
    own = cache;
    return cache;
}

static bool become_busy(struct thread_cache *cache) {
    uint32_t expected = IDLE;
    return atomic_compare_exchange_strong_explicit(
        &cache->state, &expected, BUSY, memory_order_acquire, memory_order_relaxed);
}

static void wait_until_busy(struct thread_cache *cache) {
    while (!become_busy(cache)) {
        sched_yield(); /* a freeing thread is wiping one schedule in here */
    }
}

struct thread_cache *cache_enter(void) {
    struct thread_cache *cache = own;
    if (cache == NULL) {
        cache = create();
        if (cache == NULL) {
            return NULL;
        }
    }
    if (!become_busy(cache)) {
        wait_until_busy(cache);
    }
    return cache;
}

static void sweep(struct thread_cache *cache) {
    for (int i = 0; i < CONTEXTS_PER_DIRECTION; i++) {
        struct context *pair[2] = {&cache->encrypt[i], &cache->decrypt[i]};
        for (int j = 0; j < 2; j++) {
            if (pair[j]->word != 0 && pair[j]->word != key_word(pair[j]->slot)) {
                reset(pair[j]);
            }
        }
    }
}

void cache_leave(struct thread_cache *cache) {
    while (atomic_exchange_explicit(&cache->state, IDLE, memory_order_acq_rel) == BUSY_SWEEP) {
        wait_until_busy(cache);
        sweep(cache);
    }
}

void cache_evict(struct thread_cache *cache, uint32_t slot) {
    uint32_t index = slot % CONTEXTS_PER_DIRECTION;
    struct context *pair[2] = {&cache->encrypt[index], &cache->decrypt[index]};
    for (int i = 0; i < 2; i++) {
        if (pair[i]->slot == slot) {
            reset(pair[i]);
        }
    }
}

void contexts_evict(uint32_t slot) {
    pthread_mutex_lock(&registry);
    for (struct thread_cache *cache = caches; cache != NULL; cache = cache->next) {
        uint32_t state = atomic_load_explicit(&cache->state, memory_order_relaxed);
        bool marked = false, entered = false;
        while (!marked && !entered) {
            uint32_t wanted = state == IDLE ? BUSY : BUSY_SWEEP;
            if (state == BUSY_SWEEP) {
                /* Even if the mark is there, renew it: the release makes the change of key visible to the sweep. */
                wanted = BUSY_SWEEP;
            }
            if (atomic_compare_exchange_weak_explicit(
                    &cache->state, &state, wanted, memory_order_acq_rel, memory_order_relaxed)) {
                entered = wanted == BUSY;
                marked = !entered;
            }
        }
        if (entered) {
            cache_evict(cache, slot);
            atomic_store_explicit(&cache->state, IDLE, memory_order_release);
        }
    }
    pthread_mutex_unlock(&registry);
}

/* Each fills the context for the key, of which it may have an older one: 0, or the error to return. */
static int expand_by_libcrypto(struct context *context, const struct key_view *view, bool encrypt) {
    if (context->evp == NULL) {
        context->evp = crypto.EVP_CIPHER_CTX_new();
        if (context->evp == NULL) {
            return -ENOMEM;
        }
    }
    /* Naming the cipher again would make libcrypto throw the context away and allocate another. */
    const struct evp_cipher *cipher = context->word == 0 ? crypto.xts : NULL;
    context->slot = view->slot;
    context->word = view->word;
    int done = encrypt ? crypto.EVP_EncryptInit_ex2(context->evp, cipher, view->bytes, NULL, NULL)
                       : crypto.EVP_DecryptInit_ex2(context->evp, cipher, view->bytes, NULL, NULL);
    if (done != 1) {
        crypto.ERR_clear_error();
        return BS_CRYPTO_FAILED;
    }
    return 0;
}

static int expand_by_us(struct context *context, const struct key_view *view, bool encrypt) {
    if (context->keys == NULL) {
        context->keys = pool_allocate(sizeof *context->keys);
        if (context->keys == NULL) {
            return -ENOMEM;
        }
    }
    context->slot = view->slot;
    context->word = view->word;
    xts_wide->expand(context->keys, view->bytes, encrypt);
    return 0;
}

int context_for(struct thread_cache *cache, int32_t handle, bool encrypt, struct context **found) {
    struct key_view view;
    int error = key_view(handle, BS_KEY_BYTES_MAX, &view);
    if (error != 0) {
        return error;
    }
    uint32_t index = view.slot % CONTEXTS_PER_DIRECTION;
    struct context *context = encrypt ? &cache->encrypt[index] : &cache->decrypt[index];
    *found = context;
    if (context->word == view.word && context->slot == view.slot) {
        return 0;
    }
    if (halves_equal(view.bytes)) {
        return key_unchanged(&view) ? BS_KEY_REJECTED : BS_KEY_STALE;
    }
    error = xts_wide != NULL ? expand_by_us(context, &view, encrypt) : expand_by_libcrypto(context, &view, encrypt);
    bool unchanged = key_unchanged(&view);
    if (error == 0 && unchanged) {
        return 0;
    }
    reset(context);
    return unchanged ? error : BS_KEY_STALE;
}

int32_t bs_thread_forget(void) {
    if (own == NULL) {
        return 0;
    }
    struct thread_cache *cache = cache_enter();
    for (int i = 0; i < CONTEXTS_PER_DIRECTION; i++) {
        reset(&cache->encrypt[i]);
        reset(&cache->decrypt[i]);
    }
    cache_leave(cache);
    return 0;
}
