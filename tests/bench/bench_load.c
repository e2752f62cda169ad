/* A load of fragments: what recorders would send, at the least cost.
 *
 *   bench_load -p PORT -r RECORDINGS -n FRAGMENTS [-b BYTES] [-c CONNECTIONS] [-w WINDOW]
 *              [-s FRAGMENTS_A_SECOND] [-f FIRST_SEQ] [-a]
 *
 * FRAGMENTS of BYTES of audio each go to recordings mic0/s1, mic1/s1, ..., which take turns, over a
 * few connections, at QoS 1: as fast as WINDOW in flight on each allow, or at a rate. With -a the
 * last fragment of each recording asks the sink for its acknowledgement, and the load has ended
 * when all of them say that everything is durable. Behind the last fragments come 16 MiB for
 * another recording, as if the load went on: they close the sink's last batch, which would stay
 * open for longer than the load takes. It ends when these are durable, too.
 *
 * Frame f of recording r is word (r * 8191 + f) mod 65521 of one table, so that whoever has the
 * recordings can tell whether they are right. Prints one line of JSON; times are of the monotonic
 * clock. */
#include <sys/resource.h>

#include "bench/line.h"
#include "bench/load_plan.h"
#include "io/loop.h"
#include "reel/ack.h"
#include "reel/fragment.h"
#include "reel/topic.h"

enum {
    TABLE_FRAMES = 65521, /* a prime: no fragment's length divides it */
    RECORDING_STEP = 8191,
    PATIENCE_S = 300,
    CLOSING_FRAGMENTS = (16 << 20) / FRAGMENT_MAX_BYTES, /* ingest.commit_bytes by default */
};

/* What one line sends: recordings `line`, `line + lines`, ... one fragment each, then again. */
struct share {
    struct line line;
    size_t first;
    size_t recordings;
    uint64_t sent;
    uint64_t total;
};

struct load {
    struct plan plan;
    uint16_t *table; /* TABLE_FRAMES, and the longest fragment once more */
    struct share *shares;
    struct line listener; /* where the sink's acknowledgements come */
    size_t durable;       /* recordings of which they said so */
    bool at_rest;         /* so is what closed the last batch: the sink holds nothing back */
    int64_t began_us;
};

static uint16_t *make_table(void)
{
    size_t frames = TABLE_FRAMES + FRAGMENT_MAX_BYTES / 2;
    uint16_t *table = malloc(frames * sizeof *table);

    demand(table != NULL, "memory");
    for (size_t i = 0; i < frames; i++)
        table[i] = (uint16_t)((uint32_t)(i % TABLE_FRAMES) * UINT32_C(2654435761) >> 16);
    return table;
}

static void open_load(struct load *load)
{
    const struct plan *plan = &load->plan;

    load->table = make_table();
    load->shares = calloc(plan->lines, sizeof *load->shares);
    demand(load->shares != NULL, "memory");
    for (size_t i = 0; i < plan->lines; i++) {
        struct share *share = &load->shares[i];

        share->first = i;
        share->recordings = (plan->recordings - i + plan->lines - 1) / plan->lines;
        share->total = share->recordings * plan->fragments_each;
        line_open(&share->line, plan->port, plan->window);
    }
    if (plan->await_sink) {
        line_open(&load->listener, plan->port, UINT16_MAX);
        line_subscribe(&load->listener, REEL_PREFIX_DEFAULT "/reply/+/bench");
    }
}

static void close_load(struct load *load)
{
    for (size_t i = 0; i < load->plan.lines; i++)
        line_close(&load->shares[i].line);
    if (load->plan.await_sink)
        line_close(&load->listener);
    free(load->shares);
    free(load->table);
}

/* Hand the next fragment of the share over. */
static void send_one(const struct load *load, struct share *share)
{
    static uint8_t payload[FRAGMENT_MAX_BYTES + 1024];
    const struct plan *plan = &load->plan;
    uint64_t round = share->sent / share->recordings;
    size_t recording = share->first + share->sent % share->recordings * plan->lines;
    size_t frames = plan->fragment_bytes / 2;
    uint64_t seq = plan->first_seq + round;
    struct reel_recorder_fragment fragment = {
        .rate = 48000,
        .channels = 1,
        .sample_bytes = 2,
        .data = load->table + (recording * RECORDING_STEP + seq * frames) % TABLE_FRAMES,
        .data_bytes = plan->fragment_bytes,
        .has_seq = true,
        .seq = seq,
        .has_frame = true,
        .frame = seq * frames,
    };
    char device[32], topic[128], reply_to[128];
    size_t bytes;

    snprintf(device, sizeof device, "mic%zu", recording);
    demand(reel_recorder_audio_topic(topic, sizeof topic, REEL_PREFIX_DEFAULT, device, "s1"),
           device);
    if (plan->await_sink && round == plan->fragments_each - 1) {
        demand(reel_recorder_reply_topic(reply_to, sizeof reply_to, REEL_PREFIX_DEFAULT, device,
                                         "bench"),
               device);
        fragment.reply_to = reply_to;
    }
    bytes = reel_recorder_encode(payload, sizeof payload, &fragment);
    demand(bytes > 0 && bytes <= sizeof payload, "encode");
    line_publish(&share->line, topic, payload, bytes);
    share->sent++;
}

/* How many of the share's should have left by now. */
static uint64_t due(const struct load *load, const struct share *share, int64_t now_us)
{
    double of_all = (double)share->recordings / (double)load->plan.recordings;
    double fragments = load->plan.rate_hz * of_all * (double)(now_us - load->began_us) / 1e6;

    if (load->plan.rate_hz <= 0 || fragments >= (double)share->total)
        return share->total;
    return (uint64_t)fragments;
}

static void send_what_is_due(const struct load *load, struct share *share, int64_t now_us)
{
    uint64_t until = due(load, share, now_us);

    while (share->sent < until && line_has_room(&share->line))
        send_one(load, share);
    line_flush(&share->line);
}

/* An acknowledgement must cover its recording to the last fragment sent. */
static void take_durable(struct load *load, struct packet packet)
{
    uint64_t last_seq = load->plan.first_seq + load->plan.fragments_each - 1;
    const uint8_t *end = packet.bytes + packet.size;
    const uint8_t *properties = packet.bytes + 2 + get_u16(packet.bytes);
    struct reel_recorder_ack ack = {0};
    size_t properties_bytes;
    const uint8_t *payload = get_length(properties, end, &properties_bytes);

    demand(packet.kind == PACKET_PUBLISH && payload, "what comes is no acknowledgement");
    payload += properties_bytes;
    demand(reel_recorder_ack_decode(payload, (size_t)(end - payload), &ack), "acknowledgement");
    if (strcmp(ack.device, "closing") == 0) {
        load->at_rest = ack.ok;
        return;
    }
    demand(ack.ok && ack.has_seq && ack.seq == last_seq && ack.missing.count == 0 &&
               ack.lost.count == 0,
           "an acknowledgement does not cover what was sent");
    load->durable++;
}

/* More than a batch holds, behind all that was sent. */
static void close_batch(struct load *load)
{
    static uint8_t payload[FRAGMENT_MAX_BYTES + 1024];
    struct reel_recorder_fragment fragment = {
        .rate = 48000,
        .channels = 1,
        .sample_bytes = 2,
        .data = load->table,
        .data_bytes = FRAGMENT_MAX_BYTES,
    };
    struct pollfd fd = {.fd = load->listener.fd, .events = POLLOUT};
    char topic[128];

    snprintf(topic, sizeof topic, REEL_PREFIX_DEFAULT "/audio/closing/s%llu",
             (unsigned long long)load->plan.first_seq);
    for (int i = 0; i < CLOSING_FRAGMENTS; i++) {
        size_t bytes;

        if (i == CLOSING_FRAGMENTS - 1)
            fragment.reply_to = REEL_PREFIX_DEFAULT "/reply/closing/bench";
        bytes = reel_recorder_encode(payload, sizeof payload, &fragment);
        demand(bytes > 0 && bytes <= sizeof payload, "encode");
        line_publish(&load->listener, topic, payload, bytes);
        while (load->listener.out_bytes > 0) {
            demand(poll(&fd, 1, 10000) == 1, "the broker does not read");
            line_flush(&load->listener);
        }
    }
}

static void hear_sink(struct load *load)
{
    struct packet packet;
    size_t at = 0;

    line_read(&load->listener);
    while (line_packet(&load->listener, &at, &packet)) {
        if (packet.kind != PACKET_PUBACK)
            take_durable(load, packet);
    }
    line_forget(&load->listener, at);
}

static uint64_t acknowledged(const struct load *load)
{
    uint64_t count = 0;

    for (size_t i = 0; i < load->plan.lines; i++)
        count += load->shares[i].line.acknowledged;
    return count;
}

static size_t watch(const struct load *load, struct pollfd *fds)
{
    size_t count = load->plan.lines;

    for (size_t i = 0; i < count; i++) {
        const struct line *line = &load->shares[i].line;
        bool more = line->out_bytes > 0;

        fds[i] = (struct pollfd){.fd = line->fd, .events = POLLIN | (more ? POLLOUT : 0)};
    }
    if (load->plan.await_sink)
        fds[count++] = (struct pollfd){.fd = load->listener.fd, .events = POLLIN};
    return count;
}

/* Send what is due, and hear what comes. */
static void turn(struct load *load, bool all_sent, int64_t now_us)
{
    const struct plan *plan = &load->plan;
    struct pollfd fds[LINES_MAX + 1];
    size_t count;

    for (size_t i = 0; i < plan->lines; i++)
        send_what_is_due(load, &load->shares[i], now_us);
    count = watch(load, fds);
    demand(poll(fds, count, plan->rate_hz > 0 && !all_sent ? 1 : 1000) >= 0, "poll");
    for (size_t i = 0; i < plan->lines; i++) {
        if (fds[i].revents & (POLLIN | POLLHUP | POLLERR))
            line_take_acknowledgements(&load->shares[i].line);
    }
    if (plan->await_sink && fds[plan->lines].revents)
        hear_sink(load);
}

/* Until there is nothing left to send or to hear; tells when which ended. */
static void run(struct load *load, int64_t *acknowledged_us_out, int64_t *durable_us_out)
{
    const struct plan *plan = &load->plan;
    uint64_t total = plan->recordings * plan->fragments_each;
    bool all_sent = false;
    int64_t now_us = load->began_us = reel_monotonic_us();

    while (!all_sent || (plan->await_sink && !load->at_rest)) {
        turn(load, all_sent, now_us);
        now_us = reel_monotonic_us();
        if (!all_sent && acknowledged(load) == total) {
            all_sent = true;
            *acknowledged_us_out = now_us;
            if (plan->await_sink)
                close_batch(load);
        }
        if (*durable_us_out == 0 && load->durable == plan->recordings)
            *durable_us_out = now_us;
        demand(now_us - load->began_us < INT64_C(1000000) * PATIENCE_S, "it takes too long");
    }
    demand(!plan->await_sink || load->durable == plan->recordings, "an acknowledgement is missing");
}

static long long used_us(struct timeval time)
{
    return (long long)time.tv_sec * 1000000 + time.tv_usec;
}

int main(int argc, char **argv)
{
    struct load load = {.plan = read_plan(argc, argv)};
    int64_t acknowledged_us = 0, durable_us = 0;
    struct rusage usage;

    open_load(&load);
    run(&load, &acknowledged_us, &durable_us);
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"recordings\": %zu, \"fragments\": %llu, \"fragment_bytes\": %zu, \"window\": %u, "
           "\"durable_recordings\": %zu, \"began_us\": %lld, \"acknowledged_us\": %lld, "
           "\"durable_us\": %lld, \"cpu_us\": %lld}\n",
           load.plan.recordings, (unsigned long long)acknowledged(&load), load.plan.fragment_bytes,
           load.shares[0].line.window, load.durable, (long long)load.began_us,
           (long long)acknowledged_us, (long long)durable_us,
           used_us(usage.ru_utime) + used_us(usage.ru_stime));
    close_load(&load);
    return 0;
}
