/* Catalog: the parts of a session that grew past session.max_duration_s. */
#include "store/catalog_internal.h"

static const char doing[] = "looking for a part";

/* How many parts are looked through for a number or a boot, latest first. */
#define LOOKED_THROUGH "1000"

/* Those that the question fits: ?3 is the bound, ?4 the boot, ?5 and ?6 its numbers. */
#define FITS                                                                                       \
    " AND (?4 IS NULL OR EXISTS (SELECT 1 FROM stretch WHERE stretch.recording = part.recording"   \
    " AND boot = ?4 AND (?5 IS NULL OR coalesce(first_seq, 0) <= ?5)"                              \
    " AND (?6 IS NULL OR coalesce(first_frame, 0) <= ?6)))"

static enum reel_code find(struct reel_catalog *catalog, enum reel_statement_id id, const char *sql,
                           const struct reel_part_question *question, char *session_out,
                           struct reel_error *err_out)
{
    const struct reel_numbers *numbers = question->numbers;
    struct reel_statement statement;
    bool found;
    enum reel_code code;

    reel_statement_start(&statement, catalog, id, sql);
    reel_bind_text(&statement, question->device);
    reel_bind_text(&statement, question->session);
    reel_bind_u64(&statement, question->below < INT64_MAX ? question->below : INT64_MAX);
    reel_bind_text(&statement, numbers ? numbers->boot.text : NULL);
    reel_bind_u64_if(&statement, numbers && numbers->has_seq && !numbers->has_frame,
                     numbers ? numbers->seq : 0);
    reel_bind_u64_if(&statement, numbers && numbers->has_frame, numbers ? numbers->frame : 0);
    found = reel_statement_next(&statement);
    if (found)
        reel_take_text(&statement, session_out, REEL_NAME_BYTES);
    code = reel_statement_end(&statement, doing, err_out);
    if (code == REEL_OK && !found)
        code = reel_error_set(err_out, REEL_E_NOT_FOUND, NULL, "there is no such part");
    return code;
}

enum reel_code reel_catalog_part(struct reel_catalog *catalog,
                                 const struct reel_part_question *question, char *session_out,
                                 struct reel_error *err_out)
{
    enum reel_code code =
        find(catalog, REEL_STATEMENT_PART,
             "SELECT session FROM (SELECT recording, session, part FROM recording"
             " WHERE device = ?1 AND part_of = ?2 AND part < ?3 ORDER BY part DESC"
             " LIMIT " LOOKED_THROUGH ") AS part WHERE true" FITS " ORDER BY part DESC LIMIT 1",
             question, session_out, err_out);

    if (code != REEL_E_NOT_FOUND)
        return code;
    return find(catalog, REEL_STATEMENT_FIRST_PART,
                "SELECT session FROM recording AS part"
                " WHERE device = ?1 AND session = ?2 AND part_of IS NULL AND part < ?3" FITS,
                question, session_out, err_out);
}
