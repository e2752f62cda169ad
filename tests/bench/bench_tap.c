/* A tap between the broker and the sink: how long each fragment takes to become durable.
 *
 *   bench_tap BROKER_PORT
 *
 * Prints the port that it listens on, as a line of JSON, and passes on whatever the sink's
 * connections and the broker say to each other. A fragment that the broker delivers at QoS 1 is
 * timed from its arrival here to that of its acknowledgement, which the sink holds back until the
 * message is durable: so what is measured holds the way to the sink, too, and how long the message
 * waited in its socket. At the end of the standard input it prints the times, in microseconds and
 * in the order of the acknowledgements, as a line of JSON. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/demand.h"
#include "io/loop.h"

enum { PAIRS_MAX = 8, PIECE_BYTES = 1 << 16, HEAD_BYTES = 512 };
enum { PACKET_PUBLISH = 3, PACKET_PUBACK = 4 };

/* One direction of a connection, seen packet by packet: the head as far as it is needed, and how
 * much of the packet is still to pass. */
struct stream {
    uint8_t head[HEAD_BYTES];
    size_t head_bytes;
    size_t left_bytes;
};

/* A connection of the sink's, and ours to the broker for it. */
struct pair {
    int sink_fd;
    int broker_fd;
    struct stream to_sink;
    struct stream to_broker;
    int64_t delivered_us[UINT16_MAX + 1]; /* by packet id; 0: none is under way */
};

struct tap {
    int port; /* of the broker */
    int listen_fd;
    struct pair *pairs[PAIRS_MAX];
    size_t count;
    uint32_t *took_us;
    size_t took_count;
    size_t took_capacity;
};

static void note(struct tap *tap, int64_t took_us)
{
    if (tap->took_count == tap->took_capacity) {
        tap->took_capacity = tap->took_capacity > 0 ? 2 * tap->took_capacity : 4096;
        tap->took_us = reallocarray(tap->took_us, tap->took_capacity, sizeof *tap->took_us);
        demand(tap->took_us != NULL, "memory");
    }
    tap->took_us[tap->took_count++] = (uint32_t)took_us;
}

static size_t get_u16(const uint8_t *at)
{
    return (size_t)at[0] << 8 | at[1];
}

/* Where the packet's length ends, and what it is; 0: not all of it is in the head yet. */
static size_t length_end(const struct stream *stream, size_t *length_out)
{
    *length_out = 0;
    for (size_t at = 1; at < stream->head_bytes; at++) {
        *length_out |= (size_t)(stream->head[at] & 127) << 7 * (at - 1);
        if (stream->head[at] < 128)
            return at + 1;
    }
    return 0;
}

/* How many bytes of the packet must be seen to know its id, of those kinds that matter; the id if
 * they have been. */
static size_t wanted(const struct stream *stream, size_t body, bool *has_id_out, size_t *id_out)
{
    unsigned kind = stream->head[0] >> 4;
    size_t at = body; /* of the id */

    *has_id_out = false;
    if (kind != PACKET_PUBACK && (kind != PACKET_PUBLISH || (stream->head[0] & 6) != 2))
        return body;
    if (kind == PACKET_PUBLISH) {
        if (stream->head_bytes < body + 2)
            return body + 2;
        at += 2 + get_u16(stream->head + body);
    }
    *has_id_out = stream->head_bytes == at + 2;
    if (*has_id_out)
        *id_out = get_u16(stream->head + at);
    return at + 2;
}

/* Not what else the sink listens to. */
static bool is_audio(const struct stream *stream)
{
    return memmem(stream->head, stream->head_bytes, "/audio/mic", 10) != NULL;
}

static void on_id(struct tap *tap, struct pair *pair, const struct stream *stream, size_t id,
                  int64_t now_us)
{
    unsigned kind = stream->head[0] >> 4;

    if (stream == &pair->to_sink && kind == PACKET_PUBLISH && is_audio(stream)) {
        pair->delivered_us[id] = now_us;
    } else if (stream == &pair->to_broker && kind == PACKET_PUBACK && pair->delivered_us[id] > 0) {
        note(tap, now_us - pair->delivered_us[id]);
        pair->delivered_us[id] = 0;
    }
}

/* One byte of a packet's head; true when enough was seen of it. */
static bool take_head(struct tap *tap, struct pair *pair, struct stream *stream, uint8_t byte,
                      int64_t now_us)
{
    size_t length, body, need, id;
    bool has_id;

    demand(stream->head_bytes < HEAD_BYTES, "a topic is too long");
    stream->head[stream->head_bytes++] = byte;
    body = length_end(stream, &length);
    if (body == 0)
        return false;
    need = wanted(stream, body, &has_id, &id);
    if (stream->head_bytes < need)
        return false;
    if (has_id)
        on_id(tap, pair, stream, id, now_us);
    stream->left_bytes = body + length - stream->head_bytes;
    stream->head_bytes = 0;
    return true;
}

static void see(struct tap *tap, struct pair *pair, struct stream *stream, const uint8_t *bytes,
                size_t count, int64_t now_us)
{
    for (size_t at = 0; at < count;) {
        size_t step = stream->left_bytes < count - at ? stream->left_bytes : count - at;

        stream->left_bytes -= step;
        at += step;
        while (at < count && stream->left_bytes == 0)
            if (take_head(tap, pair, stream, bytes[at++], now_us))
                break;
    }
}

static void send_all(int fd, const uint8_t *bytes, size_t count)
{
    while (count > 0) {
        ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);

        if (sent < 0)
            return; /* it has gone; so will the other side */
        bytes += sent;
        count -= (size_t)sent;
    }
}

/* Pass on what one side has said; false when it has gone. */
static bool pass(struct tap *tap, struct pair *pair, int from_fd)
{
    static uint8_t piece[PIECE_BYTES];
    bool from_sink = from_fd == pair->sink_fd;
    ssize_t got = recv(from_fd, piece, sizeof piece, 0);

    if (got <= 0)
        return false;
    see(tap, pair, from_sink ? &pair->to_broker : &pair->to_sink, piece, (size_t)got,
        reel_monotonic_us());
    send_all(from_sink ? pair->broker_fd : pair->sink_fd, piece, (size_t)got);
    return true;
}

static void no_delay(int fd)
{
    int on = 1;

    demand(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "TCP_NODELAY");
}

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void open_tap(struct tap *tap)
{
    struct sockaddr_in address = loopback(0);
    socklen_t bytes = sizeof address;

    tap->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    demand(tap->listen_fd >= 0 && bind(tap->listen_fd, (struct sockaddr *)&address, bytes) == 0 &&
               listen(tap->listen_fd, PAIRS_MAX) == 0 &&
               getsockname(tap->listen_fd, (struct sockaddr *)&address, &bytes) == 0,
           "listen");
    printf("{\"port\": %d}\n", ntohs(address.sin_port));
    fflush(stdout);
}

static void take_connection(struct tap *tap)
{
    struct sockaddr_in address = loopback(tap->port);
    struct pair *pair = calloc(1, sizeof *pair);

    demand(pair != NULL && tap->count < PAIRS_MAX, "connections");
    pair->sink_fd = accept4(tap->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    pair->broker_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    demand(pair->sink_fd >= 0 && pair->broker_fd >= 0 &&
               connect(pair->broker_fd, (struct sockaddr *)&address, sizeof address) == 0,
           "connect");
    no_delay(pair->sink_fd);
    no_delay(pair->broker_fd);
    tap->pairs[tap->count++] = pair;
}

static void drop(struct tap *tap, size_t which)
{
    struct pair *pair = tap->pairs[which];

    close(pair->sink_fd);
    close(pair->broker_fd);
    free(pair);
    tap->pairs[which] = tap->pairs[--tap->count];
}

static size_t watch(const struct tap *tap, struct pollfd *fds)
{
    size_t count = 2;

    fds[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = tap->listen_fd, .events = POLLIN};
    for (size_t i = 0; i < tap->count; i++) {
        fds[count++] = (struct pollfd){.fd = tap->pairs[i]->sink_fd, .events = POLLIN};
        fds[count++] = (struct pollfd){.fd = tap->pairs[i]->broker_fd, .events = POLLIN};
    }
    return count;
}

/* One turn; false at the end of the standard input. */
static bool turn(struct tap *tap)
{
    struct pollfd fds[2 + 2 * PAIRS_MAX];
    size_t count = watch(tap, fds);

    demand(poll(fds, count, -1) > 0, "poll");
    if (fds[0].revents)
        return false;
    for (size_t i = count; i > 2; i -= 2) { /* from the end: dropping one moves the last */
        struct pair *pair = tap->pairs[(i - 4) / 2];
        bool lasts = !fds[i - 2].revents || pass(tap, pair, pair->sink_fd);

        if (lasts && fds[i - 1].revents)
            lasts = pass(tap, pair, pair->broker_fd);
        if (!lasts)
            drop(tap, (i - 4) / 2);
    }
    if (fds[1].revents)
        take_connection(tap);
    return true;
}

int main(int argc, char **argv)
{
    struct tap tap = {.port = argc == 2 ? atoi(argv[1]) : 0};

    demand(tap.port > 0, "bench_tap BROKER_PORT");
    open_tap(&tap);
    while (turn(&tap))
        continue;
    printf("{\"took_us\": [");
    for (size_t i = 0; i < tap.took_count; i++)
        printf(i > 0 ? ", %u" : "%u", tap.took_us[i]);
    printf("]}\n");
    while (tap.count > 0)
        drop(&tap, tap.count - 1);
    free(tap.took_us);
    return 0;
}
