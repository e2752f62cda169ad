/* Top screen: `reel top` on a terminal, drawn by ncurses. */
#ifndef REEL_CLI_TOP_SCREEN_H
#define REEL_CLI_TOP_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/top.h"

struct reel_top_screen;

/* Take the terminal over. BAD_REQUEST where it is none that can be drawn on, INTERNAL if memory ran
 * out. */
enum reel_code reel_top_screen_open(struct reel_top_screen **screen_out,
                                    struct reel_error *err_out);

/* Give the terminal back as it was. Accepts a pointer to NULL. */
void reel_top_screen_close(struct reel_top_screen **screen);

/* Let others write to it for a while: until the next reel_top_screen_draw. */
void reel_top_screen_leave(struct reel_top_screen *screen);

/* Draw all there is; `note` stands below the sink's lines ("": none). */
void reel_top_screen_draw(struct reel_top_screen *screen, const struct reel_top *top,
                          const char *note, int64_t wall_us);

/* Take the keys that were pressed: sorts and moves are carried out, and the size of the window
 * followed. False: it is time to end. */
bool reel_top_screen_keys(struct reel_top_screen *screen, struct reel_top *top);

#endif
