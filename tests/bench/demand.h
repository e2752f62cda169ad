/* Demand: what fails ends the program, and says what it was. */
#ifndef REEL_TESTS_BENCH_DEMAND_H
#define REEL_TESTS_BENCH_DEMAND_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void demand(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

#endif
