/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What every test program of src/image includes, and a store of its own for each test. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image/image-store-private.h"

typedef struct StoreFixture {
    char path[64];
    int state_fd;
    Database *database;
    LayerStore *layers;
    ImageStore *store;
    ImageUsers users; /* what the store is told uses images */
} StoreFixture;

/* As cmocka's setup and teardown: *state is the StoreFixture. */
int store_fixture_setup(void **state);
int store_fixture_teardown(void **state);

#define store_test(function)                                                                       \
    cmocka_unit_test_setup_teardown(function, store_fixture_setup, store_fixture_teardown)

/* A second handle on the same state, as another process would have it. */
void store_fixture_reopen(const StoreFixture *fixture, StoreFixture *ret);
void store_fixture_close(StoreFixture *fixture);

/*
 * Add an image whose configuration differs by @seed, with one layer per letter in @layers (the same
 * letters from the bottom make the same layers), under @name (NULL: without a name).
 */
Digest store_fixture_add(StoreFixture *fixture, const char *seed, const char *layers,
                         const char *name);

/* The chain ID of the layer that the letters of @layers end with. */
Digest store_fixture_chain_id(const char *layers);
