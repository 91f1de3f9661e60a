/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The format of the driver "local", and of what is kept of a log that is sent elsewhere. One record
 * per line:
 *
 *     0018d1a2b3c4d5e6oThe text as it was written
 *
 * 16 hexadecimal digits of time (nanoseconds since 1970), a letter, and the text up to the newline
 * that ended it. A text cannot have a newline in itself, so nothing is escaped, and wherever one
 * begins to read, the next newline begins a record.
 */

#define LOG_LOCAL_TIME_SIZE 16
#define LOG_LOCAL_HEADER_SIZE (LOG_LOCAL_TIME_SIZE + 1)

/* Indexed by stream: the text is a whole line (the rest of one), or goes on in a later record. */
#define LOG_LOCAL_WHOLE "oe"
#define LOG_LOCAL_PARTIAL "OE"
