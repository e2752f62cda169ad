/* Verify, one sidecar: what it and the catalog say of the same recording. */
#include <string.h>

#include "core/tags.h"
#include "store/verify_internal.h"

static bool same_boot(const struct reel_boot *a, const struct reel_boot *b)
{
    return a->is_uint == b->is_uint && strcmp(a->text, b->text) == 0;
}

static bool same_run(const struct reel_run *a, const struct reel_run *b)
{
    return a->kind == b->kind && a->frames == b->frames && a->seqs == b->seqs &&
           a->fragment_frames == b->fragment_frames;
}

static bool same_stretch(const struct reel_stretch *a, const struct reel_stretch *b)
{
    if (a->epoch != b->epoch || a->reason != b->reason || !same_boot(&a->boot, &b->boot) ||
        a->has_seq != b->has_seq || a->has_frame != b->has_frame ||
        (a->has_seq && a->first_seq != b->first_seq) ||
        (a->has_frame && a->first_frame != b->first_frame) || a->runs_count != b->runs_count)
        return false;
    for (size_t i = 0; i < a->runs_count; i++) {
        if (!same_run(&a->runs[i], &b->runs[i]))
            return false;
    }
    return true;
}

static bool same_stretches(const struct reel_recording *a, const struct reel_recording *b)
{
    if (a->stretches_count != b->stretches_count)
        return false;
    for (size_t i = 0; i < a->stretches_count; i++) {
        if (!same_stretch(&a->stretches[i], &b->stretches[i]))
            return false;
    }
    return true;
}

/* A sum that was made is never taken back without a change of the audio; one that is wanting was
 * made after the sidecar. */
static bool same_sum(const struct reel_recording *sidecar, const struct reel_recording *row)
{
    return sidecar->sha256[0] == '\0' || strcmp(sidecar->sha256, row->sha256) == 0;
}

/* What a sidecar never says otherwise than the row, however far it lags; NULL where it is well. */
static const char *contradiction(const struct reel_recording *sidecar,
                                 const struct reel_recording *row)
{
    if (sidecar->id != row->id)
        return "id";
    if (!reel_format_equal(&sidecar->format, &row->format))
        return "format";
    if (sidecar->started_us != row->started_us)
        return "started_us";
    if (sidecar->frames > row->frames)
        return "frames";
    if (sidecar->rewrites > row->rewrites)
        return "rewrites";
    return NULL;
}

/* What else the sidecar of a complete recording says as the row does. */
static const char *disagreement(const struct reel_recording *sidecar,
                                const struct reel_recording *row)
{
    if (sidecar->state != row->state)
        return "state";
    if (sidecar->end_reason != row->end_reason)
        return "end_reason";
    if (sidecar->frames != row->frames)
        return "frames";
    if (sidecar->rewrites != row->rewrites)
        return "rewrites";
    if (sidecar->gap_frames != row->gap_frames)
        return "gap_frames";
    if (sidecar->kept != row->kept)
        return "kept";
    if (!reel_tags_equal(sidecar->tags, row->tags))
        return "tags";
    if (!same_sum(sidecar, row))
        return "sha256";
    return same_stretches(sidecar, row) ? NULL : "stretches";
}

/* One that completed again before it had a sum is given a sidecar with the sum. */
static bool may_lag(const struct reel_recording *sidecar, const struct reel_recording *row)
{
    return row->state == REEL_STATE_RECORDING ||
           (row->sha256[0] == '\0' && sidecar->frames < row->frames);
}

void reel_verify_sidecar(struct verification *verification, const struct reel_recording *row,
                         struct findings *findings)
{
    struct reel_recording sidecar;
    struct reel_error why;
    bool plain_growth;
    const char *field;
    enum reel_code code = reel_sidecars_read(verification->sidecars, row->device, row->session,
                                             &sidecar, &plain_growth, &why);

    if (code == REEL_E_NOT_FOUND)
        reel_finding_add(findings, REEL_DIFFERS_SIDECAR_MISSING,
                         "there is no recordings/%s/%s.json", row->device, row->session);
    else if (code != REEL_OK)
        reel_finding_add(findings, REEL_DIFFERS_SIDECAR_DAMAGED, "%s", why.message);
    if (code != REEL_OK)
        return;
    field = contradiction(&sidecar, row);
    if (!field && !may_lag(&sidecar, row))
        field = disagreement(&sidecar, row);
    if (field)
        reel_finding_add(findings, REEL_DIFFERS_SIDECAR, "%s is not what the catalog says", field);
    reel_recording_finish(&sidecar);
}
