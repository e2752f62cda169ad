/* Catalog reject: the rows of quarantined payloads. */
#include "store/catalog_filter.h"

#include <stdio.h>

enum reel_code reel_catalog_reject_add(struct reel_catalog *catalog,
                                       const struct reel_reject *reject, bool has_payload,
                                       uint64_t *quarantine_id_out, struct reel_error *err_out)
{
    struct reel_statement statement;
    enum reel_code code;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_REJECT_ADD,
                         "INSERT INTO quarantine (topic, device, session, code, field, message,"
                         " time_us, bytes, has_payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    reel_bind_text(&statement, reject->topic);
    reel_bind_text(&statement, reject->device);
    reel_bind_text(&statement, reject->session);
    reel_bind_text(&statement, reel_code_name(reject->error.code));
    reel_bind_text(&statement, reject->error.field);
    reel_bind_text(&statement, reject->error.message);
    reel_bind_i64(&statement, reject->time_us);
    reel_bind_u64(&statement, reject->bytes);
    reel_bind_u64(&statement, has_payload);
    code = reel_statement_run(&statement, "adding to quarantine", err_out);
    if (code == REEL_OK)
        *quarantine_id_out = (uint64_t)sqlite3_last_insert_rowid(catalog->db);
    return code;
}

enum reel_code reel_catalog_reject_remove(struct reel_catalog *catalog, uint64_t quarantine_id,
                                          struct reel_error *err_out)
{
    struct reel_statement statement;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_REJECT_REMOVE,
                         "DELETE FROM quarantine WHERE quarantine_id = ?");
    reel_bind_u64(&statement, quarantine_id);
    return reel_statement_run(&statement, "removing from quarantine", err_out);
}

enum reel_code reel_catalog_reject_strip(struct reel_catalog *catalog, uint64_t quarantine_id,
                                         struct reel_error *err_out)
{
    struct reel_statement statement;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_REJECT_STRIP,
                         "UPDATE quarantine SET has_payload = 0 WHERE quarantine_id = ?");
    reel_bind_u64(&statement, quarantine_id);
    return reel_statement_run(&statement, "noting that a payload is gone", err_out);
}

static enum reel_code not_found(struct reel_error *err_out)
{
    return reel_error_set(err_out, REEL_E_NOT_FOUND, "quarantine_id",
                          "there is no such payload in quarantine");
}

enum reel_code reel_catalog_reject_find(struct reel_catalog *catalog, uint64_t quarantine_id,
                                        char *device_out, bool *has_payload_out,
                                        struct reel_error *err_out)
{
    struct reel_statement statement;
    char device[REEL_NAME_BYTES] = "";
    bool found, has_payload = false;
    enum reel_code code;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_REJECT_FIND,
                         "SELECT device, has_payload FROM quarantine WHERE quarantine_id = ?");
    reel_bind_u64(&statement, quarantine_id);
    found = reel_statement_next(&statement);
    if (found) {
        reel_take_text(&statement, device, sizeof device);
        has_payload = reel_take_bool(&statement);
    }
    code = reel_statement_end(&statement, "looking into quarantine", err_out);
    if (code != REEL_OK)
        return code;
    if (!found)
        return not_found(err_out);
    if (device_out)
        snprintf(device_out, REEL_NAME_BYTES, "%s", device);
    *has_payload_out = has_payload;
    return REEL_OK;
}

/* Take the id and bytes of the one row that the bound statement finds; ends the statement. */
static enum reel_code take_id(struct reel_statement *statement, uint64_t *quarantine_id_out,
                              uint64_t *bytes_out, struct reel_error *err_out)
{
    uint64_t quarantine_id = 0, bytes = 0;
    bool found = reel_statement_next(statement);
    enum reel_code code;

    if (found) {
        quarantine_id = reel_take_u64(statement);
        bytes = reel_take_u64(statement);
    }
    code = reel_statement_end(statement, "looking into quarantine", err_out);
    if (code != REEL_OK)
        return code;
    if (!found)
        return not_found(err_out);
    *quarantine_id_out = quarantine_id;
    *bytes_out = bytes;
    return REEL_OK;
}

enum reel_code reel_catalog_reject_oldest(struct reel_catalog *catalog, uint64_t after_id,
                                          uint64_t *quarantine_id_out, uint64_t *bytes_out,
                                          struct reel_error *err_out)
{
    struct reel_statement statement;

    reel_statement_start(
        &statement, catalog, REEL_STATEMENT_REJECT_OLDEST,
        "SELECT quarantine_id, bytes * has_payload FROM quarantine WHERE quarantine_id > ?"
        " AND NOT EXISTS (SELECT 1 FROM recording WHERE candidate_quarantine_id = quarantine_id)"
        " ORDER BY quarantine_id LIMIT 1");
    reel_bind_u64(&statement, after_id);
    return take_id(&statement, quarantine_id_out, bytes_out, err_out);
}

enum reel_code reel_catalog_reject_next_payload(struct reel_catalog *catalog, uint64_t after_id,
                                                uint64_t *quarantine_id_out, uint64_t *bytes_out,
                                                struct reel_error *err_out)
{
    struct reel_statement statement;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_REJECT_NEXT_PAYLOAD,
                         "SELECT quarantine_id, bytes FROM quarantine WHERE quarantine_id > ?"
                         " AND has_payload = 1 ORDER BY quarantine_id LIMIT 1");
    reel_bind_u64(&statement, after_id);
    return take_id(&statement, quarantine_id_out, bytes_out, err_out);
}

enum reel_code reel_catalog_reject_totals(struct reel_catalog *catalog, uint64_t *count_out,
                                          uint64_t *bytes_out, struct reel_error *err_out)
{
    struct reel_statement statement;
    uint64_t count = 0, bytes = 0;
    enum reel_code code;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_REJECT_TOTALS,
                         "SELECT count(*), ifnull(sum(bytes * has_payload), 0) FROM quarantine");
    if (reel_statement_next(&statement)) {
        count = reel_take_u64(&statement);
        bytes = reel_take_u64(&statement);
    }
    code = reel_statement_end(&statement, "counting what is in quarantine", err_out);
    if (code == REEL_OK) {
        *count_out = count;
        *bytes_out = bytes;
    }
    return code;
}

static void start_rejects(struct reel_catalog *catalog, const struct reel_rejects_plan *plan,
                          struct reel_statement *statement)
{
    struct reel_filter filter;
    char *sql;

    reel_filter_init(&filter);
    if (plan->has_device)
        reel_filter_and(&filter, REEL_CLAUSE_WHERE, "device =", reel_value_text(plan->device));
    if (plan->has_session)
        reel_filter_and(&filter, REEL_CLAUSE_WHERE, "session =", reel_value_text(plan->session));
    if (plan->has_code)
        reel_filter_and(&filter, REEL_CLAUSE_WHERE,
                        "code =", reel_value_text(reel_code_name(plan->code)));
    if (plan->has_since)
        reel_filter_and(&filter, REEL_CLAUSE_WHERE, "time_us >=", reel_value_i64(plan->since_us));
    if (plan->has_until)
        reel_filter_and(&filter, REEL_CLAUSE_WHERE, "time_us <", reel_value_i64(plan->until_us));
    if (plan->has_before)
        reel_filter_and(&filter, REEL_CLAUSE_WHERE, "quarantine_id <",
                        reel_value_u64(plan->before_id));
    sql = sqlite3_mprintf("SELECT quarantine_id, topic, device, session, code, field, message,"
                          " time_us, bytes FROM quarantine WHERE 1%s"
                          " ORDER BY quarantine_id DESC LIMIT %lld",
                          reel_filter_sql(&filter, REEL_CLAUSE_WHERE), (long long)plan->limit + 1);
    reel_filter_start(&filter, catalog, sql, statement);
    sqlite3_free(sql);
    reel_filter_finish(&filter);
}

static const char *take_borrowed(struct reel_statement *statement)
{
    const char *text = reel_take_text_if(statement);

    if (!text)
        statement->contradicts = true;
    return text ? text : "";
}

/* Show the row that the statement is at; whether it was taken. */
static bool show_row(struct reel_statement *statement, reel_reader_reject_fn *row, void *user)
{
    struct reel_reject reject = {.quarantine_id = reel_take_u64(statement)};

    reject.topic = take_borrowed(statement);
    reject.device = take_borrowed(statement);
    reject.session = take_borrowed(statement);
    reject.error.code = reel_code_from_name(take_borrowed(statement));
    if (reject.error.code == REEL_CODE_COUNT)
        statement->contradicts = true;
    reel_take_text(statement, reject.error.field, sizeof reject.error.field);
    reel_take_text(statement, reject.error.message, sizeof reject.error.message);
    reject.time_us = reel_take_i64(statement);
    reject.bytes = reel_take_u64(statement);
    return !statement->contradicts && statement->result == SQLITE_OK && row(&reject, user);
}

enum reel_code reel_catalog_rejects(struct reel_catalog *catalog,
                                    const struct reel_rejects_plan *plan,
                                    reel_reader_reject_fn *row, void *user, bool *more_out,
                                    struct reel_error *err_out)
{
    struct reel_statement statement;
    uint32_t shown = 0;
    bool more = false;
    enum reel_code code;

    start_rejects(catalog, plan, &statement);
    while (!more && reel_statement_next(&statement)) {
        if (shown < plan->limit && show_row(&statement, row, user))
            shown++;
        else
            more = true;
    }
    code = reel_statement_end(&statement, "listing what is in quarantine", err_out);
    if (code == REEL_OK)
        *more_out = more;
    return code;
}
