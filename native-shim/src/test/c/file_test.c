/* File calls and pages. */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

void test_files(void) {
    char path[] = "/tmp/blockseal-shim-test-XXXXXX";
    close(mkstemp(path));
    char *buffer = malloc(8192);
    memset(buffer, 'x', 8192);
    int32_t fd = bs_open(ADDRESS(path), BS_OPEN_WRITE), other = bs_open(ADDRESS(path), 0);
    CHECK(fd >= 0 && other >= 0);
    CHECK(bs_open(ADDRESS(path), BS_OPEN_WRITE | BS_OPEN_CREATE | BS_OPEN_EXCLUSIVE) == -EEXIST);
    CHECK(bs_open(ADDRESS(path), BS_OPEN_DIRECTORY) == -ENOTDIR);
    CHECK(bs_lock(fd, 1) == 0 && bs_lock(other, 1) == 0 && bs_lock(fd, 0) == -EWOULDBLOCK);
    CHECK(bs_close(other) == 0 && (other = bs_open(ADDRESS(path), 0)) >= 0);
    CHECK(bs_lock(fd, 0) == 0 && bs_lock(other, 0) == -EWOULDBLOCK && bs_lock(other, 1) == -EWOULDBLOCK);
    CHECK(bs_pwrite(fd, ADDRESS(buffer), 8192, 4096) == 8192);
    CHECK(bs_pwrite_dsync(fd, ADDRESS(buffer), 100, 0) == 100);
    CHECK(bs_pwrite(other, ADDRESS(buffer), 1, 0) == -EBADF && bs_pwrite(fd, ADDRESS(buffer), 1, -1) == -EINVAL);
    memset(buffer, 0, 8192);
    CHECK(bs_pread(fd, ADDRESS(buffer), 8192, 8192) == 4096 && buffer[4095] == 'x');
    CHECK(bs_pread(fd, ADDRESS(buffer), 8192, 1 << 20) == 0 && bs_pread(-1, ADDRESS(buffer), 1, 0) == -EBADF);
    int64_t now = bs_pread_nowait(fd, ADDRESS(buffer), 100, 0);
    CHECK(now == 100 || now == -EAGAIN || now == -EOPNOTSUPP);
    CHECK(bs_fdatasync(fd) == 0 && bs_fsync(fd) == 0 && bs_fdatasync(-1) == -EBADF);
    struct bs_file_info info;
    CHECK(bs_file_info(fd, ADDRESS(&info)) == 0 && info.type == BS_FILE_REGULAR && info.size_bytes == 12288);
    CHECK(bs_ftruncate(fd, 1 << 20) == 0 && bs_file_info(fd, ADDRESS(&info)) == 0 && info.size_bytes == 1 << 20);
    int32_t punched = bs_fallocate(fd, BS_FALLOCATE_PUNCH_HOLE | BS_FALLOCATE_KEEP_SIZE, 0, 12288);
    CHECK(punched == 0 || punched == -EOPNOTSUPP);
    CHECK(bs_seek_hole(fd, 0) >= 0 && bs_seek_data(fd, 2 << 20) == -ENXIO);
    CHECK(bs_block_discard(fd, 0, 512) < 0 && bs_block_zeroout(fd, 0, 512) < 0 && bs_block_zeroout(fd, -1, 1) < 0);
    CHECK(bs_close(other) == 0 && bs_close(fd) == 0 && bs_close(fd) == -EBADF);
    unlink(path);
    free(buffer);
}

void test_memory(void) {
    uint8_t one[32] = {1}, two[32] = {1};
    int64_t pages = bs_map(1 << 20, BS_MAP_PREFAULT);
    CHECK(pages > 0 && pages % 4096 == 0 && *(uint8_t *)AT(pages) == 0);
    memset(AT(pages), 1, 1 << 20);
    CHECK(bs_unmap(pages, 1 << 20) == 0 && bs_map(0, 0) == -EINVAL);
    int64_t huge = bs_reserve(4 << 20);
    CHECK(huge > 0 && huge % (2 << 20) == 0);
    CHECK(bs_populate(huge + 4096, 4 << 10) == 0 && bs_populate(huge + (2 << 20) - 1, 2) == 0);
    CHECK(*(uint8_t *)AT(huge + (2 << 20)) == 0);
    memset(AT(huge), 1, 4 << 20);
    CHECK(bs_populate(huge, 4 << 20) == 0 && *(uint8_t *)AT(huge + (4 << 20) - 1) == 1);
    touch_pages(AT(huge), 4 << 20, 4096);
    CHECK(*(uint8_t *)AT(huge) == 1 && *(uint8_t *)AT(huge + (2 << 20)) == 1);
    CHECK(bs_unmap(huge, 4 << 20) == 0);
    CHECK(bs_equal(ADDRESS(one), ADDRESS(two), 32) == 1);
    two[31] = 1;
    CHECK(bs_equal(ADDRESS(one), ADDRESS(two), 32) == 0);
    CHECK(bs_random(ADDRESS(one), 32) == 0 && memcmp(one, two, 32) != 0 && bs_random(ADDRESS(one), -1) == -EINVAL);
    CHECK(bs_wipe(ADDRESS(two), 32) == 0 && two[0] == 0 && two[31] == 0);
    int ends[2];
    CHECK(pipe(ends) == 0 && (fcntl(ends[0], F_GETFL) & O_NONBLOCK) == 0);
    CHECK(bs_set_nonblocking(ends[0]) == 0);
    char byte;
    CHECK(read(ends[0], &byte, 1) == -1 && errno == EAGAIN);
    close(ends[0]);
    close(ends[1]);
    CHECK(bs_set_nonblocking(ends[0]) == -EBADF);
    CHECK(bs_set_undumpable() == 0);
}
