/* Stands before the C library of a program and makes the disk under its database fail, as the file that FANFARE_FAULT
   names says: see `shim.rs` for the words. Without that file everything works. Only files of the database are meddled with,
   so that the program itself can go on. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int is_of_the_database(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strstr(path, "/fanfare.db") != NULL;
}

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);

__attribute__((constructor)) static void find_the_real_ones(void) {
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_write = dlsym(RTLD_NEXT, "write");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
}

static int fault_is(const char *word) {
    char found[32] = "";
    const char *path = getenv("FANFARE_FAULT");
    if (!path) return 0;
    int saved = errno;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t length = read(fd, found, sizeof found - 1);
        found[length > 0 ? length : 0] = 0;
        close(fd);
    }
    errno = saved;
    return strcmp(found, word) == 0;
}

static int fail(int error) {
    errno = error;
    return -1;
}

/* Only one of several threads uses up a fault that happens once. */
static int use_up(void) {
    return unlink(getenv("FANFARE_FAULT")) == 0;
}

static int sync_with(int (*real)(int), int fd) {
    if (!is_of_the_database(fd)) return real(fd);
    if (fault_is("sync-once") && use_up()) return fail(EIO);
    if (fault_is("held")) {
        static const char told[] = "sync held\n";
        if (real_write(2, told, sizeof told - 1) < 0) return fail(EIO);
        while (fault_is("held")) usleep(1000);
    }
    return real(fd);
}

int fsync(int fd) { return sync_with(real_fsync, fd); }

int fdatasync(int fd) { return sync_with(real_fdatasync, fd); }

static ssize_t write_at(int fd, const void *bytes, size_t count, off_t offset) {
    if (is_of_the_database(fd)) {
        if (fault_is("full")) return fail(ENOSPC);
        if (fault_is("broken")) return fail(EIO);
        if (fault_is("short")) return count < 2 ? fail(ENOSPC) : real_pwrite(fd, bytes, count / 2, offset);
    }
    return real_pwrite(fd, bytes, count, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) { return write_at(fd, bytes, count, offset); }

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t offset) { return write_at(fd, bytes, count, offset); }

ssize_t write(int fd, const void *bytes, size_t count) {
    if (is_of_the_database(fd)) {
        if (fault_is("full")) return fail(ENOSPC);
        if (fault_is("broken")) return fail(EIO);
    }
    return real_write(fd, bytes, count);
}
