/* Interrupt: signals as a descriptor. */
#include "cli/interrupt.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static sigset_t signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

bool reel_interrupt_allow(bool allowed)
{
    sigset_t set = signals(), before;

    sigprocmask(allowed ? SIG_UNBLOCK : SIG_BLOCK, &set, &before);
    return sigismember(&before, SIGINT) == 1;
}

int reel_interrupt_open(void)
{
    sigset_t set = signals();
    int fd;

    reel_interrupt_allow(false);
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        reel_interrupt_allow(true);
    return fd;
}

void reel_interrupt_close(int fd)
{
    if (fd < 0)
        return;
    close(fd);
    reel_interrupt_allow(true);
}

bool reel_interrupt_take(int fd)
{
    struct signalfd_siginfo info;

    return fd >= 0 && read(fd, &info, sizeof info) == (ssize_t)sizeof info;
}
