/* Load plan: what bench_load is asked to send, as its command line says it. */
#ifndef REEL_TESTS_BENCH_LOAD_PLAN_H
#define REEL_TESTS_BENCH_LOAD_PLAN_H

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/demand.h"

enum { FRAGMENT_MAX_BYTES = 1 << 16, LINES_MAX = 64 };

struct plan {
    int port;
    size_t recordings;
    uint64_t fragments_each;
    size_t fragment_bytes;
    size_t lines;
    unsigned window;
    double rate_hz; /* of all fragments; 0: as fast as they go */
    uint64_t first_seq;
    bool await_sink;
};

static inline uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);

    demand(*text && !*end, text);
    return value;
}

static inline struct plan read_plan(int argc, char **argv)
{
    struct plan plan = {.fragment_bytes = 1920, .lines = 4, .window = UINT16_MAX};
    uint64_t fragments = 0;
    int option;

    while ((option = getopt(argc, argv, "p:r:n:b:c:w:s:f:a")) != -1) {
        uint64_t value = option != 'a' && optarg ? number(optarg) : 0;

        switch (option) {
        case 'p':
            plan.port = (int)value;
            break;
        case 'r':
            plan.recordings = value;
            break;
        case 'n':
            fragments = value;
            break;
        case 'b':
            plan.fragment_bytes = value;
            break;
        case 'c':
            plan.lines = value;
            break;
        case 'w':
            plan.window = (unsigned)value;
            break;
        case 's':
            plan.rate_hz = (double)value;
            break;
        case 'f':
            plan.first_seq = value;
            break;
        case 'a':
            plan.await_sink = true;
            break;
        default:
            demand(false, "usage: see the head of bench_load.c");
        }
    }
    demand(plan.port && plan.recordings && fragments >= plan.recordings, "-p, -r and -n");
    demand(plan.lines && plan.lines <= LINES_MAX && plan.window, "-c and -w");
    demand(plan.fragment_bytes >= 2 && plan.fragment_bytes % 2 == 0 &&
               plan.fragment_bytes <= FRAGMENT_MAX_BYTES,
           "-b");
    if (plan.lines > plan.recordings)
        plan.lines = plan.recordings;
    plan.fragments_each = fragments / plan.recordings;
    return plan;
}

#endif
