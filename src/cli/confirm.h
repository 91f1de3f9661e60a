/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/*
 * Ask on standard output whether to go on after @warning, and read the answer from standard input:
 * anything but "y" or "yes", and no answer at all, is no.
 */
bool confirm(const char *warning);
