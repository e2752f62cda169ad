/* Probe: tries to cross each fence of the unit, and says of each whether it did. Run by the unit
 * in the sink's place all are to hold; run by root without it, each can be crossed. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SEGMENT_KEY = 0x7265656c };

static int result(long returned)
{
    return returned < 0 ? errno : 0;
}

static int create(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    if (fd >= 0)
        close(fd);
    return result(fd);
}

static int try_store(void)
{
    return create("/var/lib/reel/probe");
}

static int try_usr(void)
{
    return create("/usr/probe");
}

static int try_settings(void)
{
    return create("/etc/reel/probe");
}

static int try_neighbours_state(void)
{
    return create("/var/lib/mosquitto/probe");
}

static int try_home(void)
{
    return result(access("/root/secret", R_OK));
}

static int try_shared_tmp(void)
{
    return result(access("/tmp/shared", F_OK));
}

static int try_device(void)
{
    return result(open("/dev/net/tun", O_RDWR | O_CLOEXEC));
}

static int try_make_device(void)
{
    unlink("/var/lib/reel/device");
    return result(mknod("/var/lib/reel/device", S_IFBLK | 0600, 0x700));
}

static int try_other_processes(void)
{
    return result(access("/proc/1/status", R_OK));
}

static int try_kernel_settings(void)
{
    return result(access("/proc/sys/kernel/hostname", R_OK));
}

static int try_hostname(void)
{
    return result(sethostname("probe", 5));
}

static int try_user_namespace(void)
{
    return result(unshare(CLONE_NEWUSER));
}

static int try_mount(void)
{
    return result(mount("none", "/mnt", "tmpfs", 0, NULL));
}

static int try_executable_memory(void)
{
    void *at =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return at == MAP_FAILED ? errno : 0;
}

static int try_set_user_id_file(void)
{
    return result(chmod("/var/lib/reel/probe", 04755));
}

static int try_realtime(void)
{
    const struct sched_param param = {.sched_priority = 1};

    return result(sched_setscheduler(0, SCHED_RR, &param));
}

static int try_netlink(void)
{
    return result(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static int try_raw_packets(void)
{
    return result(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static int try_personality(void)
{
    return result(personality(PER_LINUX32));
}

static int try_trace(void)
{
    return result(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int try_root(void)
{
    return result(setresuid(0, 0, 0));
}

static int try_signal(void)
{
    return result(kill(1, 0));
}

static int try_chroot(void)
{
    return result(chroot("/"));
}

static int try_others_memory(void)
{
    return result(shmget(SEGMENT_KEY, 0, 0));
}

static const struct probe {
    const char *name;
    int (*run)(void); /* 0: crossed; else what stopped it */
} probes[] = {
    {"write the store", try_store},
    {"write /usr", try_usr},
    {"write the settings", try_settings},
    {"write another's state", try_neighbours_state},
    {"read a home", try_home},
    {"see the shared /tmp", try_shared_tmp},
    {"open a device", try_device},
    {"make a device", try_make_device},
    {"see other processes", try_other_processes},
    {"see the kernel's settings", try_kernel_settings},
    {"set the host's name", try_hostname},
    {"make a user namespace", try_user_namespace},
    {"mount", try_mount},
    {"get executable memory", try_executable_memory},
    {"make a set-user-id file", try_set_user_id_file},
    {"run in real time", try_realtime},
    {"open a netlink socket", try_netlink},
    {"open a packet socket", try_raw_packets},
    {"change personality", try_personality},
    {"trace", try_trace},
    {"become root", try_root},
    {"signal the first process", try_signal},
    {"change the root", try_chroot},
    {"reach others' shared memory", try_others_memory},
};

/* Each in a process of its own, so that none changes what the next finds. Says "name: crossed", or
 * why not. */
static void run(const struct probe *probe)
{
    pid_t child = fork();
    int status = -1;

    if (child == 0) {
        int error = probe->run();

        printf("%s: %s\n", probe->name, error ? strerror(error) : "crossed");
        fflush(stdout);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0)
        printf("%s: ended with %d\n", probe->name, status);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) /* what others have, for the probe that looks for it */
        return shmget(SEGMENT_KEY, 4096, IPC_CREAT | 0666) < 0;
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++)
        run(&probes[i]);
    return 0;
}
