/* Top screen: drawing and keys. */
#include "cli/top_screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define NCURSES_NOMACROS 1
#include <ncurses.h>

enum { TITLE_LINE = REEL_TOP_HEAD_LINES + 1, CELL_BYTES = REEL_HUMAN_BYTES + REEL_NAME_BYTES };

/* Of each column; the device's takes what is left. */
static const int widths[REEL_TOP_COLUMNS] = {0, 7, 8, 11, 8, 10, 11, 9};
enum { DEVICE_LEAST = 12 };

struct reel_top_screen {
    SCREEN *terminal;
    size_t first; /* the row that stands at the top */
};

enum reel_code reel_top_screen_open(struct reel_top_screen **screen_out, struct reel_error *err_out)
{
    struct reel_top_screen *screen = calloc(1, sizeof *screen);

    if (!screen)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    screen->terminal = newterm(NULL, stdout, stdin);
    if (!screen->terminal) {
        free(screen);
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, NULL,
                              "the terminal ($TERM) cannot be drawn on: use --batch");
    }
    cbreak();
    noecho();
    nodelay(stdscr, true);
    keypad(stdscr, true);
    curs_set(0);
    *screen_out = screen;
    return REEL_OK;
}

void reel_top_screen_close(struct reel_top_screen **screen)
{
    if (!*screen)
        return;
    endwin();
    delscreen((*screen)->terminal);
    free(*screen);
    *screen = NULL;
}

void reel_top_screen_leave(struct reel_top_screen *screen)
{
    (void)screen;
    endwin();
}

static void put_line(int y, const char *text)
{
    move(y, 0);
    addnstr(text, COLS);
    clrtoeol();
}

static int device_width(void)
{
    int left = COLS;

    for (int i = 1; i < REEL_TOP_COLUMNS; i++)
        left -= widths[i];
    return left > DEVICE_LEAST ? left : DEVICE_LEAST;
}

static void draw_cells(int y, char cells[REEL_TOP_COLUMNS][CELL_BYTES])
{
    char line[REEL_TOP_COLUMNS * CELL_BYTES + 64];
    int width = device_width();
    int used = snprintf(line, sizeof line, "%-*.*s", width < 64 ? width : 64, width, cells[0]);

    for (int i = 1; i < REEL_TOP_COLUMNS; i++)
        used += snprintf(line + used, sizeof line - (size_t)used, "%*.*s", widths[i], widths[i],
                         cells[i]);
    put_line(y, line);
}

static void draw_titles(const struct reel_top *top)
{
    static const int column_of[REEL_TOP_SORTS] = {0, 2, 3, 5, 6, 7};
    char cells[REEL_TOP_COLUMNS][CELL_BYTES];

    for (int i = 0; i < REEL_TOP_COLUMNS; i++)
        snprintf(cells[i], CELL_BYTES, "%s%s", reel_top_columns[i].title,
                 column_of[top->sort] == i ? "*" : "");
    attron(A_REVERSE);
    draw_cells(TITLE_LINE, cells);
    attroff(A_REVERSE);
}

/* How many rows there is room for. */
static size_t page_rows(void)
{
    int rows = LINES - TITLE_LINE - 2;

    return rows > 0 ? (size_t)rows : 0;
}

static void keep_in_range(struct reel_top_screen *screen, size_t count)
{
    size_t rows = page_rows();
    size_t most = count > rows ? count - rows : 0;

    if (screen->first > most)
        screen->first = most;
}

void reel_top_screen_draw(struct reel_top_screen *screen, const struct reel_top *top,
                          const char *note, int64_t wall_us)
{
    char head[REEL_TOP_HEAD_LINES][REEL_TOP_LINE_BYTES];
    char cells[REEL_TOP_COLUMNS][CELL_BYTES];
    size_t rows = page_rows();

    keep_in_range(screen, top->shown.count);
    erase();
    reel_top_head(top, head);
    for (int i = 0; i < REEL_TOP_HEAD_LINES && top->status; i++)
        put_line(i, head[i]);
    put_line(REEL_TOP_HEAD_LINES, note);
    draw_titles(top);
    for (size_t i = 0; i < rows && screen->first + i < top->shown.count; i++) {
        reel_top_cells(&top->shown.items[screen->first + i], wall_us, cells);
        draw_cells(TITLE_LINE + 1 + (int)i, cells);
    }
    put_line(LINES - 1, "q quit  sort by: d device  h heard  r rate  s size  g gaps  w refused");
    refresh();
}

static void move_by(struct reel_top_screen *screen, long rows)
{
    if (rows < 0 && screen->first < (size_t)-rows)
        screen->first = 0;
    else
        screen->first = (size_t)((long)screen->first + rows);
}

/* False: it is no key that sorts. */
static bool sort_by(struct reel_top *top, int key)
{
    for (unsigned sort = 0; sort < REEL_TOP_SORTS; sort++) {
        if (key != reel_top_sort_names[sort][0])
            continue;
        reel_top_sort_by(top, (enum reel_top_sort)sort);
        return true;
    }
    return false;
}

static void move_on(struct reel_top_screen *screen, const struct reel_top *top, int key)
{
    switch (key) {
    case KEY_UP:
        move_by(screen, -1);
        break;
    case KEY_DOWN:
        move_by(screen, 1);
        break;
    case KEY_PPAGE:
        move_by(screen, -(long)page_rows());
        break;
    case KEY_NPAGE:
    case ' ':
        move_by(screen, (long)page_rows());
        break;
    case KEY_HOME:
        screen->first = 0;
        break;
    case KEY_END:
        screen->first = top->shown.count;
        break;
    default: /* also KEY_RESIZE: what is drawn next has the new size */
        break;
    }
}

bool reel_top_screen_keys(struct reel_top_screen *screen, struct reel_top *top)
{
    int key;

    while ((key = getch()) != ERR) {
        if (key == 'q' || key == 'Q')
            return false;
        if (!sort_by(top, key))
            move_on(screen, top, key);
        keep_in_range(screen, top->shown.count);
    }
    return true;
}
