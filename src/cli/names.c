/* Names: made so that the sink takes them. */
#include "cli/names.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/report.h"
#include "io/loop.h"
#include "wire/topic.h"

void reel_name_make(const char *text, size_t bytes, char out[REEL_NAME_BYTES])
{
    size_t used = 0;

    for (size_t i = 0; i < bytes && used + 1 < REEL_NAME_BYTES; i++) {
        char pair[2] = {'a', text[i]};

        if (reel_name_valid(pair, 2))
            out[used] = text[i];
        else
            out[used] = '-';
        if (used > 0 || reel_name_valid(out, 1))
            used++;
    }
    out[used] = '\0';
}

void reel_name_of_file(const char *path, char out[REEL_NAME_BYTES])
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');

    reel_name_make(name, dot && dot > name ? (size_t)(dot - name) : strlen(name), out);
}

void reel_name_of_time(int64_t wall_us, char out[REEL_NAME_BYTES])
{
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm tm;

    if (!gmtime_r(&seconds, &tm) || !strftime(out, REEL_NAME_BYTES, "%Y%m%dT%H%M%SZ", &tm))
        out[0] = '\0';
}

void reel_name_of_host(char out[REEL_NAME_BYTES])
{
    char host[256] = "";

    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = '\0';
    reel_name_make(host, strcspn(host, "."), out);
}

enum reel_exit reel_names_device(const struct reel_common *common, const char *given,
                                 char out[REEL_NAME_BYTES])
{
    const char *text = given ? given : common->username;

    if (text && reel_name_valid(text, strlen(text)))
        strcpy(out, text);
    else if (given)
        return reel_report_usage("--device: 1 to 64 of A-Z a-z 0-9 . _ -, the first a letter or "
                                 "digit");
    else if (text)
        reel_name_make(text, strlen(text), out);
    else
        reel_name_of_host(out);
    return out[0] ? REEL_EXIT_OK
                  : reel_report_usage("nothing gives this device a name: --device does");
}

static enum reel_exit session_of(const char *given, const char *path, char out[REEL_NAME_BYTES])
{
    if (given) {
        if (!reel_name_valid(given, strlen(given)))
            return reel_report_usage("--session: 1 to 64 of A-Z a-z 0-9 . _ -, the first a letter "
                                     "or digit");
        strcpy(out, given);
    } else if (strcmp(path, "-") == 0) {
        reel_name_of_time(reel_wall_us(), out);
    } else {
        reel_name_of_file(path, out);
    }
    return out[0] ? REEL_EXIT_OK
                  : reel_report_usage("%s gives no name for its recording: --session does", path);
}

enum reel_exit reel_names_of_files(const char *given, const char *device,
                                   const struct reel_arguments *paths,
                                   char (*sessions_out)[REEL_NAME_BYTES])
{
    if (given && paths->count > 1)
        return reel_report_usage("--session names one recording, and these are several files");
    for (size_t i = 0; i < paths->count; i++) {
        enum reel_exit status = session_of(given, paths->items[i], sessions_out[i]);

        if (status)
            return status;
        for (size_t j = 0; j < i; j++) {
            if (strcmp(sessions_out[j], sessions_out[i]) == 0)
                return reel_report_usage("%s and %s would both be recording %s/%s", paths->items[j],
                                         paths->items[i], device, sessions_out[i]);
        }
    }
    return REEL_EXIT_OK;
}

enum reel_code reel_name_pair(const struct reel_arguments *arguments,
                              char device_out[REEL_NAME_BYTES], char session_out[REEL_NAME_BYTES],
                              struct reel_error *err_out)
{
    const char *text = arguments->items[0];
    const char *slash = strchr(text, '/');
    const char *session = "";
    size_t device_bytes = slash ? (size_t)(slash - text) : strlen(text);
    size_t session_bytes;

    if (arguments->count == 2)
        session = slash ? "" : arguments->items[1];
    else if (slash)
        session = slash + 1;
    session_bytes = strlen(session);
    if (session_bytes > 4 && strcmp(session + session_bytes - 4, ".wav") == 0)
        session_bytes -= 4;
    if (!reel_name_valid(text, device_bytes) || !reel_name_valid(session, session_bytes))
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, NULL,
                              "\"%s\" names no recording: DEVICE/SESSION does", text);
    memcpy(device_out, text, device_bytes);
    device_out[device_bytes] = '\0';
    memcpy(session_out, session, session_bytes);
    session_out[session_bytes] = '\0';
    return REEL_OK;
}

enum reel_code reel_name_pair_at(const struct reel_arguments *arguments, size_t i,
                                 char device_out[REEL_NAME_BYTES],
                                 char session_out[REEL_NAME_BYTES], struct reel_error *err_out)
{
    const struct reel_arguments one = {arguments->items + i, 1};

    return reel_name_pair(&one, device_out, session_out, err_out);
}

enum reel_code reel_names_check(const struct reel_arguments *arguments, struct reel_error *err_out)
{
    char device[REEL_NAME_BYTES], session[REEL_NAME_BYTES];
    enum reel_code code = REEL_OK;

    for (size_t i = 0; i < arguments->count && code == REEL_OK; i++)
        code = reel_name_pair_at(arguments, i, device, session, err_out);
    return code;
}
