/* SPDX-License-Identifier: Apache-2.0 */

/* Raw mode and back. */

#include <signal.h>
#include <termios.h>

#include "supervisor/relay-private.h"

void relay_terminal_enter_raw(RelayTerminal *terminal)
{
    struct termios raw;

    if (terminal->fd < 0 || tcgetattr(terminal->fd, &terminal->saved) < 0)
        return;
    raw = terminal->saved;
    cfmakeraw(&raw);
    /* In the background this stops us until the user brings us to the front. */
    terminal->is_raw = tcsetattr(terminal->fd, TCSANOW, &raw) == 0;
}

void relay_terminal_restore(RelayTerminal *terminal)
{
    sigset_t background, previous;

    if (!terminal->is_raw)
        return;
    /* On the way out it must not stop us. */
    sigemptyset(&background);
    sigaddset(&background, SIGTTOU);
    sigprocmask(SIG_BLOCK, &background, &previous);
    (void)tcsetattr(terminal->fd, TCSANOW, &terminal->saved); /* fails if the terminal is gone */
    sigprocmask(SIG_SETMASK, &previous, NULL);
    terminal->is_raw = false;
}
