/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How a failure is reported: to people in one line on standard error, and to the engine as a record
 * like runc's in the file of --log, whose "msg" engines show to their users and match words of.
 */

#include "base/error.h"
#include "oci/command.h"

/* The record of @message at @time (nanoseconds since 1970) with its line end; free it. */
char *log_record_make(const char *message, int64_t time, bool as_json);

/* Report everywhere that @global says. */
void log_record_report(const GlobalOptions *global, const Error *error);
