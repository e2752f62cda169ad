/* A device's folder that is a link to another disk, which a syncfs of the store's does not reach.
 * The other disk is a folder of which fstat tells another device; what is written and named there
 * counts as lost until it is synced by itself, and a WAV file on the store's until a syncfs too. */
#include <sys/resource.h>
#include <sys/syscall.h>

#include "store/scene.h"

#define ELSEWHERE "/elsewhere"

enum { FILES_MAX = 64, DESCRIPTORS = 16 }; /* of files in the store's cache */

static struct {
    struct {
        ino_t inode;
        bool elsewhere;
    } unsynced[FILES_MAX];
    size_t unsynced_count;
    bool names_unsynced;
    bool belied; /* the catalog was synced before what it speaks of */
} disk;

/* What lies behind ".../elsewhere" in the path of what is open; NULL: it is on the store's disk. */
static const char *path_elsewhere(int fd, char path[PATH_BYTES])
{
    ssize_t bytes;
    char link[64];
    char *at;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    bytes = readlink(link, path, PATH_BYTES - 1);
    path[bytes > 0 ? bytes : 0] = '\0';
    at = strstr(path, ELSEWHERE);
    return at ? at + strlen(ELSEWHERE) : NULL;
}

static struct stat status_of(int fd)
{
    struct stat status;

    assert_int_equal(fstatat(fd, "", &status, AT_EMPTY_PATH), 0);
    return status;
}

int fstat(int fd, struct stat *status)
{
    char path[PATH_BYTES];

    *status = status_of(fd);
    if (path_elsewhere(fd, path))
        status->st_dev++;
    return 0;
}

static void forget(ino_t inode)
{
    for (size_t i = 0; i < disk.unsynced_count; i++) {
        if (disk.unsynced[i].inode == inode)
            disk.unsynced[i--] = disk.unsynced[--disk.unsynced_count];
    }
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset)
{
    char path[PATH_BYTES];

    bool elsewhere = path_elsewhere(fd, path);

    if (elsewhere || strstr(path, ".wav")) {
        forget(status_of(fd).st_ino);
        assert_true(disk.unsynced_count < FILES_MAX);
        disk.unsynced[disk.unsynced_count].inode = status_of(fd).st_ino;
        disk.unsynced[disk.unsynced_count++].elsewhere = elsewhere;
    }
    return syscall(SYS_pwrite64, fd, data, bytes, offset);
}

static int sync_one(int fd)
{
    char path[PATH_BYTES];
    const char *behind = path_elsewhere(fd, path);

    if (strstr(path, "/catalog.db"))
        disk.belied = disk.belied || disk.unsynced_count > 0 || disk.names_unsynced;
    if (behind && *behind == '\0')
        disk.names_unsynced = false;
    else
        forget(status_of(fd).st_ino);
    return 0;
}

int fsync(int fd)
{
    return sync_one(fd);
}

int fdatasync(int fd)
{
    return sync_one(fd);
}

int syncfs(int fd)
{
    (void)fd;
    for (size_t i = 0; i < disk.unsynced_count; i++) {
        if (!disk.unsynced[i].elsewhere)
            disk.unsynced[i--] = disk.unsynced[--disk.unsynced_count];
    }
    return 0;
}

static bool is_far(const char *name)
{
    return strstr(name, "far/") != NULL;
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    if (from_fd != to_fd && is_far(from)) {
        errno = EXDEV;
        return -1;
    }
    disk.names_unsynced = disk.names_unsynced || is_far(to);
    return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return renameat2(from_fd, from, to_fd, to, 0);
}

int getrlimit(__rlimit_resource_t resource, struct rlimit *limit)
{
    (void)resource;
    *limit = (struct rlimit){2 * DESCRIPTORS, 2 * DESCRIPTORS};
    return 0;
}

static void assert_all_synced(void)
{
    assert_int_equal(disk.unsynced_count, 0);
    assert_false(disk.names_unsynced);
    assert_false(disk.belied);
}

/* The device "far" is there; only syncfs is used, so that nothing is synced singly by chance. */
static int set_up_link(void **state)
{
    struct scene *scene;

    set_up(state);
    scene = *state;
    scene->config.sync_way = REEL_SYNC_FILE_SYSTEM;
    assert_int_equal(mkdir(scene_path(scene, "%s", &ELSEWHERE[1]), 0755), 0);
    assert_int_equal(symlink("../elsewhere", scene_path(scene, "recordings/far")), 0);
    scene_restart(scene);
    memset(&disk, 0, sizeof disk);
    return 0;
}

static struct reel_entry *record_at(struct scene *scene, const char *device, uint64_t seq)
{
    if (seq == 0)
        scene_create(scene, device, "s1", &mono16);
    publish_seq(scene, scene_get(scene, device, "s1"), seq);
    return scene_get(scene, device, "s1");
}

static void what_is_acknowledged_is_synced_there_too(void **state)
{
    struct scene *scene = *state;

    for (uint64_t seq = 0; seq < 5; seq++) {
        record_at(scene, "far", seq);
        record_at(scene, "mic1", seq);
        scene_commit(scene);
        assert_all_synced();
    }
    complete(scene, scene_get(scene, "far", "s1"));
    scene_commit(scene);
    assert_all_synced();
    assert_true(path_exists(scene_path(scene, "elsewhere/s1.wav")));
    assert_true(path_exists(scene_path(scene, "elsewhere/s1.json")));
}

/* So many on the store's disk that one more closes the first of those before. */
static void record_many(struct scene *scene)
{
    char device[16];

    for (unsigned i = 0; i < DESCRIPTORS; i++) {
        snprintf(device, sizeof device, "mic%u", i);
        record_at(scene, device, 0);
    }
}

/* There was no sign of another disk when it was closed: the syncfs is still owed. */
static void one_closed_unsynced_before_is_reached_all_the_same(void **state)
{
    struct scene *scene = *state;

    record_many(scene);
    record_at(scene, "far", 0);
    scene_commit(scene);
    assert_all_synced();
}

static void one_there_is_synced_before_it_is_closed(void **state)
{
    struct scene *scene = *state;

    record_at(scene, "far", 0);
    record_many(scene);
    scene_commit(scene);
    assert_all_synced();
}

/* A killed process may have left any of it unsynced. */
static void a_start_syncs_what_it_relies_on(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry;
    uint64_t at_frame;

    record_at(scene, "far", 0);
    scene_commit(scene);
    entry = record_at(scene, "far", 1);
    at_frame = reel_entry_recording(entry)->frames;
    assert_ok(reel_store_fill(scene->store, entry, at_frame, 1, err)); /* which writes at once */
    scene_crash(scene);
    assert_true(disk.unsynced_count > 0);
    disk.belied = false; /* closing the catalog syncs it, with nothing new */
    disk.names_unsynced = true;
    scene_open(scene);
    assert_all_synced();
}

static void a_file_there_goes_to_recovered(void **state)
{
    struct scene *scene = *state;
    const char *path;

    record_at(scene, "far", 0);
    scene_commit(scene);
    scene_crash(scene);
    path_copy(scene_path(scene, "elsewhere/s1.wav"), scene_path(scene, "elsewhere/lost.wav"));
    path_write_at(scene_path(scene, "elsewhere/lost.wav"), 0, "what is no WAV", 14);
    scene_open(scene);
    assert_int_equal(scene->report.recovered, 1);
    assert_false(path_exists(scene_path(scene, "elsewhere/lost.wav")));
    path = recovered_path(scene, "far", ".wav");
    assert_int_equal(path_bytes(path), path_bytes(scene_path(scene, "elsewhere/s1.wav")));
    assert_int_equal(index_lines(scene), 1);
}

int main(void)
{
#define LINKED(name) cmocka_unit_test_setup_teardown(name, set_up_link, tear_down)
    const struct CMUnitTest tests[] = {
        LINKED(what_is_acknowledged_is_synced_there_too),
        LINKED(one_closed_unsynced_before_is_reached_all_the_same),
        LINKED(one_there_is_synced_before_it_is_closed),
        LINKED(a_start_syncs_what_it_relies_on),
        LINKED(a_file_there_goes_to_recovered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
