/* Stands before the C library of a program and notes, for each file of its database, what was there before each change
   that is not synced yet, so that the changes can be undone as by a loss of power: see `power.rs`.

   FANFARE_UNSYNCED names the directory of the notes, one file for each file of the database. A note is four 64-bit numbers
   in the machine's own order (the offset, how many bytes were there, how long the file was, how many bytes the change
   touches) and the bytes that were there. While there is a file of the name FANFARE_LIES, a sync answers that all is well
   and nothing is safe. The index of the log is left out: it is mapped, and made anew after a loss of power. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off_t);
static int (*real_unlink)(const char *);

/* One change or sync at a time, so that the notes are in the order of the changes. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void find_the_real_ones(void) {
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
}

/* Where the notes are on the file of that path; 0 for other files than the database's. */
static int notes_of(const char *path, char *notes, size_t size) {
    const char *directory = getenv("FANFARE_UNSYNCED"), *name = strrchr(path, '/');
    if (!directory || !name || strncmp(name, "/fanfare.db", 11) != 0 || strcmp(name, "/fanfare.db-shm") == 0) return 0;
    return snprintf(notes, size, "%s%s", directory, name) < (int)size;
}

/* The file of the notes on what `fd` is, opened; -1 when there is none. */
static int notes_on(int fd, int flags) {
    char link[64], path[PATH_MAX], notes[PATH_MAX + 64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return -1;
    path[length] = 0;
    return notes_of(path, notes, sizeof notes) ? open(notes, flags | O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
}

/* Notes what is at `offset` before `count` bytes from there on change. */
static void note(int fd, off_t offset, off_t count) {
    struct stat stat;
    int notes = notes_on(fd, O_APPEND);
    if (notes < 0) return;
    if (fstat(fd, &stat) != 0) abort();
    off_t there = stat.st_size - offset;
    there = there < 0 ? 0 : there > count ? count : there;
    uint64_t *record = malloc(32 + there);
    if (!record) abort();
    record[0] = offset, record[1] = there, record[2] = stat.st_size, record[3] = count;
    if (pread(fd, record + 4, there, offset) != there) abort();
    if (write(notes, record, 32 + there) != 32 + there) abort();
    free(record);
    close(notes);
}

static int lies(void) {
    const char *path = getenv("FANFARE_LIES");
    return path && access(path, F_OK) == 0;
}

static int sync_with(int (*real)(int), int fd) {
    pthread_mutex_lock(&turn);
    int answer = real(fd);
    if (answer == 0 && !lies()) {
        int saved = errno, notes = notes_on(fd, O_TRUNC);
        if (notes >= 0) close(notes);
        errno = saved;
    }
    pthread_mutex_unlock(&turn);
    return answer;
}

int fsync(int fd) { return sync_with(real_fsync, fd); }

int fdatasync(int fd) { return sync_with(real_fdatasync, fd); }

static ssize_t write_at(int fd, const void *bytes, size_t count, off_t offset) {
    pthread_mutex_lock(&turn);
    note(fd, offset, count);
    ssize_t answer = real_pwrite(fd, bytes, count, offset);
    pthread_mutex_unlock(&turn);
    return answer;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) { return write_at(fd, bytes, count, offset); }

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t offset) { return write_at(fd, bytes, count, offset); }

static int cut(int fd, off_t length) {
    struct stat stat;
    pthread_mutex_lock(&turn);
    if (fstat(fd, &stat) == 0) note(fd, length, stat.st_size > length ? stat.st_size - length : 0);
    int answer = real_ftruncate(fd, length);
    pthread_mutex_unlock(&turn);
    return answer;
}

int ftruncate(int fd, off_t length) { return cut(fd, length); }

int ftruncate64(int fd, off_t length) { return cut(fd, length); }

/* A file that takes the place of one that is gone has nothing in common with it. */
int unlink(const char *path) {
    char notes[PATH_MAX + 64];
    pthread_mutex_lock(&turn);
    int answer = real_unlink(path);
    int saved = errno;
    if (answer == 0 && notes_of(path, notes, sizeof notes)) real_unlink(notes);
    errno = saved;
    pthread_mutex_unlock(&turn);
    return answer;
}
