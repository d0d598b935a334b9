/*
 * File calls for the storage lanes: plain system calls that finish what they began (short counts and EINTR are dealt
 * with here) and report errors as negative numbers, so that the Java side needs no errno.
 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include "shim.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

_Static_assert(BS_FALLOCATE_KEEP_SIZE == FALLOC_FL_KEEP_SIZE && BS_FALLOCATE_PUNCH_HOLE == FALLOC_FL_PUNCH_HOLE &&
                   BS_FALLOCATE_ZERO_RANGE == FALLOC_FL_ZERO_RANGE,
               "fallocate modes are passed through");

/* Result of a call that may be interrupted: its value, or -errno. */
#define UNINTERRUPTED(call)                                                                                          \
    __extension__({                                                                                                  \
        int64_t result_;                                                                                             \
        do {                                                                                                         \
            result_ = (call);                                                                                        \
        } while (result_ == -1 && errno == EINTR);                                                                   \
        result_ == -1 ? -(int64_t)errno : result_;                                                                   \
    })

int32_t bs_open(int64_t path, int32_t flags) {
    int how = O_CLOEXEC | O_NOCTTY;
    how |= (flags & BS_OPEN_WRITE) != 0 ? O_RDWR : O_RDONLY;
    how |= (flags & BS_OPEN_CREATE) != 0 ? O_CREAT : 0;
    how |= (flags & BS_OPEN_EXCLUSIVE) != 0 ? O_EXCL : 0;
    how |= (flags & BS_OPEN_DIRECT) != 0 ? O_DIRECT : 0;
    how |= (flags & BS_OPEN_DIRECTORY) != 0 ? O_DIRECTORY : 0;
    return (int32_t)UNINTERRUPTED(open(AT(path), how, 0600));
}

int32_t bs_close(int32_t fd) {
    /* Never repeated: Linux has released the descriptor even if it says EINTR, and another thread may own it now. */
    return close(fd) == 0 || errno == EINTR ? 0 : -errno;
}

int64_t bs_pread(int32_t fd, int64_t address, int64_t length, int64_t offset) {
    if (length < 0 || offset < 0) {
        return -EINVAL;
    }
    uint8_t *to = AT(address);
    int64_t total = 0;
    while (total < length) {
        int64_t got = UNINTERRUPTED(pread(fd, to + total, (size_t)(length - total), offset + total));
        if (got < 0) {
            return got;
        }
        if (got == 0) {
            break;
        }
        total += got;
    }
    return total;
}

int64_t bs_pread_nowait(int32_t fd, int64_t address, int64_t length, int64_t offset) {
    struct iovec vector = {AT(address), (size_t)length};
    return length < 0 || offset < 0 ? -EINVAL : UNINTERRUPTED(preadv2(fd, &vector, 1, offset, RWF_NOWAIT));
}

static int64_t write_all(int32_t fd, int64_t address, int64_t length, int64_t offset, int flags) {
    if (length < 0 || offset < 0) {
        return -EINVAL;
    }
    uint8_t *from = AT(address);
    int64_t total = 0;
    while (total < length) {
        struct iovec vector = {from + total, (size_t)(length - total)};
        int64_t put = flags == 0
                          ? UNINTERRUPTED(pwrite(fd, from + total, (size_t)(length - total), offset + total))
                          : UNINTERRUPTED(pwritev2(fd, &vector, 1, offset + total, flags));
        if (put < 0) {
            return put;
        }
        if (put == 0) {
            return -EIO; /* no progress and no reason; better an error than an endless loop */
        }
        total += put;
    }
    return total;
}

int64_t bs_pwrite(int32_t fd, int64_t address, int64_t length, int64_t offset) {
    return write_all(fd, address, length, offset, 0);
}

int64_t bs_pwrite_dsync(int32_t fd, int64_t address, int64_t length, int64_t offset) {
    int64_t written = write_all(fd, address, length, offset, RWF_DSYNC);
    if (written != -EOPNOTSUPP && written != -ENOSYS) {
        return written;
    }
    written = write_all(fd, address, length, offset, 0);
    int32_t error = written < 0 ? 0 : bs_fdatasync(fd);
    return error != 0 ? error : written;
}

int32_t bs_fdatasync(int32_t fd) {
    return (int32_t)UNINTERRUPTED(fdatasync(fd));
}

int32_t bs_fsync(int32_t fd) {
    return (int32_t)UNINTERRUPTED(fsync(fd));
}

int32_t bs_fallocate(int32_t fd, int32_t mode, int64_t offset, int64_t length) {
    return (int32_t)UNINTERRUPTED(fallocate(fd, mode, offset, length));
}

int64_t bs_seek_data(int32_t fd, int64_t offset) {
    return UNINTERRUPTED(lseek(fd, offset, SEEK_DATA));
}

int64_t bs_seek_hole(int32_t fd, int64_t offset) {
    return UNINTERRUPTED(lseek(fd, offset, SEEK_HOLE));
}

int32_t bs_drop_cache(int32_t fd, int64_t offset, int64_t length) {
    return offset < 0 || length < 0 ? -EINVAL : -posix_fadvise(fd, offset, length, POSIX_FADV_DONTNEED);
}

int32_t bs_ftruncate(int32_t fd, int64_t length) {
    return (int32_t)UNINTERRUPTED(ftruncate(fd, length));
}

/* Block devices answer by ioctl; a size of 0 from fstat would be believed otherwise. */
static int block_info(int32_t fd, struct bs_file_info *info) {
    uint64_t size = 0;
    int logical = 0;
    unsigned int physical = 0, zeroes = 0;
    if (ioctl(fd, BLKGETSIZE64, &size) != 0 || ioctl(fd, BLKSSZGET, &logical) != 0) {
        return -errno;
    }
    info->size_bytes = (int64_t)size;
    info->logical_block_bytes = logical;
    info->physical_block_bytes = ioctl(fd, BLKPBSZGET, &physical) == 0 ? (int64_t)physical : logical;
    info->discard_zeroes = ioctl(fd, BLKDISCARDZEROES, &zeroes) == 0 && zeroes != 0;
    return 0;
}

int32_t bs_file_info(int32_t fd, int64_t out) {
    struct stat status;
    struct statfs filesystem;
    if (fstat(fd, &status) != 0 || fstatfs(fd, &filesystem) != 0) {
        return -errno;
    }
    struct bs_file_info info = {
        .type = S_ISREG(status.st_mode) ? BS_FILE_REGULAR
                : S_ISBLK(status.st_mode) ? BS_FILE_BLOCK_DEVICE
                                          : BS_FILE_OTHER,
        .size_bytes = status.st_size,
        .logical_block_bytes = 512,
        .physical_block_bytes = status.st_blksize,
        .preferred_block_bytes = status.st_blksize,
        .allocated_bytes = (int64_t)status.st_blocks * 512,
        /* 32 bits of magic, which some architectures sign-extend */
        .filesystem_magic = (int64_t)(uint32_t)filesystem.f_type,
        .device = (int64_t)(S_ISBLK(status.st_mode) ? status.st_rdev : status.st_dev),
        .inode = (int64_t)status.st_ino,
        .discard_zeroes = 0,
    };
    int error = S_ISBLK(status.st_mode) ? block_info(fd, &info) : 0;
    if (error == 0) {
        memcpy(AT(out), &info, sizeof info);
    }
    return error;
}

static int32_t block_range(int32_t fd, unsigned long request, int64_t offset, int64_t length) {
    uint64_t range[2] = {(uint64_t)offset, (uint64_t)length};
    return offset < 0 || length < 0 ? -EINVAL : (int32_t)UNINTERRUPTED(ioctl(fd, request, range));
}

int32_t bs_block_discard(int32_t fd, int64_t offset, int64_t length) {
    return block_range(fd, BLKDISCARD, offset, length);
}

int32_t bs_block_zeroout(int32_t fd, int64_t offset, int64_t length) {
    return block_range(fd, BLKZEROOUT, offset, length);
}

int32_t bs_lock(int32_t fd, int32_t shared) {
    return (int32_t)UNINTERRUPTED(flock(fd, (shared != 0 ? LOCK_SH : LOCK_EX) | LOCK_NB));
}

int32_t bs_set_nonblocking(int64_t descriptor) {
    int flags = fcntl((int)descriptor, F_GETFL);
    return flags >= 0 && fcntl((int)descriptor, F_SETFL, flags | O_NONBLOCK) == 0 ? 0 : -errno;
}
