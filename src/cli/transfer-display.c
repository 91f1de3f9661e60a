/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Docker's way to show progress (its package jsonmessage). The cursor rests below the last line; a
 * part's line is found by counting upwards.
 */

#include "cli/transfer-display.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/string-buffer.h"
#include "base/string-list.h"
#include "base/time-format.h"
#include "cli/terminal-text.h"

#define BAR_WIDTH 50
#define BAR_MIN_COLUMNS 110 /* a narrower terminal has amounts only */

struct TransferDisplay {
    FILE *stream;
    bool is_quiet;
    bool is_terminal;
    StringList ids; /* of the parts that have a line, from the top */
};

TransferDisplay *transfer_display_new(FILE *stream, bool is_quiet)
{
    TransferDisplay *display = NEW(TransferDisplay);

    *display = (TransferDisplay) { .stream = stream,
                                   .is_quiet = is_quiet,
                                   .is_terminal = isatty(fileno(stream)) };
    return display;
}

void transfer_display_free(TransferDisplay *display)
{
    if (!display)
        return;
    string_list_done(&display->ids);
    free(display);
}

/* All zero where nobody knows. */
static struct winsize window(const TransferDisplay *display)
{
    struct winsize size = {};

    (void)ioctl(fileno(display->stream), TIOCGWINSZ, &size);
    return size;
}

static void add_bar(StringBuffer *text, const TransferProgress *progress)
{
    int64_t current = progress->current < progress->total ? progress->current : progress->total;
    int filled = (int)((double)current / (double)progress->total * BAR_WIDTH);

    string_buffer_add(text, "[");
    for (int i = 0; i < filled; i++)
        string_buffer_add(text, "=");
    string_buffer_add(text, ">");
    for (int i = filled; i < BAR_WIDTH; i++)
        string_buffer_add(text, " ");
    string_buffer_add(text, "] ");
}

static void add_amount(StringBuffer *text, const TransferProgress *progress, bool with_bar)
{
    _cleanup_free_ char *current = size_to_human(progress->current);
    _cleanup_free_ char *total = size_to_human(progress->total);

    string_buffer_add(text, " ");
    if (with_bar)
        add_bar(text, progress);
    string_buffer_printf(text, "%8s/%s", current, total);
}

/* How far above the cursor the line of @id is; 0 when it has none yet. */
static size_t lines_up(const TransferDisplay *display, const char *id)
{
    for (size_t i = 0; i < display->ids.count; i++)
        if (strcmp(display->ids.items[i], id) == 0)
            return display->ids.count - i;
    return 0;
}

static void rewrite(TransferDisplay *display, const char *id, const char *line)
{
    size_t up = lines_up(display, id), rows = window(display).ws_row;

    if (up == 0) {
        string_list_add(&display->ids, id);
        fprintf(display->stream, "%s\n", line);
    } else if (rows == 0 || up < rows) { /* else it has left the screen, and others are there */
        fprintf(display->stream, "\x1b[%zuA\x1b[2K\r%s\r\x1b[%zuB", up, line, up);
    }
}

void transfer_display_show(void *data, const TransferProgress *progress)
{
    _cleanup_string_buffer_ StringBuffer line = {};
    TransferDisplay *display = data;

    if (display->is_quiet || (progress->total > 0 && !display->is_terminal))
        return;
    if (progress->id) {
        terminal_text_add(&line, progress->id);
        string_buffer_add(&line, ": ");
    }
    terminal_text_add(&line, progress->status);
    if (progress->total > 0)
        add_amount(&line, progress, window(display).ws_col > BAR_MIN_COLUMNS);

    if (display->is_terminal && progress->id) {
        rewrite(display, progress->id, string_buffer_get(&line));
    } else {
        string_list_done(&display->ids); /* what comes below is counted anew */
        fprintf(display->stream, "%s\n", string_buffer_get(&line));
    }
    (void)fflush(display->stream); /* main() tells of a full disk */
}
