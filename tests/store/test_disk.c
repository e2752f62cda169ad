/* Disk: a write that is cut short, as one across a limit on the size of files is. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/disk.h"
#include "store/fixture.h"

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_short_write_is_gone_on_with_and_not_taken_for_a_whole_one(void **state)
{
    char path[] = "/tmp/reel-disk-XXXXXX";
    const char data[1000] = {1};
    struct reel_error error = {0};
    struct stat status;
    enum reel_code code;
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    limit_files(600);
    code = reel_disk_write(fd, data, sizeof data, 0, "s1.wav", &error);
    limit_files(RLIM_INFINITY);
    assert_int_equal(fstat(fd, &status), 0);
    close(fd);
    unlink(path);
    assert_int_equal(status.st_size, 600); /* the kernel wrote that much, and said so */
    assert_int_equal(code, REEL_E_STALLED);
    assert_string_equal(error.message, "write s1.wav: File too large");
    assert_true(reel_error_may_pass(&error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_write_is_gone_on_with_and_not_taken_for_a_whole_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
