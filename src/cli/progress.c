/* Progress: one line, drawn over itself. */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    BAR_WIDTH = 30,
    LABEL_WIDTH = 28,
    REST_WIDTH = 22, /* blanks, brackets, percent and seconds */
    USUAL_COLUMNS = 80,
    INTERVAL_US = 100000
};

void reel_progress_init(struct reel_progress *progress, const struct reel_common *common)
{
    *progress = (struct reel_progress){.shown = isatty(STDERR_FILENO) && !common->quiet};
}

static int at_most(int value, int most)
{
    return value < most ? value : most;
}

/* What label and bar have together: a line that wraps cannot be drawn over. */
static int room(void)
{
    struct winsize size;
    int columns =
        ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : USUAL_COLUMNS;

    return columns > REST_WIDTH + 2 ? columns - REST_WIDTH : 2;
}

static void draw(const struct reel_progress *progress, const char *label, uint64_t done,
                 uint64_t total, int64_t now_us)
{
    double share = total ? (double)(done < total ? done : total) / (double)total : 0;
    double seconds = (double)(now_us - progress->began_us) / 1e6;
    int label_width = at_most(room() / 2, LABEL_WIDTH);
    int bar_width = at_most(room() - label_width, BAR_WIDTH);
    int full = (int)(share * bar_width);

    if (total)
        fprintf(stderr, "\r\033[K%-*.*s [%.*s%*s] %3d %%  %.0f s", label_width, label_width, label,
                full, "##############################", bar_width - full, "", (int)(share * 100),
                seconds);
    else
        fprintf(stderr, "\r\033[K%-*.*s %" PRIu64 "  %.0f s", label_width, label_width, label, done,
                seconds);
    fflush(stderr);
}

void reel_progress_show(struct reel_progress *progress, const char *label, uint64_t done,
                        uint64_t total, int64_t now_us)
{
    if (!progress->shown || now_us < progress->next_us)
        return;
    if (!progress->began_us)
        progress->began_us = now_us;
    progress->next_us = now_us + INTERVAL_US;
    progress->drawn = true;
    draw(progress, label, done, total, now_us);
}

void reel_progress_finish(struct reel_progress *progress)
{
    if (progress->drawn)
        fputs("\r\033[K", stderr);
    progress->drawn = false;
}
