/* Line: one connection of a load to the broker, MQTT 5 at QoS 1, by hand. A client library makes
 * several system calls a message; a load that shares its cores with what it measures must not, so
 * here what is ready leaves in one write, and what has come is taken in one read. */
#ifndef REEL_TESTS_BENCH_LINE_H
#define REEL_TESTS_BENCH_LINE_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/demand.h"

enum { LINE_IN_BYTES = 1 << 16, LINE_HEAD_BYTES = 512, LINE_PACKET_MAX_BYTES = 1 << 18 };
enum { PACKET_CONNACK = 2, PACKET_PUBLISH = 3, PACKET_PUBACK = 4, PACKET_SUBACK = 9 };

struct line {
    int fd;
    uint8_t *out; /* what is to leave; room for a window of fragments */
    size_t out_capacity;
    size_t out_bytes;
    size_t out_sent;
    uint8_t in[LINE_IN_BYTES];
    size_t in_bytes;
    uint16_t packet_id;
    unsigned in_flight;
    unsigned window; /* how many the broker lets us have in flight */
    uint64_t acknowledged;
};

/* One packet that has come. Borrowed until more is read. */
struct packet {
    unsigned kind;
    const uint8_t *bytes; /* behind its length */
    size_t size;
};

static inline uint8_t *put_u16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
    return at + 2;
}

static inline uint8_t *put_text(uint8_t *at, const char *text)
{
    size_t bytes = strlen(text);

    at = put_u16(at, bytes);
    memcpy(at, text, bytes);
    return at + bytes;
}

static inline uint8_t *put_length(uint8_t *at, size_t value)
{
    do {
        *at++ = (uint8_t)(value % 128 | (value > 127 ? 128 : 0));
        value /= 128;
    } while (value > 0);
    return at;
}

static inline size_t get_u16(const uint8_t *at)
{
    return (size_t)at[0] << 8 | at[1];
}

/* The length at `at`, before `end`; where it ends, or NULL if not all of it is there. */
static inline const uint8_t *get_length(const uint8_t *at, const uint8_t *end, size_t *out)
{
    *out = 0;
    for (unsigned shift = 0; at < end && shift < 28; shift += 7) {
        *out |= (size_t)(*at & 127) << shift;
        if (*at++ < 128)
            return at;
    }
    return NULL;
}

/* Write what there is to write, as far as the socket takes it. */
static inline void line_flush(struct line *line)
{
    ssize_t sent;

    if (line->out_sent == line->out_bytes)
        return;
    sent = send(line->fd, line->out + line->out_sent, line->out_bytes - line->out_sent,
                MSG_NOSIGNAL | MSG_DONTWAIT);
    demand(sent >= 0 || errno == EAGAIN, "send");
    line->out_sent += sent > 0 ? (size_t)sent : 0;
    if (line->out_sent == line->out_bytes)
        line->out_sent = line->out_bytes = 0;
}

/* Read what the socket holds, as far as there is room. */
static inline void line_read(struct line *line)
{
    ssize_t got =
        recv(line->fd, line->in + line->in_bytes, sizeof line->in - line->in_bytes, MSG_DONTWAIT);

    demand(got > 0 || (got < 0 && errno == EAGAIN), "the broker closed a connection");
    line->in_bytes += got > 0 ? (size_t)got : 0;
}

/* The packet at `*at` of what was read, which then stands behind it; false if none is whole. */
static inline bool line_packet(const struct line *line, size_t *at, struct packet *out)
{
    const uint8_t *end = line->in + line->in_bytes;
    const uint8_t *first = line->in + *at;
    const uint8_t *body;

    if (first == end)
        return false;
    body = get_length(first + 1, end, &out->size);
    if (!body || (size_t)(end - body) < out->size)
        return false;
    out->kind = *first >> 4;
    out->bytes = body;
    *at = (size_t)(body + out->size - line->in);
    return true;
}

/* Forget what was read up to there. */
static inline void line_forget(struct line *line, size_t at)
{
    line->in_bytes -= at;
    memmove(line->in, line->in + at, line->in_bytes);
}

/* Wait for a packet of that kind, the only one under way; it is borrowed until the next read. */
static inline struct packet line_await(struct line *line, unsigned kind)
{
    struct packet packet;
    size_t at = 0;

    while (!line_packet(line, &at, &packet)) {
        struct pollfd fd = {.fd = line->fd, .events = POLLIN};

        demand(poll(&fd, 1, 10000) == 1, "the broker does not answer");
        line_read(line);
    }
    demand(packet.kind == kind, "the broker answers otherwise");
    line_forget(line, at);
    return packet;
}

/* What CONNACK says of how many may be in flight (65535 where it says nothing). */
static inline unsigned receive_maximum(struct packet connack)
{
    const uint8_t *end = connack.bytes + connack.size;
    size_t properties_bytes;
    const uint8_t *at = get_length(connack.bytes + 2, end, &properties_bytes);

    demand(at && connack.bytes[1] == 0, "the broker refuses");
    while (at < end) {
        switch (*at++) {
        case 0x21: /* Receive Maximum */
            return (unsigned)get_u16(at);
        case 0x22: /* Topic Alias Maximum */
            at += 2;
            break;
        case 0x24: /* Maximum QoS, and what else is one byte */
        case 0x25:
        case 0x28:
        case 0x29:
        case 0x2a:
            at += 1;
            break;
        case 0x12: /* Assigned Client Identifier */
            at += 2 + get_u16(at);
            break;
        default:
            return UINT16_MAX;
        }
    }
    return UINT16_MAX;
}

static inline int connected_socket(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;

    demand(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connect");
    demand(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "TCP_NODELAY");
    return fd;
}

/* A connection to the broker on that port of this machine, with at most `window` in flight. */
static inline void line_open(struct line *line, int port, unsigned window)
{
    static const uint8_t connect_v5[] = {0x10, 13, 0, 4, 'M', 'Q', 'T', 'T', 5, 2, 0, 0, 0, 0, 0};
    unsigned allowed;

    memset(line, 0, sizeof *line);
    line->fd = connected_socket(port);
    line->out_capacity = LINE_PACKET_MAX_BYTES;
    line->out = malloc(line->out_capacity);
    demand(line->out != NULL, "memory");
    memcpy(line->out, connect_v5, sizeof connect_v5);
    line->out_bytes = sizeof connect_v5;
    line_flush(line);
    allowed = receive_maximum(line_await(line, PACKET_CONNACK));
    line->window = window < allowed ? window : allowed;
}

static inline void line_close(struct line *line)
{
    static const uint8_t disconnect[] = {0xe0, 0};

    demand(send(line->fd, disconnect, sizeof disconnect, MSG_NOSIGNAL) == sizeof disconnect,
           "send");
    close(line->fd);
    free(line->out);
}

static inline void line_subscribe(struct line *line, const char *filter)
{
    uint8_t *at = line->out;
    struct packet suback;

    *at++ = 0x82;
    at = put_length(at, 2 + 1 + 2 + strlen(filter) + 1);
    at = put_u16(at, 1); /* packet id */
    *at++ = 0;           /* no properties */
    at = put_text(at, filter);
    *at++ = 0; /* QoS 0 */
    line->out_bytes = (size_t)(at - line->out);
    line_flush(line);
    suback = line_await(line, PACKET_SUBACK);
    demand(suback.bytes[suback.size - 1] < 128, "the broker refuses a subscription");
}

/* Whether one more may be handed over now. */
static inline bool line_has_room(const struct line *line)
{
    return line->in_flight < line->window &&
           line->out_capacity - line->out_bytes >= LINE_PACKET_MAX_BYTES / 2;
}

/* Hand one message over; it leaves with the next flush. */
static inline void line_publish(struct line *line, const char *topic, const void *payload,
                                size_t bytes)
{
    size_t topic_bytes = strlen(topic);
    uint8_t *at = line->out + line->out_bytes;

    demand(bytes + topic_bytes + LINE_HEAD_BYTES <= line->out_capacity - line->out_bytes, "room");
    *at++ = 0x32; /* PUBLISH, QoS 1 */
    at = put_length(at, 2 + topic_bytes + 2 + 1 + bytes);
    at = put_text(at, topic);
    line->packet_id = (uint16_t)(line->packet_id == UINT16_MAX ? 1 : line->packet_id + 1);
    at = put_u16(at, line->packet_id);
    *at++ = 0; /* no properties */
    memcpy(at, payload, bytes);
    line->out_bytes = (size_t)(at + bytes - line->out);
    line->in_flight++;
}

/* Count the acknowledgements that have come. */
static inline void line_take_acknowledgements(struct line *line)
{
    struct packet packet;
    size_t at = 0;

    line_read(line);
    while (line_packet(line, &at, &packet)) {
        demand(packet.kind == PACKET_PUBACK && (packet.size == 2 || packet.bytes[2] == 0),
               "a fragment found no subscriber");
        line->in_flight--;
        line->acknowledged++;
    }
    line_forget(line, at);
}

#endif
