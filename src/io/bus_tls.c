/* Bus: TLS, its files and keys, and OpenSSL's words turned into what to do. */
#include "io/bus_tls.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <mosquitto.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "io/bus.h"

enum { KEY_BYTES = 258 }; /* two digits for each of 128 bytes, one too many, and its end */
enum { SETTLE_MS = 100 };
#define KEY_REFUSED                                                                                \
    "the broker does not take our pre-shared key: identity and key must stand in its psk_file, "   \
    "and its listener have a psk_hint"

/* A file that is there and is one; what is in it the library finds out later. */
static enum reel_code check_file(const char *setting, const char *path, struct reel_error *err_out)
{
    struct stat status;
    char field[REEL_ERROR_FIELD_BYTES];
    int fd;
    int error;

    if (!path)
        return REEL_OK;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    error = fd < 0 || fstat(fd, &status) != 0 ? errno : S_ISDIR(status.st_mode) ? EISDIR : 0;
    if (fd >= 0)
        close(fd);
    if (!error)
        return REEL_OK;
    snprintf(field, sizeof field, "broker.%s", setting);
    return reel_error_set(err_out, REEL_E_BAD_REQUEST, field, "TLS: %s %.150s: %s", setting, path,
                          strerror(error));
}

/* Instead of OpenSSL's, which would ask whoever sits at the terminal. */
static int no_passphrase(char *out, int capacity, int writing, void *user)
{
    (void)out;
    (void)capacity;
    (void)writing;
    (void)user;
    return 0;
}

static enum reel_code set_up_certificates(struct mosquitto *m, const struct reel_bus_config *config,
                                          struct reel_error *err_out)
{
    enum reel_code code = check_file("cafile", config->cafile, err_out);
    int rc;

    if (!code)
        code = check_file("cert", config->cert, err_out);
    if (!code)
        code = check_file("key", config->key, err_out);
    if (code)
        return code;
    rc = mosquitto_tls_set(m, config->cafile, NULL, config->cert, config->key, no_passphrase);
    if (rc != MOSQ_ERR_SUCCESS)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "broker.cafile",
                              "cafile, cert and key cannot be used: %s", mosquitto_strerror(rc));
    return REEL_OK;
}

/* The first line of the file that holds the key. */
static enum reel_code read_key(const char *path, char out[KEY_BYTES], struct reel_error *err_out)
{
    enum reel_code code = check_file("psk_file", path, err_out);
    FILE *file;

    if (code)
        return code;
    file = fopen(path, "re");
    out[0] = '\0';
    if (!file || (!fgets(out, KEY_BYTES, file) && ferror(file)))
        code = reel_error_errno(err_out, errno, "TLS: psk_file %.150s", path);
    out[strcspn(out, "\r\n")] = '\0';
    if (file && fclose(file) != 0 && !code)
        code = reel_error_errno(err_out, errno, "TLS: psk_file %.150s", path);
    return code;
}

static enum reel_code set_up_key(struct mosquitto *m, const struct reel_bus_config *config,
                                 struct reel_error *err_out)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    char key[KEY_BYTES];
    size_t bytes;

    if (config->psk)
        snprintf(key, sizeof key, "%s", config->psk);
    else if (read_key(config->psk_file, key, err_out))
        return err_out->code;
    bytes = strlen(key);
    if (bytes == 0 || bytes % 2 || bytes == KEY_BYTES - 1 || strspn(key, digits) != bytes)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "broker.psk_file",
                              "the pre-shared key must be 2 to %d hexadecimal digits",
                              KEY_BYTES - 2);
    if (!config->psk_identity || config->cafile)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "broker.psk_identity",
                              "a pre-shared key goes together with an identity, and not with "
                              "certificates");
    if (mosquitto_tls_psk_set(m, key, config->psk_identity, "PSK") != MOSQ_ERR_SUCCESS)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "broker.psk_file",
                              "the pre-shared key cannot be used");
    return REEL_OK;
}

bool reel_bus_tls_wanted(const struct reel_bus_config *config)
{
    return config->cafile || config->psk || config->psk_file;
}

enum reel_code reel_bus_tls_set_up(struct reel_bus_tls *tls, struct mosquitto *m,
                                   const struct reel_bus_config *config, struct reel_error *err_out)
{
    tls->psk = config->psk || config->psk_file;
    tls->hears = reel_bus_tls_wanted(config);
    if (tls->psk)
        return set_up_key(m, config, err_out);
    return config->cafile ? set_up_certificates(m, config, err_out) : REEL_OK;
}

bool reel_bus_tls_shakes(struct mosquitto *m)
{
    const SSL *ssl = mosquitto_ssl_get(m);

    return ssl && !SSL_is_init_finished(ssl);
}

bool reel_bus_tls_waits(struct mosquitto *m)
{
    const SSL *ssl = mosquitto_ssl_get(m);

    return reel_bus_tls_shakes(m) && SSL_want_read(ssl);
}

bool reel_bus_tls_shaken(struct reel_bus_tls *tls, struct mosquitto *m)
{
    const SSL *ssl = mosquitto_ssl_get(m);
    struct pollfd fd = {.fd = mosquitto_socket(m), .events = POLLIN};

    if (!ssl)
        return true;
    /* The library takes any certificate then, unseen. */
    if (tls->psk && SSL_get0_peer_certificate(ssl)) {
        snprintf(tls->wrong, sizeof tls->wrong, "%s", KEY_REFUSED);
        return false;
    }
    if (SSL_version(ssl) == TLS1_3_VERSION)
        (void)poll(&fd, 1, SETTLE_MS); /* whatever it says, what follows finds out */
    return true;
}

/* Why we do not trust the broker's certificate. */
static const char *distrust(struct mosquitto *m)
{
    SSL *ssl = mosquitto_ssl_get(m);
    long result = ssl ? SSL_get_verify_result(ssl) : X509_V_ERR_UNSPECIFIED;

    switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "the broker's certificate, or that of its authority, has expired: it must be "
               "renewed";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "the broker's certificate, or that of its authority, is not valid yet: is this "
               "machine's clock right?";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return "the broker's certificate is not of an authority in cafile: is that the right file, "
               "and this the right broker?";
    default:
        return NULL;
    }
}

/* What the library and OpenSSL say, the first that fits, and what it means. */
static const struct {
    const char *said;
    const char *means;
} meanings[] = {
    {"check cafile", "cafile holds no certificate in PEM"},
    {"Unable to load client certificate", "cert holds no certificate in PEM"},
    {"Unable to load client key", "key is no private key in PEM that can be read without a "
                                  "passphrase, or not that of cert"},
    {"host name verification failed", "the broker's certificate is for other names than that of "
                                      "the host: connect by a name that stands in it"},
    {"alert certificate expired", "the broker says that our certificate, cert, has expired: it "
                                  "must be renewed"},
    {"alert unknown ca", "the broker does not know the authority of our certificate: cert must "
                         "be of one in the broker's own cafile"},
    {"alert certificate required", "the broker asks for a certificate: set cert and key"},
    {"alert bad certificate", "the broker does not take our certificate: its log says why"},
    {"alert certificate unknown", "the broker does not take our certificate: its log says why"},
    {"alert certificate revoked", "the broker says that our certificate, cert, is revoked"},
    {"alert handshake failure", "the broker has no way of TLS in common with us: does it take "
                                "certificates at this port?"},
    {"unexpected eof", "the broker ended it while TLS was set up: does it speak TLS at this port?"},
    {"wrong version number", "the broker does not speak TLS at this port"},
};

static const char *find_meaning(const char *line)
{
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        if (strstr(line, meanings[i].said))
            return meanings[i].means;
    }
    return NULL;
}

void reel_bus_tls_hear(struct reel_bus_tls *tls, struct mosquitto *m, const char *line)
{
    const char *means = find_meaning(line);
    const char *last = strrchr(line, ':');

    if (!tls->hears || tls->wrong[0])
        return;
    if (!means && strstr(line, "certificate verify failed"))
        means = distrust(m);
    if (tls->psk && (!means || strstr(line, "alert")))
        means = KEY_REFUSED;
    if (!means)
        means = last ? last + 1 : line;
    snprintf(tls->wrong, sizeof tls->wrong, "%s", means);
}

void reel_bus_tls_answered(struct reel_bus_tls *tls)
{
    tls->hears = false;
    tls->wrong[0] = '\0';
}

const char *reel_bus_tls_reason(const struct reel_bus_tls *tls, const char *otherwise)
{
    return tls->wrong[0] ? tls->wrong : otherwise;
}
