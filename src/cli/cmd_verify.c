/* reel verify: whether what the sink gives back is what it summed when it was complete. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/human.h"
#include "cli/names.h"
#include "cli/rebuild.h"
#include "cli/report.h"

enum { PAGE = 100, TRIES = 3 };

struct values {
    const char *device;
};

static const struct reel_option options[] = {
    {0, "device", "NAME", REEL_OPTION_TEXT, offsetof(struct values, device), "only that device's",
     NULL},
    {0},
};

static const char help[] =
    "Without arguments all complete recordings. Each is downloaded, its file put together again\n"
    "and summed, and the sum compared with the sha256 that the sink tells; nothing is kept. That\n"
    "proves each frame on its whole way. What is on the sink's disk besides, `reeld --verify`\n"
    "looks at, without a download. A line for each that differs, DEVICE/SESSION: WHAT: ..., and\n"
    "exit status 1. A recording that still grows has no sum; neither has, for a moment, one that\n"
    "has just ended, of which all frames have to come all the same: named, these are exit status\n"
    "4, without arguments they are counted.\n";

struct verifying {
    const struct reel_common *common;
    uint64_t well, differing, waiting;
    uint64_t bytes;      /* of the files summed */
    json_t *differences; /* for --json */
};

static void differs(struct verifying *verifying, const char *device, const char *session,
                    const char *what, const char *how)
{
    verifying->differing++;
    if (verifying->common->json)
        json_array_append_new(verifying->differences,
                              json_pack("{s:s, s:s, s:s, s:s}", "device", device, "session",
                                        session, "what", what, "how", how));
    else
        reel_report_line("%s/%s: %s: %s", device, session, what, how);
}

/* What may pass by itself ends the command, what is one recording's own is a difference. */
static bool is_its_own(enum reel_code code)
{
    return code == REEL_E_VERSION_MISMATCH || code == REEL_E_INTERNAL;
}

enum verdict { WELL, DIFFERS, GROWS, NO_SUM };

/* Download what `info` describes and judge it; `how` describes what differs. Of a complete
 * recording without a sum as many frames have to come as it says. */
static enum reel_code judge(struct verifying *verifying, const json_t *info,
                            enum verdict *verdict_out, struct reel_error *how,
                            struct reel_error *err_out)
{
    const char *expected = reel_member_text(info, "sha256");
    char sum[REEL_SHA256_TEXT_BYTES];
    uint64_t bytes = 0;
    enum reel_code code;

    if (strcmp(reel_member_text(info, "state"), "complete") != 0) {
        *verdict_out = GROWS;
        return REEL_OK;
    }
    code = reel_rebuild_sum(verifying->common, info, sum, &bytes, how);
    if (code != REEL_OK && !is_its_own(code)) {
        *err_out = *how;
        return code;
    }
    *verdict_out = DIFFERS;
    if (code != REEL_OK)
        return REEL_OK;
    if (*expected == '\0') {
        *verdict_out = NO_SUM;
        return REEL_OK;
    }
    verifying->bytes += bytes;
    if (strcmp(sum, expected) == 0)
        *verdict_out = WELL;
    else
        reel_error_set(how, REEL_E_CONFLICT, "sha256",
                       "the file of what came has %s, the sink says %s", sum, expected);
    return REEL_OK;
}

/* The same until the sink says of the recording afterwards what it said before: one that changed
 * under the download is judged anew. BUSY where it never rests. */
static enum reel_code judge_at_rest(struct verifying *verifying, const char *device,
                                    const char *session, enum verdict *verdict_out,
                                    struct reel_error *how, struct reel_error *err_out)
{
    json_t *info = NULL;
    bool rests = false;
    enum reel_code code = reel_ask_info(verifying->common, device, session, &info, err_out);

    for (int i = 0; i < TRIES && code == REEL_OK && !rests; i++) {
        json_t *after = NULL;

        code = judge(verifying, info, verdict_out, how, err_out);
        rests = *verdict_out != DIFFERS;
        if (code != REEL_OK || rests)
            break;
        code = reel_ask_info(verifying->common, device, session, &after, err_out);
        rests = code == REEL_OK && json_equal(info, after);
        json_decref(info);
        info = after;
    }
    json_decref(info);
    if (code == REEL_OK && !rests)
        return reel_error_set(err_out, REEL_E_BUSY, NULL, "%s/%s changes all the time", device,
                              session);
    return code;
}

static enum reel_code no_sum(const char *device, const char *session, enum verdict verdict,
                             struct reel_error *err_out)
{
    return reel_error_set(err_out, REEL_E_STALLED, NULL, "%s/%s has no sum yet: it %s", device,
                          session, verdict == GROWS ? "grows" : "is complete, all of it came");
}

/* `named`: somebody asked for this one, so one without a sum is STALLED. */
static enum reel_code verify(struct verifying *verifying, const char *device, const char *session,
                             bool named, struct reel_error *err_out)
{
    enum verdict verdict = GROWS;
    struct reel_error how;
    enum reel_code code = judge_at_rest(verifying, device, session, &verdict, &how, err_out);

    if (code != REEL_OK)
        return !named && code == REEL_E_NOT_FOUND ? REEL_OK : code; /* deleted meanwhile */
    if (verdict == DIFFERS)
        differs(verifying, device, session, *how.field ? how.field : "download", how.message);
    verifying->well += verdict == WELL;
    if (verdict == WELL || verdict == DIFFERS)
        return REEL_OK;
    verifying->waiting++;
    return named ? no_sum(device, session, verdict, err_out) : REEL_OK;
}

static enum reel_code verify_named(struct verifying *verifying,
                                   const struct reel_arguments *arguments,
                                   struct reel_error *err_out)
{
    enum reel_code code = REEL_OK;

    for (size_t i = 0; i < arguments->count && code == REEL_OK; i++) {
        char device[REEL_NAME_BYTES], session[REEL_NAME_BYTES];

        code = reel_name_pair_at(arguments, i, device, session, err_out);
        if (code == REEL_OK)
            code = verify(verifying, device, session, true, err_out);
    }
    return code;
}

static enum reel_code verify_page(struct verifying *verifying, const json_t *page,
                                  struct reel_error *err_out)
{
    enum reel_code code = REEL_OK;
    const json_t *item;
    size_t i;

    json_array_foreach (json_object_get(page, "recordings"), i, item) {
        if (code == REEL_OK)
            code = verify(verifying, reel_member_text(item, "device"),
                          reel_member_text(item, "session"), false, err_out);
    }
    return code;
}

static enum reel_code verify_all(struct verifying *verifying, const char *device,
                                 struct reel_error *err_out)
{
    json_t *request =
        json_pack("{s:s, s:s, s:i}", "state", "complete", "sort", "name", "limit", PAGE);
    bool more = true;
    enum reel_code code = REEL_OK;

    reel_ask_text(request, "device", device);
    while (more && code == REEL_OK) {
        json_t *page = NULL;
        json_t *cursor;

        code = reel_ask_once(verifying->common, "list",
                             reel_ask_confined(verifying->common, device), request, &page, err_out);
        cursor = json_object_get(page, "next_cursor");
        more = json_is_string(cursor);
        json_object_set(request, "cursor", cursor);
        if (code == REEL_OK)
            code = verify_page(verifying, page, err_out);
        json_decref(page);
    }
    json_decref(request);
    return code;
}

static void tell(struct verifying *verifying)
{
    char text[REEL_HUMAN_BYTES];
    json_t *line;

    if (verifying->common->json) {
        line = json_pack("{s:I, s:I, s:O}", "verified", (json_int_t)verifying->well, "without_sum",
                         (json_int_t)verifying->waiting, "differences", verifying->differences);
        reel_report_json(line);
        json_decref(line);
    } else if (!verifying->common->quiet) {
        reel_human_bytes(verifying->bytes, text);
        reel_report_line("%" PRIu64 " %s, %s; %" PRIu64 " without a sum yet; %" PRIu64 " %s",
                         verifying->well,
                         verifying->well == 1 ? "recording came as its sum says"
                                              : "recordings came as their sums say",
                         text, verifying->waiting, verifying->differing,
                         verifying->differing == 1 ? "differs" : "differ");
    }
}

static enum reel_exit run(const struct reel_common *common, const void *given,
                          const struct reel_arguments *arguments)
{
    const struct values *values = given;
    struct verifying verifying = {.common = common};
    struct reel_error error;
    enum reel_code code;

    if (arguments->count > 0 && values->device)
        return reel_report_usage("--device, or recordings by name");
    if (reel_names_check(arguments, &error))
        return reel_report_usage("%s", error.message);
    verifying.differences = json_array();
    code = arguments->count > 0 ? verify_named(&verifying, arguments, &error)
                                : verify_all(&verifying, values->device, &error);
    tell(&verifying);
    json_decref(verifying.differences);
    if (code != REEL_OK)
        return reel_report_failed(&error);
    return verifying.differing > 0 ? REEL_EXIT_FAILED : REEL_EXIT_OK;
}

const struct reel_command reel_cmd_verify = {
    .name = "verify",
    .arguments = "[DEVICE/SESSION]...",
    .summary = "download recordings and compare them with their sums",
    .help = help,
    .options = options,
    .values_bytes = sizeof(struct values),
    .arguments_max = SIZE_MAX,
    .timeout_s = 30,
    .run = run,
};
