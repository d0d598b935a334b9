package io.blockseal.shim;

/**
 * The functions of the native library, one method each: {@code xtsEncrypt} is {@code bs_xts_encrypt}.
 *
 * <p>Got from {@link ShimLibrary}. Calls cost about 10 ns and allocate nothing. Two rules keep that so, and a test
 * enforces them: primitives only, and at most five arguments (the binding silently corrupts the sixth); what needs more
 * takes the address of a parameter block ({@link GcmBlock} and its siblings).
 *
 * <p>Addresses point at off-heap memory that the caller owns for the time of the call; nothing here can check them. A
 * negative result is an error ({@link ShimError}) and means that nothing was done unless said otherwise. Every method may
 * be called from any thread; only file calls block.
 */
public interface Shim {
    /** Must equal what {@link #abiVersion()} returns. */
    int ABI_VERSION = 5;

    /** Length of a data-encryption key: the two halves of an AES-256-XTS key. */
    int DEK_BYTES = 64;

    int KEY_BYTES_MAX = 64;
    int MAC_BYTES = 32;
    int NONCE_BYTES = 12;
    int TAG_BYTES = 16;

    /** Bit of {@link #protection()}: raw keys cannot be swapped out. */
    int SLOTS_LOCKED = 1;
    /** Bit of {@link #protection()}: nor can expanded keys; all memory of libcrypto is locked. */
    int SCHEDULES_LOCKED = 2;
    /** Bit of {@link #protection()}: no memory that holds keys goes into a core dump. */
    int UNDUMPABLE = 4;
    /** Bit of {@link #protection()}: none of it reaches a child process. */
    int NO_FORK = 8;

    /** Flag of {@link #init}: do not lock memory. For tests. */
    int INIT_NO_LOCK = 1;
    /** Flag of {@link #init}: leave libcrypto's allocator alone. For tests. */
    int INIT_NO_HOOKS = 2;
    /** Flag of {@link #init}: XTS by libcrypto, whatever the processor can do. */
    int INIT_XTS_LIBCRYPTO = 4;
    /** Flag of {@link #init}: XTS on vectors of 256 bits at most. */
    int INIT_XTS_VAES256 = 8;

    /** {@link #xtsEngine()}: libcrypto, as the processor has nothing better or the operator wants it so. */
    int XTS_LIBCRYPTO = 0;
    /** {@link #xtsEngine()}: the shim's own code on 512-bit vectors. */
    int XTS_VAES512 = 1;
    /** {@link #xtsEngine()}: the same on 256-bit vectors. */
    int XTS_VAES256 = 2;
    /** {@link #xtsEngine()}: libcrypto, because own code did not agree with it when it was tried at the start. */
    int XTS_DISTRUSTED = 3;

    int OPEN_WRITE = 1;
    int OPEN_CREATE = 2;
    int OPEN_EXCLUSIVE = 4;
    int OPEN_DIRECT = 8;
    int OPEN_DIRECTORY = 16;

    int FALLOCATE_KEEP_SIZE = 1;
    int FALLOCATE_PUNCH_HOLE = 2;
    int FALLOCATE_ZERO_RANGE = 16;

    /** Flag of {@link #ringOpen}: as on the oldest kernel that has what is needed. For tests. */
    int RING_PLAIN = 1;

    int MAP_PREFAULT = 1;
    int MAP_LOCK = 2;

    // ---- Start; ShimLibrary has called these before it hands out a Shim.

    int abiVersion();

    /** {@code (((a * m + b) * m + c) * m + d) * m + e} with m = 1,000,003: shows that arguments arrive in order. */
    long echo5(int a, long b, long c, long d, int e);

    /** The size that the library gives to parameter block {@code kind}. */
    int blockBytes(int kind);

    /** Loads libcrypto and reserves key memory; 0 for a number or the path means the default. Acts once. */
    int init(int flags, int keySlots, long poolBytes, long libcryptoPathAddress);

    /** Writes the reason of a failed {@link #init} as a C string; returns its length. */
    int message(long address, int capacity);

    /**
     * What is true of every key and schedule, as a set of the four bits. May lose bits later: when libcrypto outgrows its
     * locked pool, ordinary memory takes over rather than failing I/O.
     */
    int protection();

    /** OpenSSL's version number, such as 0x300000d0. */
    long libcryptoVersion();

    // ---- Key slots. A handle is 1 or more and opaque; a freed handle is refused (KEY_STALE), never reused.

    /** A handle of an empty slot, or {@link ShimError#NO_SLOT}. */
    int keyNew();

    /**
     * Wipes the key and every schedule made from it: at once, except in threads that are inside a call of this library;
     * there when that call ends. A call that is using the key finishes correctly.
     */
    int keyFree(int handle);

    /** Fills the slot with {@code length} bytes of the kernel's randomness; 64-byte keys never have equal halves. */
    int keyRandom(int handle, int length);

    int keySet(int handle, long address, int length);

    /** Wipes the key like {@link #keyFree}, but the handle stays the caller's, empty. */
    int keyClear(int handle);

    /** Copies the key out; for exports that the operator asked for. */
    int keyGet(int handle, long address, int length);

    /** 1 if both slots begin with the same {@code length} bytes, else 0; in constant time. */
    int keyEqual(int first, int second, int length);

    /** Length of the key in the slot; 0 while it is empty. */
    int keyLength(int handle);

    /** Slots taken now. */
    int keyCount();

    int keyCapacity();

    // ---- AES-256-XTS over whole units of 16 bytes to 1 MiB, in place; firstUnit >= 0; tweaks are unit numbers.

    /**
     * Enciphers {@code unitCount} units. Returns how many came out as zeros only: 0, except once in the lifetime of many
     * universes, and then the caller must choose another key, because such a unit would read as unwritten.
     *
     * @return also {@link ShimError#KEY_REJECTED} if the key's halves are equal
     */
    long xtsEncrypt(int keyHandle, long address, long firstUnit, long unitCount, int unitBytes);

    /** Deciphers {@code unitCount} units; returns 0. */
    long xtsDecrypt(int keyHandle, long address, long firstUnit, long unitCount, int unitBytes);

    /** Like {@link #xtsDecrypt}, but a unit of zeros stays zeros; returns the number of those. */
    long xtsDecryptSparse(int keyHandle, long address, long firstUnit, long unitCount, int unitBytes);

    /** What computes it; the results are the same. */
    int xtsEngine();

    /** Wipes every schedule that the calling thread keeps; for a thread that will be idle. */
    int threadForget();

    // ---- Digests, derivation, wrapping

    int sha256(long address, long length, long outAddress);

    int hmacSha256(int keyHandle, int keyLength, long address, long length, long outAddress);

    /** HMAC over up to eight pieces: {@link HmacBlock}. */
    int hmacSha256Parts(long blockAddress);

    /** {@link HkdfBlock}. */
    int hkdfSha256(long blockAddress);

    /** {@link GcmBlock}: wraps the key slot into the blob. */
    int gcmWrap(long blockAddress);

    /** {@link GcmBlock}: fills the key slot only if the tag verifies, else {@link ShimError#BAD_TAG}. */
    int gcmUnwrap(long blockAddress);

    /** {@link DekBlock}: draws a nonce, then wraps. */
    int dekWrap(long blockAddress);

    /** {@link DekBlock}: fills the DEK's slot only if the tag verifies, else {@link ShimError#BAD_TAG}. */
    int dekUnwrap(long blockAddress);

    /** RFC 5649 under a 32-byte KEK; returns the blob's length, {@code keyLength} rounded up to 8, plus 8. */
    int kwpWrap(int kekHandle, int keyHandle, int keyLength, long blobAddress);

    /** Reads a blob of that length; fills the key slot only if it is intact and holds {@code keyLength} bytes. */
    int kwpUnwrap(int kekHandle, int keyHandle, int keyLength, long blobAddress);

    // ---- Files. Results are bytes or 0, or -errno. Interruptions and short counts are dealt with inside.

    /** {@code pathAddress}: a C string. Read only unless {@link #OPEN_WRITE}; new files get mode 0600. */
    int open(long pathAddress, int flags);

    int close(int fd);

    /** Reads {@code length} bytes; fewer only at the end of the file. */
    long pread(int fd, long address, long length, long offset);

    /** One try that does not wait for a disk: maybe short; -EAGAIN (-11) or -EOPNOTSUPP (-95) instead of waiting. */
    long preadNowait(int fd, long address, long length, long offset);

    /** Writes all bytes; after an error any of them may have been written. */
    long pwrite(int fd, long address, long length, long offset);

    /** Like {@link #pwrite}, and they are durable when it returns. */
    long pwriteDsync(int fd, long address, long length, long offset);

    int fdatasync(int fd);

    int fsync(int fd);

    int fallocate(int fd, int mode, long offset, long length);

    /** First byte of data at or after {@code offset}; -ENXIO (-6) if only a hole follows. */
    long seekData(int fd, long offset);

    long seekHole(int fd, long offset);

    /** Makes the next read of the stretch ask the disk, except for what is still to be written. */
    int dropCache(int fd, long offset, long length);

    int ftruncate(int fd, long length);

    /** Fills a {@link FileInfoBlock}. */
    int fileInfo(int fd, long blockAddress);

    int blockDiscard(int fd, long offset, long length);

    int blockZeroout(int fd, long offset, long length);

    /**
     * Flock, exclusive if {@code shared} is 0; -EWOULDBLOCK (-11) if another open file has one that excludes it. Ends with
     * {@link #close}.
     */
    int lock(int fd, int shared);

    // ---- Rings: many reads and writes of one file on their way at once. Each is one thread's; IoRing wraps them.

    /** The handle of a ring for {@code entries} requests on the open file; -errno where io_uring is refused. */
    long ringOpen(int fd, int entries, int flags);

    /** The eventfd that is signalled after requests were done, and maybe without reason. It is never read. */
    int ringEvent(long ring);

    int ringEntries(long ring);

    /** Notes a read; -EBUSY (-16) if the ring is full. The memory must stay until the tag has been reaped. */
    int ringRead(long ring, long address, long length, long offset, long tag);

    int ringWrite(long ring, long address, long length, long offset, long tag);

    /** Like {@link #ringWrite}, and durable when it is done. */
    int ringWriteDsync(long ring, long address, long length, long offset, long tag);

    /** Sends what was noted; returns how many, the last ones noted, the system did not take. They are forgotten. */
    int ringSubmit(long ring);

    /** Writes up to {@code capacity} pairs of tag and result, 16 bytes each; returns their number. Never waits. */
    int ringReap(long ring, long outAddress, int capacity);

    /** -EBUSY (-16), and nothing done, while requests are on their way. */
    int ringClose(long ring);

    /** Calls on that descriptor, of whatever kind, wait no more. */
    int setNonblocking(long descriptor);

    // ---- Memory

    /** Zeroed pages outside of core dumps; the address, or -errno. */
    long map(long length, int flags);

    /**
     * Address space of {@code length} bytes, a multiple of 2 MiB, outside of core dumps; nothing of it is touched yet, and
     * huge pages are asked for. The address, a multiple of 2 MiB, or -errno.
     */
    long reserve(long length);

    /** Puts memory behind the pages of these bytes, of a mapping of ours, now. 0, or -errno if there is not enough. */
    int populate(long address, long length);

    int unmap(long address, long length);

    /** No core dumps, and no debugger of the same user, for the whole process. */
    int setUndumpable();

    /** Keeps every page that is or comes into memory there, for the whole process; -EPERM (-1) without the right. */
    int lockProcess();

    int random(long address, long length);

    int wipe(long address, long length);

    /** 1 if equal, else 0; in constant time. */
    int equal(long first, long second, long length);

    /** Bytes of the locked pool that libcrypto uses now. */
    long poolUsed();
}
