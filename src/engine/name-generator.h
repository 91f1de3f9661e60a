/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A random container name, "brave_curie"; the caller frees it. @attempt is 0 at first; after a
 * name turned out to be taken, a higher one appends a digit, so that names do not run out.
 */
char *name_generate(unsigned attempt);
