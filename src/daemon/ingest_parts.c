/* Ingest: sessions that go on in parts: which recording of a session a fragment goes to, and where
 * the next begins (session.max_duration_s).
 *
 * Only the last part grows. Those before it are sealed: what is stored in them is compared, and
 * what they miss is filled. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/events.h"
#include "daemon/ingest_audio.h"

/* How often a fragment is passed on to an earlier part: a boot's numbers may stand in several. */
enum { PASSED_ON_MAX = 16 };

static const char *session_of(const struct reel_recording *recording)
{
    return recording->part_of[0] ? recording->part_of : recording->session;
}

static bool is_sealed(const struct reel_recording *recording)
{
    return recording->state == REEL_STATE_COMPLETE && recording->end_reason == REEL_END_LIMIT;
}

static bool is_part_of(const struct reel_recording *recording, const char *session)
{
    return strcmp(session_of(recording), session) == 0;
}

/* A store that fails ends the batch; what is not there is the caller's. */
static enum reel_code outcome(struct reel_ingest *ingest, enum reel_code code,
                              struct reel_error *error)
{
    return code == REEL_OK || code == REEL_E_NOT_FOUND ? code : reel_ingest_fail(ingest, error);
}

/* ---- which recording ---- */

/* The part that is remembered as the last, if it still is one. */
static enum reel_code recall(struct reel_ingest *ingest, const char *device, const char *session,
                             struct reel_entry **entry_out, struct reel_error *err_out)
{
    const struct reel_parts *parts = reel_part_memory_find(ingest->parts, device, session);
    struct reel_entry *entry;
    enum reel_code code;

    if (!parts)
        return REEL_E_NOT_FOUND;
    code = outcome(ingest, reel_store_get(ingest->store, device, parts->last, &entry, err_out),
                   err_out);
    if (code == REEL_OK && !is_part_of(reel_entry_recording(entry), session))
        code = REEL_E_NOT_FOUND;
    if (code == REEL_OK)
        *entry_out = entry;
    return code;
}

/* The last part, looked for. */
static enum reel_code look_up(struct reel_ingest *ingest, const char *device, const char *session,
                              struct reel_entry **entry_out, struct reel_error *err_out)
{
    const struct reel_part_question question = {device, session, UINT64_MAX, NULL};
    enum reel_code code =
        outcome(ingest, reel_store_part(ingest->store, &question, entry_out, err_out), err_out);

    if (code == REEL_OK && reel_entry_recording(*entry_out)->part_of[0])
        reel_part_memory_note(ingest->parts, device, session,
                              reel_entry_recording(*entry_out)->session);
    return code;
}

enum reel_code reel_ingest_last(struct reel_ingest *ingest, const char *device, const char *session,
                                struct reel_entry **entry_out, struct reel_error *err_out)
{
    enum reel_code code = recall(ingest, device, session, entry_out, err_out);
    struct reel_entry *own;

    if (code != REEL_E_NOT_FOUND)
        return code;
    code = outcome(ingest, reel_store_get(ingest->store, device, session, &own, err_out), err_out);
    if (code == REEL_OK)
        *entry_out = own;
    if (code == REEL_E_NOT_FOUND || (code == REEL_OK && is_sealed(reel_entry_recording(own)))) {
        enum reel_code own_code = code;

        code = look_up(ingest, device, session, entry_out, err_out);
        if (code == REEL_E_NOT_FOUND)
            code = own_code;
    }
    return code;
}

/* The latest part before `entry` that may hold the numbers. */
static enum reel_code part_before(struct reel_ingest *ingest, struct reel_entry *entry,
                                  const struct reel_numbers *numbers, struct reel_entry **entry_out)
{
    const struct reel_recording *recording = reel_entry_recording(entry);
    const struct reel_part_question question = {
        .device = recording->device,
        .session = session_of(recording),
        .below = recording->part,
        .numbers = numbers,
    };
    struct reel_error error;

    if (!recording->part_of[0])
        return REEL_E_NOT_FOUND;
    return outcome(ingest, reel_store_part(ingest->store, &question, entry_out, &error), &error);
}

/* ---- where in it ---- */

/* A boot that the last part does not know may be one of an earlier part's. */
static void find_home(struct reel_ingest *ingest, const struct reel_fragment *fragment,
                      struct reel_target *target)
{
    const struct reel_numbers boot = {.boot = fragment->numbers.boot};
    struct reel_entry *known;

    target->home = target->last;
    if (target->placement.row != REEL_PLACE_BOOT ||
        part_before(ingest, target->last, &boot, &known) != REEL_OK)
        return;
    target->home = known;
    target->entry = known;
    reel_ingest_decide(ingest, known, fragment, &target->placement);
}

static void pass_on(struct reel_ingest *ingest, const struct reel_fragment *fragment,
                    struct reel_target *target)
{
    for (int i = 0; i < PASSED_ON_MAX && target->placement.row == REEL_PLACE_EARLIER; i++) {
        if (part_before(ingest, target->entry, &fragment->numbers, &target->entry) != REEL_OK)
            return;
        reel_ingest_decide(ingest, target->entry, fragment, &target->placement);
    }
}

/* An earlier part does not grow: what it does not take comes back to the last, where a recorder
 * that restarted under its old name goes on. */
static void bring_back(const struct reel_fragment *fragment, struct reel_target *target)
{
    const struct reel_recording *last = reel_entry_recording(target->last);
    enum reel_place_row row = target->placement.row;

    if (target->entry != target->last &&
        (row == REEL_PLACE_STORED || row == REEL_PLACE_HOLE || row == REEL_PLACE_DIVIDED))
        return;
    if (target->entry == target->last && row != REEL_PLACE_EARLIER)
        return;
    target->entry = target->last;
    if (row == REEL_PLACE_CONFLICT || row == REEL_PLACE_RESTARTED)
        reel_place_conflict(last, &fragment->numbers, &target->placement);
    else
        reel_place_late(last, &fragment->numbers, &target->placement);
}

/* Whether no recording that is there has the numbers: they are below the first, or past the end of
 * one that was sealed, so that they were in the next. */
static bool is_beyond(const struct reel_target *target)
{
    enum reel_place_row row = target->placement.row;

    if (row == REEL_PLACE_EARLIER || row == REEL_PLACE_BOOT)
        return true;
    return (target->entry != target->last || is_sealed(reel_entry_recording(target->last))) &&
           (row == REEL_PLACE_JUMP || reel_place_appends(&target->placement));
}

void reel_ingest_find_place(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                            struct reel_target *target)
{
    const struct reel_fragment *fragment = &arrival->fragment;

    target->entry = target->last;
    reel_ingest_decide(ingest, target->last, fragment, &target->placement);
    find_home(ingest, fragment, target);
    pass_on(ingest, fragment, target);
    target->beyond = is_beyond(target);
    bring_back(fragment, target);
}

/* ---- the next part ---- */

/* Whether the last part, or a session's own recording, would become longer than it may. A skip of
 * unknown length and what it follows stay in one recording, which then tells what is lost between
 * them; so does a candidate with what confirms it. */
static bool outgrows(const struct reel_ingest *ingest, const struct reel_recording *recording,
                     const struct reel_target *target, uint32_t frames)
{
    uint64_t most = ingest->links.config->session_max_duration_s * recording->format.rate;
    uint64_t end = target->placement.at_frame + frames;

    if (recording->frames == 0 || end <= recording->frames || target->placement.take_candidate)
        return false;
    if (is_sealed(recording))
        return true;
    if (most == 0 || end <= most)
        return false;
    return target->placement.row != REEL_PLACE_UNKNOWN || recording->frames >= most;
}

uint32_t reel_ingest_cut(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                         const struct reel_target *target)
{
    const struct reel_recording *recording = reel_entry_recording(target->entry);
    const struct reel_numbers *numbers = &arrival->fragment.numbers;
    uint32_t past;

    if (target->placement.row != REEL_PLACE_DIVIDED)
        return 0;
    past = reel_place_past(recording, numbers, &target->placement);
    if (past == numbers->frames)
        return 0;
    if (target->entry == target->last && !outgrows(ingest, recording, target, numbers->frames))
        return 0;
    return numbers->frames - past;
}

/* A name for part `*part` of the session, or for the first after it whose name is free. A session
 * too long for the number loses its end. */
static enum reel_code name_part(struct reel_ingest *ingest, const struct reel_recording *before,
                                uint64_t *part, char out[REEL_NAME_BYTES])
{
    struct reel_entry *taken;
    struct reel_error error;
    enum reel_code code;

    do {
        char number[24];
        int number_length = snprintf(number, sizeof number, "-%" PRIu64, *part);

        snprintf(out, REEL_NAME_BYTES, "%.*s%s", REEL_NAME_BYTES - 1 - number_length,
                 session_of(before), number);
        code = outcome(ingest, reel_store_get(ingest->store, before->device, out, &taken, &error),
                       &error);
        *part += code == REEL_OK;
    } while (code == REEL_OK);
    return code == REEL_E_NOT_FOUND ? REEL_OK : code;
}

/* It says from now on that it goes on elsewhere; if it was complete already, it is again. */
static void seal(struct reel_ingest *ingest, struct reel_entry *entry, int64_t wall_us)
{
    struct reel_recording *recording = reel_entry_recording(entry);

    if (recording->state == REEL_STATE_RECORDING)
        reel_ingest_complete(ingest, entry, REEL_END_LIMIT, wall_us);
    else
        recording->end_reason = REEL_END_LIMIT;
}

/* Both can be looked for from now on, within the batch too. */
static enum reel_code stage(struct reel_ingest *ingest, struct reel_entry *before,
                            struct reel_entry *next)
{
    struct reel_error error;
    enum reel_code code = reel_store_stage(ingest->store, before, &error);

    if (code == REEL_OK)
        code = reel_store_stage(ingest->store, next, &error);
    return code == REEL_OK ? REEL_OK : reel_ingest_fail(ingest, &error);
}

static enum reel_code begin_part(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                                 struct reel_recording *before, struct reel_entry **next_out,
                                 struct reel_error *err_out)
{
    uint64_t part = before->part + 1;
    char name[REEL_NAME_BYTES];
    struct reel_recording *next;
    enum reel_code code = name_part(ingest, before, &part, name);

    if (code == REEL_OK)
        code = reel_ingest_rules_begin(ingest, arrival, err_out);
    if (code == REEL_OK)
        code = reel_ingest_create_recording(ingest, arrival, name, next_out, err_out);
    if (code != REEL_OK)
        return code;
    next = reel_entry_recording(*next_out);
    reel_recording_go_on(next, before, session_of(before), part);
    reel_ingest_event(ingest, next->device, name,
                      reel_event_plain("started", next, arrival->wall_us));
    reel_part_memory_note(ingest->parts, next->device, next->part_of, name);
    return REEL_OK;
}

enum reel_code reel_ingest_go_on(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                                 struct reel_target *target, struct reel_error *err_out)
{
    struct reel_recording *before = reel_entry_recording(target->last);
    struct reel_entry *next;
    enum reel_code code;

    if (target->entry != target->last || !reel_place_appends(&target->placement) ||
        !outgrows(ingest, before, target, arrival->fragment.numbers.frames))
        return REEL_OK;
    code = begin_part(ingest, arrival, before, &next, err_out);
    if (code != REEL_OK)
        return code;
    reel_place_carry(before, &target->placement);
    seal(ingest, target->last, arrival->wall_us);
    code = stage(ingest, target->last, next);
    reel_store_touch(ingest->store, next, arrival->monotonic_us);
    if (target->home == target->last)
        target->home = next;
    target->last = next;
    target->entry = next;
    return code;
}

/* Whether what the deleted ones would have gone on with lies past the end of the recording. */
static bool lies_past(const struct reel_numbers *next, const struct reel_recording *recording)
{
    struct reel_epoch epoch = reel_recording_epoch(recording, &next->boot);
    uint64_t end;

    if (next->has_frame && reel_epoch_next_frame(recording, epoch, &end))
        return next->frame > end;
    return !(next->has_seq && reel_epoch_next_seq(recording, epoch, &end)) || next->seq > end;
}

enum reel_code reel_ingest_skip_deleted(struct reel_ingest *ingest,
                                        const struct reel_arrival *arrival,
                                        const struct reel_tombstone *tombstone,
                                        struct reel_target *target, struct reel_error *err_out)
{
    struct reel_recording *before = reel_entry_recording(target->last);
    struct reel_numbers numbers;
    struct reel_entry *next;
    enum reel_code code;

    if (!is_sealed(before) ||
        !reel_tombstone_next(tombstone, &arrival->fragment.numbers.boot, &numbers) ||
        !lies_past(&numbers, before))
        return REEL_OK;
    code = begin_part(ingest, arrival, before, &next, err_out);
    if (code != REEL_OK)
        return code;
    reel_recording_begin_at(reel_entry_recording(next), &numbers);
    code = stage(ingest, target->last, next);
    reel_store_touch(ingest->store, next, arrival->monotonic_us);
    target->last = next;
    if (code == REEL_OK)
        reel_ingest_find_place(ingest, arrival, target);
    return code;
}

/* ---- what earlier parts miss ---- */

/* Note the parts before one whose gaps are of the epoch that it goes on with. */
static void look_for_owing(struct reel_ingest *ingest, struct reel_entry *home,
                           struct reel_parts *parts)
{
    const struct reel_recording *recording = reel_entry_recording(home);
    const struct reel_boot *boot = &recording->stretches[0].boot;
    struct reel_entry *entry = home;

    parts->has_owing = true;
    parts->owing_count = 0;
    for (unsigned i = 0; i < REEL_EARLIER_PARTS_MAX; i++) {
        if (!reel_epoch_is_continued(recording, reel_recording_epoch(recording, boot)) ||
            part_before(ingest, entry, NULL, &entry) != REEL_OK)
            return;
        recording = reel_entry_recording(entry);
        if (recording->gap_frames == 0)
            continue;
        memmove(parts->owing[1], parts->owing[0], parts->owing_count * sizeof parts->owing[0]);
        snprintf(parts->owing[0], sizeof parts->owing[0], "%s", recording->session);
        parts->owing_count++;
    }
}

void reel_ingest_earlier(struct reel_ingest *ingest, const struct reel_target *target,
                         struct reel_earlier_parts *earlier_out)
{
    const struct reel_recording *home = reel_entry_recording(target->home);
    struct reel_parts passing = {0};
    struct reel_parts *parts = NULL;
    struct reel_entry *entry;
    struct reel_error error;

    earlier_out->count = 0;
    if (!home->continued || home->stretches_count == 0)
        return;
    if (target->home == target->last)
        parts = reel_part_memory_find(ingest->parts, home->device, session_of(home));
    if (!parts)
        parts = &passing;
    if (!parts->has_owing)
        look_for_owing(ingest, target->home, parts);
    for (size_t i = 0; i < parts->owing_count; i++) {
        if (outcome(ingest,
                    reel_store_get(ingest->store, home->device, parts->owing[i], &entry, &error),
                    &error) == REEL_OK)
            earlier_out->recordings[earlier_out->count++] = reel_entry_recording(entry);
    }
}
