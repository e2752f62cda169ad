/* reel publish: audio to the sink, until it has all of it on stable storage. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/names.h"
#include "cli/delivery.h"
#include "cli/publish_spool.h"
#include "cli/publisher.h"
#include "cli/report.h"
#include "cli/tags.h"
#include "io/loop.h"
#include "wire/topic.h"

enum { SPOOL_MAX_BYTES = 1 << 30, SPOOL_LEAST_BYTES = 1 << 20 };

struct values {
    const char *device;
    const char *session;
    struct reel_uint_option rate;
    struct reel_uint_option channels;
    struct reel_uint_option sample_bytes;
    const char *encoding;
    struct reel_uint_option fragment_ms;
    struct reel_texts_option tags;
    bool realtime;
    const char *spool;
    struct reel_uint_option spool_max_bytes;
};

#define FIELD(member) offsetof(struct values, member)

static const struct reel_option options[] = {
    {0, "device", "NAME", REEL_OPTION_TEXT, FIELD(device), "(the user's name, else this host's)",
     "REEL_DEVICE"},
    {0, "session", "NAME", REEL_OPTION_TEXT, FIELD(session), "(the file's name; of stdin the time)",
     NULL},
    {0, "tag", "NAME=VALUE", REEL_OPTION_TEXTS, FIELD(tags), "goes with the recording; repeatable",
     NULL},
    {0, "realtime", NULL, REEL_OPTION_FLAG, FIELD(realtime), "as fast as it plays, not faster",
     NULL},
    {0, "fragment-ms", "N", REEL_OPTION_UINT, FIELD(fragment_ms),
     "audio in one message (100 live, 250 from files)", NULL},
    {0, "rate", "HZ", REEL_OPTION_UINT, FIELD(rate), "raw stdin: frames a second (8000)", NULL},
    {0, "channels", "N", REEL_OPTION_UINT, FIELD(channels), "raw stdin: channels (1)", NULL},
    {0, "sample-size", "BYTES", REEL_OPTION_UINT, FIELD(sample_bytes),
     "raw stdin: bytes a sample (1; float 4)", NULL},
    {0, "encoding", "NAME", REEL_OPTION_TEXT, FIELD(encoding),
     "raw stdin: pcm, float, alaw, ulaw (pcm)", NULL},
    {0, "spool", "DIR", REEL_OPTION_TEXT, FIELD(spool),
     "keep what is not acknowledged in this folder", "REEL_SPOOL"},
    {0, "spool-max-bytes", "N", REEL_OPTION_UINT, FIELD(spool_max_bytes),
     "what the folder may hold (1073741824)", NULL},
    {0},
};

static const char help[] =
    "FILE is any audio file that libsndfile reads; each becomes a recording of its own, and one\n"
    "that exists is continued. `-` is standard input: WAV of any declared length, or raw samples\n"
    "as WAV stores them (little-endian, 1-byte PCM unsigned):\n"
    "\n"
    "  arecord -f S16_LE -r 16000 | reel publish -\n"
    "  arecord -t raw | reel publish -\n"
    "\n"
    "It ends with 0 only when the sink has acknowledged everything as durable. What gets lost on\n"
    "the way is sent again; Ctrl-C ends live audio in good order.\n"
    "\n"
    "With --spool it records into DIR, whether or not there is a network, and sends from there\n"
    "what the sink has not acknowledged, what earlier runs left first. Audio is on the disk\n"
    "within a second. Killed in the middle of a FILE, the same command goes on where it was; a\n"
    "FILE that was published is not published again, and one that has changed in between is\n"
    "refused. Without FILE it sends what is there and ends. --timeout counts once nothing is\n"
    "recorded any more. A full DIR keeps what it has: a FILE waits for room, new live audio is\n"
    "left out, which shows as a gap. Where damage took audio from DIR it ends with 1.\n";

/* The protocol's field as the option of its name: "metadata.audio.sample_size", --sample-size. */
static enum reel_exit format_refused(const struct reel_error *error)
{
    const char *dot = strrchr(error->field, '.');
    char option[sizeof error->field];

    snprintf(option, sizeof option, "%s", dot ? dot + 1 : error->field);
    for (char *c = option; *c; c++) {
        if (*c == '_')
            *c = '-';
    }
    return reel_report_usage("--%s %s", option, error->message);
}

static bool takes_stdin(const struct reel_arguments *arguments)
{
    for (size_t i = 0; i < arguments->count; i++) {
        if (strcmp(arguments->items[i], "-") == 0)
            return true;
    }
    return false;
}

static enum reel_exit raw_take(const struct values *values, const struct reel_arguments *arguments,
                               struct reel_source_raw *raw)
{
    enum reel_encoding encoding =
        values->encoding ? reel_encoding_from_name(values->encoding) : REEL_PCM;
    struct reel_error error;
    uint64_t rate = values->rate.given ? values->rate.value : 8000;
    uint64_t channels = values->channels.given ? values->channels.value : 1;
    uint64_t sample_bytes = encoding == REEL_FLOAT ? 4 : 1;

    if (values->sample_bytes.given)
        sample_bytes = values->sample_bytes.value;
    if (encoding == REEL_ENCODING_COUNT)
        return reel_report_usage("--encoding: pcm, float, alaw or ulaw");
    raw->given = values->rate.given || values->channels.given || values->sample_bytes.given ||
                 values->encoding;
    raw->format = (struct reel_format){
        .rate = rate > UINT32_MAX ? UINT32_MAX : (uint32_t)rate,
        .channels = channels > UINT16_MAX ? UINT16_MAX : (uint16_t)channels,
        .sample_bytes = sample_bytes > UINT8_MAX ? UINT8_MAX : (uint8_t)sample_bytes,
        .encoding = encoding,
    };
    if (reel_format_check(&raw->format, &error))
        return format_refused(&error);
    if (raw->given && !takes_stdin(arguments))
        return reel_report_usage("--rate, --channels, --sample-size and --encoding are of raw "
                                 "standard input: put `-` for FILE, and `< FILE` behind it");
    return REEL_EXIT_OK;
}

static enum reel_exit sendings_prepare(const struct reel_common *common,
                                       const struct values *values, const char *device,
                                       const struct reel_arguments *arguments,
                                       const struct reel_tags *tags, struct reel_sending *sendings)
{
    char(*sessions)[REEL_NAME_BYTES] = calloc(arguments->count + 1, sizeof *sessions);
    enum reel_exit status = sessions
                                ? reel_names_of_files(values->session, device, arguments, sessions)
                                : REEL_EXIT_FAILED;

    for (size_t i = 0; !status && i < arguments->count; i++) {
        struct reel_sending *sending = &sendings[i];

        strcpy(sending->session, sessions[i]);
        sending->cutter.path = arguments->items[i];
        sending->cutter.speed = values->realtime ? 1 : 0;
        sending->cutter.tags = tags->items;
        sending->cutter.tags_count = tags->count;
        if (!reel_topic_build(sending->topic, sizeof sending->topic, common->prefix, "audio",
                              device, sending->session))
            status = reel_report_usage("--prefix is too long");
    }
    free(sessions);
    return status;
}

static enum reel_exit run_spool(const struct reel_common *common, const struct values *values,
                                const char *device, const struct reel_publisher_config *config,
                                const struct reel_sending *sendings, size_t count)
{
    const struct reel_publish_spool_config spool = {
        .common = common,
        .folder = values->spool,
        .max_bytes =
            values->spool_max_bytes.given ? values->spool_max_bytes.value : SPOOL_MAX_BYTES,
        .device = device,
        .device_given = values->device || common->username,
        .raw = config->raw,
        .fragment_ms = config->fragment_ms,
    };
    struct reel_recording *recordings = calloc(count + 1, sizeof *recordings);
    enum reel_exit status;

    if (!recordings)
        return REEL_EXIT_FAILED;
    for (size_t i = 0; i < count; i++) {
        strcpy(recordings[i].session, sendings[i].session);
        recordings[i].cutter = sendings[i].cutter;
    }
    status = reel_publish_spool(&spool, recordings, count);
    free(recordings);
    return status;
}

static enum reel_exit run(const struct reel_common *common, const void *given,
                          const struct reel_arguments *arguments)
{
    const struct values *values = given;
    struct reel_source_raw raw = {0};
    struct reel_tags tags = {0};
    char device[REEL_NAME_BYTES];
    struct reel_publisher_config config = {.common = common, .device = device, .raw = &raw};
    struct reel_sending *sendings;
    enum reel_exit status = raw_take(values, arguments, &raw);

    if (!status)
        status = reel_names_device(common, values->device, device);
    if (!status)
        status = reel_tags_take(values->tags.items, values->tags.count, &tags);
    if (status)
        return status;
    if (values->fragment_ms.given &&
        (values->fragment_ms.value == 0 || values->fragment_ms.value > 60000))
        return reel_report_usage("--fragment-ms: 1 to 60000");
    if (arguments->count == 0 && !values->spool)
        return reel_report_usage("a FILE is missing, or `-`, or --spool to send what is there");
    if (values->spool_max_bytes.given && values->spool_max_bytes.value < SPOOL_LEAST_BYTES)
        return reel_report_usage("--spool-max-bytes: at least %d", SPOOL_LEAST_BYTES);
    config.fragment_ms = (unsigned)values->fragment_ms.value;
    sendings = calloc(arguments->count + 1, sizeof *sendings);
    if (!sendings)
        return REEL_EXIT_FAILED;
    status = sendings_prepare(common, values, device, arguments, &tags, sendings);
    if (!status && values->spool)
        status = run_spool(common, values, device, &config, sendings, arguments->count);
    else if (!status)
        status = reel_deliver(&config, sendings, arguments->count,
                              "what is published again goes behind it");
    free(sendings);
    reel_tags_finish(&tags);
    return status;
}

const struct reel_command reel_cmd_publish = {
    .name = "publish",
    .arguments = "[FILE...|-]",
    .summary = "send audio files, or standard input, to the sink",
    .help = help,
    .options = options,
    .values_bytes = sizeof(struct values),
    .arguments_min = 0,
    .arguments_max = 100000,
    .timeout_s = 60,
    .run = run,
};
