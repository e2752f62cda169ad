/* Check report: lines of text, or JSON. */
#include "daemon/check_report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FOUND_BYTES = 512 };

static const char *const verdicts[] = {
    [REEL_VERDICT_OK] = "ok",
    [REEL_VERDICT_NOTE] = "note",
    [REEL_VERDICT_CHANGE] = "change",
};

bool reel_check_report_init(struct reel_check_report *report, bool as_json)
{
    memset(report, 0, sizeof *report);
    if (as_json)
        report->findings = json_array();
    return !as_json || report->findings;
}

/* Each line of the advice below what it is for. */
static bool print(const char *verdict, const char *about, const char *found, const char *advice)
{
    bool good = printf("%-7s %s: %s\n", verdict, about, found) >= 0;

    while (*advice) {
        size_t bytes = strcspn(advice, "\n");

        good = printf("        > %.*s\n", (int)bytes, advice) >= 0 && good;
        advice += bytes + (advice[bytes] == '\n');
    }
    return fflush(stdout) == 0 && good;
}

void reel_check_tell(struct reel_check_report *report, enum reel_verdict verdict, const char *about,
                     const char *advice, const char *format, ...)
{
    char found[FOUND_BYTES];
    json_t *finding;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(found, sizeof found, format, arguments);
    va_end(arguments);
    report->changes += verdict == REEL_VERDICT_CHANGE;
    if (!report->findings) {
        if (!print(verdicts[verdict], about, found, advice))
            report->failed = true;
        return;
    }
    finding = json_pack("{s:s, s:s, s:s, s:s}", "about", about, "verdict", verdicts[verdict],
                        "found", found, "advice", advice);
    if (json_array_append_new(report->findings, finding) != 0)
        report->failed = true;
}

static bool print_json(struct reel_check_report *report)
{
    json_t *document =
        json_pack("{s:b, s:O}", "ok", report->changes == 0, "findings", report->findings);
    bool good = document && json_dumpf(document, stdout, JSON_INDENT(2)) == 0 &&
                putchar('\n') != EOF && fflush(stdout) == 0;

    json_decref(document);
    json_decref(report->findings);
    return good;
}

enum reel_code reel_check_report_finish(struct reel_check_report *report,
                                        struct reel_error *err_out)
{
    bool good;

    if (report->findings)
        good = print_json(report);
    else if (report->changes)
        good = printf("%u to change\n", report->changes) >= 0 && fflush(stdout) == 0;
    else
        good = puts("the broker is right") >= 0 && fflush(stdout) == 0;
    if (good && !report->failed)
        return REEL_OK;
    return reel_error_set(err_out, REEL_E_STALLED, NULL, "not all of it could be told");
}
