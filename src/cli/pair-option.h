/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Options that fill maps: labels, options of drivers. */

#include "base/options.h"

/* "NAME=VALUE", or "NAME" for an empty value; the option's offset is that of the map. */
int option_take_pair(const Option *option, const char *value, void *target, Error *err);
