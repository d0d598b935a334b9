/* What the C tests share: a check that ends the process, and keys written in hexadecimal. */
#ifndef BLOCKSEAL_SHIM_CHECK_H
#define BLOCKSEAL_SHIM_CHECK_H

#include "shim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS(pointer) ((int64_t)(uintptr_t)(pointer))
#define CHECK(condition)                                                                                             \
    do {                                                                                                             \
        if (!(condition)) {                                                                                          \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                          \
            exit(1);                                                                                                 \
        }                                                                                                            \
    } while (0)

extern bool hooked; /* libcrypto allocates in our pool */

void from_hex(const char *digits, uint8_t *out);
bool is_hex(const uint8_t *bytes, const char *digits);
/* A new key slot that holds these bytes. */
int32_t key_of(const char *digits);
/* Runs the act on four threads at once, numbered from 1. */
void in_all_threads(void *(*act)(void *));

/* Runs the test once by libcrypto, and once by each other engine that there is for XTS. */
void with_each_xts(void (*test)(void));

/* One for each file of tests. */
void test_keys(void);
void test_guards(void);
void test_threads(void);
void test_xts(void);
void test_xts_engines(void);
void test_mac(void);
void test_wrapping(void);
void test_files(void);
void test_rings(void);
void test_memory(void);
void test_refusals(void);
void test_failures(void);
void test_pool(void);
void test_overflow(void);

#endif
