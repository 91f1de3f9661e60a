/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a program gives up that has to do with bytes of others and needs no rights for it. */

#include "base/error.h"

/*
 * Become nobody, without any capability, for good: nothing that is executed can gain one. Where the
 * user namespace has nobody to become, we stay who we are. PR_SET_PDEATHSIG is forgotten with the
 * change of user (prctl(2)).
 */
int privileges_drop(Error *err);
