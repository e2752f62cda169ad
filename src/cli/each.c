/* Each: argument after argument. */
#include "cli/each.h"

#include "cli/ask.h"
#include "cli/names.h"
#include "cli/report.h"
#include "io/loop.h"

static enum reel_code ask(struct reel_client *client, const struct reel_common *common,
                          const struct reel_each *each, const char *device, const char *session,
                          struct reel_error *err_out)
{
    json_t *request = json_copy((json_t *)(uintptr_t)each->request);
    json_t *answer = NULL;
    enum reel_code code;

    if (json_object_set_new(request, "device", json_string(device)) ||
        json_object_set_new(request, "session", json_string(session)))
        code = reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    else
        code = reel_ask(client, common, each->op, reel_ask_confined(common, device), request,
                        &answer, err_out);
    json_decref(request);
    if (code)
        return code;
    if (common->json)
        reel_report_json(answer);
    else if (!common->quiet)
        each->tell(device, session, answer);
    json_decref(answer);
    return REEL_OK;
}

static enum reel_exit ask_all(struct reel_client *client, const struct reel_common *common,
                              const struct reel_each *each, const struct reel_arguments *arguments)
{
    enum reel_exit status = REEL_EXIT_OK;

    for (size_t i = 0; i < arguments->count; i++) {
        char device[REEL_NAME_BYTES], session[REEL_NAME_BYTES];
        struct reel_error error;
        enum reel_code code = reel_name_pair_at(arguments, i, device, session, &error);

        if (!code)
            code = ask(client, common, each, device, session, &error);
        if (code)
            status = reel_report_failed_of(device, session, &error);
        if (code == REEL_E_STALLED)
            break;
    }
    return status;
}

enum reel_exit reel_each_run(const struct reel_common *common, const struct reel_each *each,
                             const struct reel_arguments *arguments)
{
    struct reel_client *client = NULL;
    struct reel_error error;
    enum reel_exit status;
    enum reel_code code;

    if (reel_names_check(arguments, &error))
        return reel_report_usage("%s", error.message);
    code = reel_client_create(common, NULL, &client, &error);
    if (!code)
        code = reel_client_connect(client, reel_monotonic_us() + REEL_CLIENT_CONNECT_US, &error);
    status = code ? reel_report_failed(&error) : ask_all(client, common, each, arguments);
    reel_client_destroy(&client);
    return status;
}
