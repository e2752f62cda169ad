/* Hash: sha256 by libcrypto. */
#include "store/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SLICE_BYTES = 64 * 1024, SHA256_BYTES = 32 };

static enum reel_code digest_file(int fd, const char *path, EVP_MD_CTX *context,
                                  struct reel_error *err_out)
{
    uint8_t slice[SLICE_BYTES];

    for (;;) {
        ssize_t got = read(fd, slice, sizeof slice);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return reel_error_errno(err_out, errno, "read %s", path);
        if (got == 0)
            return REEL_OK;
        if (EVP_DigestUpdate(context, slice, (size_t)got) != 1)
            return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "sha256 failed");
    }
}

static enum reel_code digest(int fd, const char *path, uint8_t sum[SHA256_BYTES],
                             struct reel_error *err_out)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    enum reel_code code;

    if (!context)
        return reel_error_errno(err_out, ENOMEM, "sha256");
    if (EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1)
        code = digest_file(fd, path, context, err_out);
    else
        code = reel_error_set(err_out, REEL_E_INTERNAL, NULL, "sha256 cannot be begun");
    if (code == REEL_OK && EVP_DigestFinal_ex(context, sum, NULL) != 1)
        code = reel_error_set(err_out, REEL_E_INTERNAL, NULL, "sha256 failed");
    EVP_MD_CTX_free(context);
    return code;
}

enum reel_code reel_hash_file(const char *dir, struct reel_hash_job *job,
                              struct reel_error *err_out)
{
    char path[PATH_MAX];
    uint8_t sum[SHA256_BYTES];
    enum reel_code code;
    int fd;

    snprintf(path, sizeof path, "%s/recordings/%s/%s.wav", dir, job->device, job->session);
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return reel_error_set(err_out, REEL_E_NOT_FOUND, NULL, "there is no %s", path);
    if (fd < 0)
        return reel_error_errno(err_out, errno, "open %s", path);
    code = digest(fd, path, sum, err_out);
    close(fd);
    if (code != REEL_OK)
        return code;
    for (size_t i = 0; i < sizeof sum; i++)
        snprintf(job->sha256 + 2 * i, 3, "%02x", sum[i]);
    return REEL_OK;
}
