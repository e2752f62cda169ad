/* Bus: connecting, on a thread that may be left behind. */
#include "io/bus_connect.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/wake.h"

/* The peer's host is asked whether it is there after a silence of this length, and taken for gone
 * when it has not said so, or has not acknowledged what was sent, for a minute. */
enum { PROBE_IDLE_S = 20, PROBE_INTERVAL_S = 10, PROBES = 4, GONE_MS = 60000 };

enum { RUNNING, OVER, ABANDONED };

struct reel_bus_attempt {
    struct reel_bus_target target;
    pthread_t thread;
    int over_fd;
    atomic_int state;
    int rc;           /* of the library */
    int error_number; /* of the system, or of the look-up */
};

struct reel_bus_gate {
    pthread_mutex_t mutex;
    atomic_uint users;
};

struct reel_bus_gate *reel_bus_gate_create(void)
{
    struct reel_bus_gate *gate = calloc(1, sizeof *gate);

    if (!gate)
        return NULL;
    pthread_mutex_init(&gate->mutex, NULL); /* a plain one cannot fail here */
    atomic_init(&gate->users, 1);
    return gate;
}

void reel_bus_gate_release(struct reel_bus_gate **gate)
{
    if (*gate && atomic_fetch_sub(&(*gate)->users, 1) == 1) {
        pthread_mutex_destroy(&(*gate)->mutex);
        free(*gate);
    }
    *gate = NULL;
}

/* Let the kernel notice a host that has vanished without a word: who only listens would not. What
 * cannot be set is noticed later, by the keep-alive. */
static void watch_peer(int fd)
{
    const int on = 1, idle_s = PROBE_IDLE_S, interval_s = PROBE_INTERVAL_S, probes = PROBES;
    const unsigned gone_ms = GONE_MS;

    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &gone_ms, sizeof gone_ms);
}

/* On the attempt's own thread, where the bus may be gone. */
static void on_log(struct mosquitto *m, void *user, int level, const char *line)
{
    struct reel_bus_attempt *attempt = user;

    if (level == MOSQ_LOG_ERR)
        reel_bus_tls_hear(&attempt->target.tls, m, line);
}

static void attempt_connect(struct reel_bus_attempt *attempt)
{
    const struct reel_bus_target *target = &attempt->target;

    if (target->gate)
        pthread_mutex_lock(&target->gate->mutex);
    attempt->rc = MOSQ_ERR_NO_CONN;
    if (atomic_load(&attempt->state) != ABANDONED) {
        mosquitto_user_data_set(target->mosquitto, attempt);
        mosquitto_log_callback_set(target->mosquitto, on_log);
        attempt->rc = mosquitto_connect_bind_v5(target->mosquitto, target->host, target->port,
                                                target->keepalive_s, NULL, target->properties);
        attempt->error_number = errno;
    }
    if (target->gate)
        pthread_mutex_unlock(&target->gate->mutex);
    if (attempt->rc == MOSQ_ERR_SUCCESS)
        watch_peer(mosquitto_socket(target->mosquitto));
}

/* All but the connection object. */
static void attempt_free(struct reel_bus_attempt *attempt)
{
    free(attempt->target.host);
    mosquitto_property_free_all(&attempt->target.properties);
    reel_bus_gate_release(&attempt->target.gate);
    if (attempt->over_fd >= 0)
        close(attempt->over_fd);
    free(attempt);
}

static void *run(void *user)
{
    struct reel_bus_attempt *attempt = user;

    attempt_connect(attempt);
    reel_wake_raise(attempt->over_fd);
    /* From here on its owner may free it, unless it has been abandoned. */
    if (atomic_exchange(&attempt->state, OVER) != ABANDONED)
        return NULL;
    mosquitto_destroy(attempt->target.mosquitto);
    attempt_free(attempt);
    return NULL;
}

/* A signal is for threads that know what to do with it. */
static int start_thread(struct reel_bus_attempt *attempt)
{
    sigset_t all, before;
    int status;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    status = pthread_create(&attempt->thread, NULL, run, attempt);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

enum reel_code reel_bus_attempt_start(const struct reel_bus_target *target,
                                      struct reel_bus_attempt **attempt_out,
                                      struct reel_error *err_out)
{
    struct reel_bus_attempt *attempt = calloc(1, sizeof *attempt);
    int status;

    if (!attempt)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    attempt->target = *target;
    atomic_init(&attempt->state, RUNNING);
    attempt->over_fd = reel_wake_open();
    status = attempt->over_fd < 0 ? errno : 0;
    if (target->gate)
        atomic_fetch_add(&target->gate->users, 1);
    if (!status)
        status = start_thread(attempt);
    if (status) {
        attempt->target.host = NULL;
        attempt->target.properties = NULL;
        attempt_free(attempt);
        return reel_error_errno(err_out, status, "a thread to connect on");
    }
    *attempt_out = attempt;
    return REEL_OK;
}

int reel_bus_attempt_fd(const struct reel_bus_attempt *attempt)
{
    return attempt->over_fd;
}

static const char *reason_of(const struct reel_bus_attempt *attempt)
{
    if (attempt->rc == MOSQ_ERR_SUCCESS)
        return "";
    if (attempt->rc == MOSQ_ERR_ERRNO)
        return strerror(attempt->error_number);
    if (attempt->rc == MOSQ_ERR_EAI)
        return gai_strerror(attempt->error_number);
    return reel_bus_tls_reason(&attempt->target.tls, mosquitto_strerror(attempt->rc));
}

bool reel_bus_attempt_reap(struct reel_bus_attempt **attempt, struct mosquitto **mosquitto_out,
                           char *reason_out, size_t reason_bytes)
{
    struct reel_bus_attempt *over = *attempt;

    if (atomic_load(&over->state) != OVER)
        return false;
    pthread_join(over->thread, NULL);
    *mosquitto_out = over->target.mosquitto;
    snprintf(reason_out, reason_bytes, "%s", reason_of(over));
    attempt_free(over);
    *attempt = NULL;
    return true;
}

void reel_bus_attempt_abandon(struct reel_bus_attempt **attempt)
{
    struct reel_bus_attempt *gone = *attempt;
    pthread_t thread;

    *attempt = NULL;
    if (!gone)
        return;
    thread = gone->thread; /* from the exchange on it may be freed over there */
    if (atomic_exchange(&gone->state, ABANDONED) != OVER) {
        pthread_detach(thread);
        return;
    }
    pthread_join(thread, NULL);
    mosquitto_destroy(gone->target.mosquitto);
    attempt_free(gone);
}
