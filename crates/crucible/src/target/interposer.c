/* Sits between a process and the C library (LD_PRELOAD): slow disk, full disk, stepped wall clock, for one process at a time.
 *
 * $CRUCIBLE_INTERPOSER/<pid> holds three numbers: milliseconds that each fsync takes longer (a write: a tenth of it), 1 for "no space left on device",
 * milliseconds that the wall clock is ahead. No such file: nothing is changed. A child (a fork for a snapshot) obeys its
 * parent's file too. The file is looked at no more often than every 20 ms.
 *
 * $CRUCIBLE_INTERPOSER/synced/<inode>-<birth in ns>, where that folder is there: how many bytes the file had when its last
 * sync that came back began. Nothing beyond is sure to survive a loss of power.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <linux/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static _Thread_local long long looked_ms = -1000;
static volatile long slow_ms, full, ahead_ms;

static void real_clock(clockid_t id, struct timespec *ts) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    real(id, ts);
}

static int read_orders(const char *dir, long pid, long *orders) {
    char path[512], text[128];
    snprintf(path, sizeof path, "%s/%ld", dir, pid);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    long got = syscall(SYS_read, fd, text, sizeof text - 1);
    syscall(SYS_close, fd);
    if (got <= 0) return 0;
    text[got] = 0;
    return sscanf(text, "%ld %ld %ld", &orders[0], &orders[1], &orders[2]) == 3;
}

static void look(void) {
    struct timespec ts;
    real_clock(CLOCK_MONOTONIC, &ts);
    long long now = ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
    if (now - looked_ms < 20) return;
    looked_ms = now;
    const char *dir = getenv("CRUCIBLE_INTERPOSER");
    if (!dir) return;
    int before = errno;
    long orders[3] = {0, 0, 0};
    if (!read_orders(dir, getpid(), orders)) read_orders(dir, getppid(), orders);
    slow_ms = orders[0];
    full = orders[1];
    ahead_ms = orders[2];
    errno = before;
}

static int no_space(int fd) {
    look();
    struct stat st;
    if (!full || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) return 0;
    errno = ENOSPC;
    return 1;
}

static void drag(long share) {
    look();
    long ms = slow_ms / share;
    if (ms > 0) {
        struct timespec ts = {ms / 1000, (ms % 1000) * 1000000};
        nanosleep(&ts, NULL);
    }
}

static void drag_write(int fd) {
    struct stat st;
    look();
    if (slow_ms > 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) drag(10);
}

int clock_gettime(clockid_t id, struct timespec *ts) {
    real_clock(id, ts);
    if (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE) return 0;
    look();
    long long ns = ts->tv_nsec + (ahead_ms % 1000) * 1000000LL;
    ts->tv_sec += ahead_ms / 1000;
    if (ns >= 1000000000) { ns -= 1000000000; ts->tv_sec++; }
    if (ns < 0) { ns += 1000000000; ts->tv_sec--; }
    ts->tv_nsec = (long)ns;
    return 0;
}

int gettimeofday(struct timeval *restrict tv, void *restrict tz) {
    (void)tz;
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    tv->tv_sec = ts.tv_sec;
    tv->tv_usec = ts.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    if (out) *out = ts.tv_sec;
    return ts.tv_sec;
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* A regular file's name in the folder of synced lengths, and its length now; 0 if it has none. */
static int measure(int fd, char *path, size_t size, unsigned long long *length) {
    const char *dir = getenv("CRUCIBLE_INTERPOSER");
    struct statx st;
    if (!dir || syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &st) != 0) return 0;
    if (!S_ISREG(st.stx_mode)) return 0;
    *length = st.stx_size;
    long long birth = st.stx_mask & STATX_BTIME ? st.stx_btime.tv_sec * 1000000000LL + st.stx_btime.tv_nsec : 0;
    snprintf(path, size, "%s/synced/%llu-%lld", dir, (unsigned long long)st.stx_ino, birth);
    return 1;
}

/* One write of always as many bytes: a process that is killed leaves the old length or the new one. */
static void note_synced(const char *path, unsigned long long length) {
    char text[32];
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return;
    int n = snprintf(text, sizeof text, "%020llu.", length);
    syscall(SYS_write, fd, text, (size_t)n);
    syscall(SYS_close, fd);
}

/* What is written while a sync is under way may be in it or not: only what was there before it counts. */
static int sync_and_note(int fd, int (*real)(int)) {
    char path[512];
    unsigned long long length = 0;
    drag(1);
    if (no_space(fd)) return -1;
    int known = measure(fd, path, sizeof path, &length);
    int result = real(fd), before = errno;
    if (result == 0 && known) note_synced(path, length);
    errno = before;
    return result;
}

int fsync(int fd) { REAL(fsync); return sync_and_note(fd, real); }
int fdatasync(int fd) { REAL(fdatasync); return sync_and_note(fd, real); }
ssize_t write(int fd, const void *data, size_t size) { REAL(write); drag_write(fd); return no_space(fd) ? -1 : real(fd, data, size); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { REAL(pwrite); drag_write(fd); return no_space(fd) ? -1 : real(fd, data, size, at); }
ssize_t writev(int fd, const struct iovec *v, int n) { REAL(writev); drag_write(fd); return no_space(fd) ? -1 : real(fd, v, n); }

size_t fwrite(const void *data, size_t size, size_t n, FILE *file) {
    REAL(fwrite);
    return no_space(fileno(file)) ? 0 : real(data, size, n, file);
}

int fflush(FILE *file) {
    REAL(fflush);
    return file && no_space(fileno(file)) ? EOF : real(file);
}
