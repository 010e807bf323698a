/* The one file `zkticket`: this program, then a tar by zstd, then a trailer that tells of both.
 *
 * The first start unpacks it into the user's cache, under its hash; each later one finds it there.
 * Then this process becomes the Python inside. What is unpacked appears whole or not at all, however
 * many start at once and wherever one is killed. `supervisor/onefile/build.py` writes the file.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <nettle/sha2.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zstd.h>

#define MAGIC "zkticket-onefile"
#define BLOCK 512
#define COMPLETE "complete"
#define CURE "set ZKTICKET_CACHE to a directory of yours "

/* As `build.py` packs it: "<16sQQQ32s". */
struct trailer {
    char magic[16];
    uint64_t offset, packed, unpacked;
    uint8_t digest[SHA256_DIGEST_SIZE];
};

struct payload {
    int file;
    uint64_t left;
    struct sha256_ctx hash;
    ZSTD_DCtx *context;
    ZSTD_inBuffer in;
    char *buffer;
};

static void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("error: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(1);
}

static char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

static char *text(const char *format, ...) {
    char *made;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&made, format, arguments) < 0) fail("no memory");
    va_end(arguments);
    return made;
}

/* --- the file itself ------------------------------------------------------------------------ */

/* The path by which it was started: a link in it leads to the next version after an upgrade. */
static char *own_path(void) {
    const char *started = (const char *)getauxval(AT_EXECFN);
    if (started[0] == '/') return text("%s", started);
    char *here = getcwd(NULL, 0);
    return here ? text("%s/%s", here, started) : text("%s", started);
}

static void damaged(const char *path) {
    fail("%s is damaged or cut short: download it again", path);
}

static int open_self(const char *path) {
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (file < 0 && access("/proc/self", F_OK)) fail("there is no /proc, which Python and Java need: mount it");
    if (file < 0) fail("cannot read %s (%s)", path, strerror(errno));
    return file;
}

static struct trailer read_trailer(int file, const char *path) {
    struct trailer found;
    off_t end = lseek(file, 0, SEEK_END) - (off_t)sizeof found;
    if (end < 0 || pread(file, &found, sizeof found, end) != (ssize_t)sizeof found) damaged(path);
    if (memcmp(found.magic, MAGIC, sizeof found.magic)) damaged(path);
    if (found.offset + found.packed != (uint64_t)end) damaged(path);
    return found;
}

/* --- the cache ------------------------------------------------------------------------------ */

static char *cache_path(void) {
    const char *named = getenv("ZKTICKET_CACHE"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (named && *named) {
        if (named[0] != '/') fail("ZKTICKET_CACHE is %s; give the whole path, from / on", named);
        return text("%s", named);
    }
    if (cache && cache[0] == '/') return text("%s/zkticket", cache);
    if (home && home[0] == '/') return text("%s/.cache/zkticket", strcmp(home, "/") ? home : "");
    fail("there is no HOME to unpack into: " CURE "that can be written");
}

static void make_directory(const char *path, const char *cache) {
    if (mkdir(path, 0700) && errno != EEXIST)
        fail("cannot unpack into %s (%s): " CURE "that can be written", cache, strerror(errno));
}

static void make_directories(const char *cache) {
    char *path = text("%s", cache);
    for (char *slash = path + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = 0;
        make_directory(path, cache);
    }
    make_directory(path, cache);
    free(path);
}

/* Java takes a colon for the end of one path and the beginning of another. */
static void require_no_colon(const char *cache) {
    if (strchr(cache, ':')) fail("there is a colon in %s: " CURE "without one", cache);
}

/* Whoever else can write there could have us run anything. */
static void require_own(const char *path) {
    struct stat found;
    if (lstat(path, &found)) fail("cannot use %s (%s): " CURE "that can be written", path, strerror(errno));
    if (!S_ISDIR(found.st_mode)) fail("%s is no directory: " CURE "instead", path);
    if (found.st_uid != geteuid()) fail("%s is another user's: " CURE "instead", path);
    if (found.st_mode & (S_IWGRP | S_IWOTH)) fail("others can write to %s: " CURE "alone, mode 700", path);
}

static void require_fit(const char *cache, uint64_t unpacked) {
    struct statvfs disk;
    if (statvfs(cache, &disk)) fail("cannot use %s (%s)", cache, strerror(errno));
    if (disk.f_flag & ST_NOEXEC)
        fail("nothing may be run from %s, which is mounted noexec: " CURE "elsewhere", cache);
    uint64_t room = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (room < unpacked)
        fail("%s has room for %llu MB, and %llu MB are needed: free some, or " CURE "on another disk", cache,
             (unsigned long long)(room >> 20), (unsigned long long)((unpacked >> 20) + 1));
}

static int is_complete(const char *version) {
    struct stat found;
    char *marker = text("%s/" COMPLETE, version);
    int complete = !lstat(marker, &found);
    free(marker);
    return complete;
}

static int remove_one(const char *path, const struct stat *found, int type, struct FTW *place) {
    (void)found, (void)type, (void)place;
    return remove(path) && errno != ENOENT ? -1 : 0;
}

static void remove_all(const char *path) {
    nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

/* Whether a living process was started from that version, or is just being. */
static int is_used(const char *version) {
    int hold = open(version, O_RDONLY | O_DIRECTORY | O_CLOEXEC), used = 0;
    if (hold >= 0 && flock(hold, LOCK_EX | LOCK_NB)) used = 1;
    DIR *processes = opendir("/proc");
    if (!processes) used = 1;
    size_t length = strlen(version);
    for (struct dirent *entry; !used && (entry = readdir(processes));) {
        char link[PATH_MAX], program[PATH_MAX];
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
        snprintf(link, sizeof link, "/proc/%s/exe", entry->d_name);
        ssize_t read = readlink(link, program, sizeof program - 1);
        used = read > (ssize_t)length && !memcmp(program, version, length) && program[length] == '/';
    }
    if (processes) closedir(processes);
    if (hold >= 0) close(hold);
    return used;
}

/* Removes it as a draft, so that the next one finishes what is interrupted here. */
static void remove_version(const char *cache, const char *path) {
    char *draft = text("%s/draft-%s", cache, strrchr(path, '/') + 1);
    remove_all(rename(path, draft) ? path : draft);
    free(draft);
}

/* Removes earlier versions that nobody runs any more, and what a killed start left of its own. */
static void tidy(const char *cache, const char *current) {
    DIR *entries = opendir(cache);
    if (!entries) return;
    for (struct dirent *entry; (entry = readdir(entries));) {
        char *path = text("%s/%s", cache, entry->d_name);
        if (!strncmp(entry->d_name, "draft-", 6)) remove_all(path);
        else if (strcmp(path, current) && is_complete(path) && !is_used(path)) remove_version(cache, path);
        free(path);
    }
    closedir(entries);
}

/* --- unpacking ------------------------------------------------------------------------------ */

/* Reads exactly so many unpacked bytes; 0 where there are no more of them. */
static int take(struct payload *from, void *into, size_t size) {
    ZSTD_outBuffer out = {into, size, 0};
    while (out.pos < size) {
        if (from->in.pos == from->in.size && from->left) {
            size_t most = ZSTD_DStreamInSize();
            ssize_t got = read(from->file, from->buffer, from->left < most ? from->left : most);
            if (got <= 0) return 0;
            sha256_update(&from->hash, got, (const uint8_t *)from->buffer);
            from->left -= got;
            from->in = (ZSTD_inBuffer){from->buffer, got, 0};
        }
        size_t before = out.pos;
        if (ZSTD_isError(ZSTD_decompressStream(from->context, &out, &from->in))) return 0;
        if (out.pos == before && from->in.pos == from->in.size && !from->left) return 0;
    }
    return 1;
}

static void cannot_write(const char *path) {
    fail("cannot write %s (%s): free some space, or " CURE "on another disk", path, strerror(errno));
}

static void write_all(int file, const char *path, const void *data, size_t size, off_t at) {
    while (size) {
        ssize_t done = pwrite(file, data, size, at);
        if (done <= 0) cannot_write(path);
        data = (const char *)data + done, size -= done, at += done;
    }
}

/* Has a program use the C library that comes with it: no older one of the machine will do.
 * The kernel reads the loader's path from the file, so that it may stand behind all else. */
static void use_own_loader(int file, const char *path, off_t end, const char *version) {
    Elf64_Ehdr head;
    Elf64_Phdr part;
    char loader[64] = "";
    if (pread(file, &head, sizeof head, 0) != (ssize_t)sizeof head) return;
    if (memcmp(head.e_ident, ELFMAG, SELFMAG)) return;
    for (int i = 0; i < head.e_phnum; i++) {
        off_t place = head.e_phoff + i * sizeof part;
        if (pread(file, &part, sizeof part, place) != (ssize_t)sizeof part) return;
        if (part.p_type != PT_INTERP) continue;
        if (pread(file, loader, sizeof loader - 1, part.p_offset) <= 0) return;
        char *own = text("%s/lib/%s", version, strrchr(loader, '/') + 1);
        part.p_offset = end;
        part.p_filesz = strlen(own) + 1;
        write_all(file, path, own, part.p_filesz, end);
        write_all(file, path, &part, sizeof part, place);
        free(own);
        return;
    }
}

static int unpack_file(struct payload *from, const char *path, uint64_t size, mode_t mode, const char *version) {
    static char data[1 << 18];
    int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (file < 0) cannot_write(path);
    for (uint64_t done = 0; done < size;) {
        size_t part = size - done < sizeof data ? size - done : sizeof data;
        if (!take(from, data, part)) return 0;
        write_all(file, path, data, part, done);
        done += part;
    }
    if (mode & S_IXUSR) use_own_loader(file, path, size, version);
    close(file);
    return !(size % BLOCK) || take(from, data, BLOCK - size % BLOCK);
}

static uint64_t octal(const char *field, size_t size) {
    char digits[16] = "";
    memcpy(digits, field, size);
    return strtoull(digits, NULL, 8);
}

/* One entry of a ustar archive; 0 at its end, -1 where it is damaged. */
static int unpack_entry(struct payload *from, const char *draft, const char *version) {
    char block[BLOCK];
    if (!take(from, block, BLOCK)) return -1;
    if (!block[0]) return 0;
    char *path = block[345] ? text("%s/%.155s/%.100s", draft, block + 345, block)
                            : text("%s/%.100s", draft, block);
    mode_t mode = octal(block + 100, 8) & 0777;
    uint64_t size = octal(block + 124, 12), when = octal(block + 136, 12);
    int whole = 1;
    if (block[156] == '5') {
        if (mkdir(path, 0755)) cannot_write(path);
    } else if (block[156] == '0') {
        whole = unpack_file(from, path, size, mode, version);
    } else {
        whole = 0;
    }
    /* Java takes an archive of classes only from files as old as those that it was made from. */
    struct timespec times[2] = {{.tv_sec = when}, {.tv_sec = when}};
    utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
    free(path);
    return whole ? 1 : -1;
}

static void flush(const char *path) {
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0 || syncfs(directory)) cannot_write(path);
    close(directory);
}

/* Unpacks into a draft beside the version's place, which the caller then renames. Runs in a child,
 * so that the caller can clear up after it. */
static void unpack(int file, const struct trailer *told, const char *self, const char *draft, const char *version) {
    struct payload from = {.file = file, .left = told->packed, .context = ZSTD_createDCtx()};
    uint8_t digest[SHA256_DIGEST_SIZE];
    int more;
    from.buffer = malloc(ZSTD_DStreamInSize());
    if (!from.context || !from.buffer) fail("no memory");
    ZSTD_DCtx_setParameter(from.context, ZSTD_d_windowLogMax, 27);
    sha256_init(&from.hash);
    lseek(file, told->offset, SEEK_SET);
    while ((more = unpack_entry(&from, draft, version)) > 0) continue;
    char rest[BLOCK];
    while (take(&from, rest, BLOCK)) continue; /* what tar has behind its end, up to the last byte */
    sha256_digest(&from.hash, sizeof digest, digest);
    if (more < 0 || from.left || memcmp(digest, told->digest, sizeof digest)) damaged(self);
    char *marker = text("%s/" COMPLETE, draft);
    int made = open(marker, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (made < 0) cannot_write(marker);
    close(made);
    flush(draft);
}

static void install(int file, const struct trailer *told, const char *self, const char *cache, const char *version) {
    char *lock = text("%s/lock", cache), *draft = text("%s/draft-XXXXXX", cache);
    int held = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (held < 0) fail("cannot write to %s (%s): " CURE "that can be written", cache, strerror(errno));
    while (flock(held, LOCK_EX))
        if (errno != EINTR) fail("cannot lock %s (%s): " CURE "on a local disk", lock, strerror(errno));
    if (!is_complete(version)) {
        remove_all(version);
        tidy(cache, version);
        require_fit(cache, told->unpacked);
        if (!mkdtemp(draft)) cannot_write(draft);
        pid_t child = fork();
        if (child < 0) fail("cannot start a process (%s)", strerror(errno));
        if (!child) {
            unpack(file, told, self, draft, version);
            exit(0);
        }
        int status;
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
        if (status) { /* it has said why; a disk that is full stays no fuller than it was */
            remove_all(draft);
            exit(1);
        }
        if (rename(draft, version)) cannot_write(version);
        flush(cache);
    }
    close(held);
    free(lock), free(draft);
}

/* --- from here to Python -------------------------------------------------------------------- */

static void set_environment(const char *self, const char *version) {
    const char *misleading[] = {"PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONPLATLIBDIR",
                                "PYTHONSAFEPATH", "PYTHONPYCACHEPREFIX", "PYTHONEXECUTABLE"};
    for (size_t i = 0; i < sizeof misleading / sizeof *misleading; i++) unsetenv(misleading[i]);
    char *java = text("%s/java", version);
    if (setenv("JAVA_HOME", java, 1) || setenv("ZKTICKET_BINARY", self, 1) ||
        setenv("PYTHONNOUSERSITE", "1", 1))
        fail("no memory");
    free(java);
}

int main(int count, char **words) {
    char *self = own_path(), *cache = cache_path();
    require_no_colon(cache);
    int file = open_self(self);
    struct trailer told = read_trailer(file, self);
    char name[2 * 8 + 1];
    for (int i = 0; i < 8; i++) snprintf(name + 2 * i, 3, "%02x", told.digest[i]);
    char *version = text("%s/%s", cache, name);
    int hold = open(version, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (hold >= 0) flock(hold, LOCK_SH); /* until exec; see `is_used` */
    if (!is_complete(version)) {
        if (hold >= 0) close(hold);
        make_directories(cache);
        require_own(cache);
        install(file, &told, self, cache, version);
    }
    require_own(version);
    set_environment(self, version);
    char *python = text("%s/bin/zkticket", version), *script = text("%s/app/zkticket.py", version);
    char **argv = calloc(count + 2, sizeof *argv);
    if (!argv) fail("no memory");
    argv[0] = python, argv[1] = script;
    for (int i = 1; i < count; i++) argv[i + 1] = words[i];
    execv(python, argv);
    if (errno == EACCES) fail("nothing may be run from %s: " CURE "where programs may run", cache);
    fail("cannot run what is in %s (%s): delete it, and start again", version, strerror(errno));
}
