package io.blockseal.audit;

import java.util.Locale;

/** What can happen to a volume that an auditor asks about. The words are for searching and never change. */
public enum AuditEvent {
    /** A volume was opened here for the first time, and its identity is remembered from now on. */
    IDENTITY_PINNED,
    /** An operator vouched for an identity that this host did not know, or knew otherwise. */
    IDENTITY_TRUSTED,
    /** A volume was refused because its volume key is not the one that was expected. */
    IDENTITY_REFUSED,
    /** A volume was refused because its metadata is older than what this host has seen of it. */
    ROLLBACK_REFUSED,
    /** An operator accepted metadata that is older than what this host has seen of it. */
    ROLLBACK_ACCEPTED,
    /** The metadata was copied to a backup. */
    HEADER_BACKUP,
    /** The metadata was replaced by that of a backup. */
    HEADER_RESTORE,
    /** Data from elsewhere was about to be copied into the volume. */
    DATA_IMPORT,
    /** The volume's data was about to be copied, deciphered, to somewhere else. */
    DATA_EXPORT,
    /** Damaged metadata was repaired. */
    REPAIR,
    /** A vault, a module or a program was asked to wrap or unwrap a volume key, or about its key, and what it answered. */
    KEY_USED,
    /** A key source has said for good that it gives the key no more; the time of grace begins. */
    KEY_ACCESS_REVOKED,
    /** And is over: what the configuration says becomes of the volume. */
    KEY_ACCESS_ENDED,
    /** It gives the key again. */
    KEY_ACCESS_RESTORED,
    /** A volume was made. */
    VOLUME_CREATED,
    /** A volume was made larger. */
    VOLUME_RESIZED,
    /** A volume was opened: the volume key was unwrapped, and proven to be the right one. */
    VOLUME_OPENED,
    /** A key unwrapped the volume key, by whatever command. */
    KEY_ACCEPTED,
    /** No given key opened a volume. */
    KEY_REFUSED,
    /** No given key opened a volume, and a key source that might have could not be asked. */
    KEY_SOURCE_FAILED,
    /** One more key opens the volume. */
    KEY_SLOT_ADDED,
    /** Another key opens the volume in the place of one that does no longer. */
    KEY_SLOT_REWRAPPED,
    /** A key slot is tried earlier or later than before, or on request only. */
    KEY_SLOT_PRIORITY,
    /** A key opens the volume no longer. */
    KEY_SLOT_REMOVED,
    /** A volume got another volume key; what was wrapped under the one before is being wrapped anew. */
    VOLUME_KEY_ROTATION_BEGUN,
    /** Nothing of a volume is under the volume key before any more, and that key is destroyed. */
    VOLUME_KEY_ROTATED,
    /** A volume's identity changed because its volume key was rotated, and this host remembers the new one. */
    IDENTITY_ROTATED,
    /** An operator said that keys may be known to somebody, and all of them are being replaced. */
    LEAK_RESPONSE_BEGUN,
    /** All keys that may have been known to somebody are replaced. */
    LEAK_RESPONSE_ENDED,
    /** The keys of ranges were destroyed, and with them what was written under them. */
    RANGES_SHREDDED,
    /** Ranges got new keys, and what lay in them was enciphered anew; the old keys were destroyed. */
    DEKS_ROTATED,
    /** The configuration's limits had a job begun that rotates keys of ranges. */
    DEK_ROTATION_BY_POLICY,
    /** All metadata of a volume was destroyed, and with it whatever opens the volume. */
    VOLUME_ERASED,
    /** A client was let in to an export. */
    CLIENT_OPENED,
    /** It is gone. */
    CLIENT_CLOSED,
    /** A client asked for an export that its access list keeps from it. */
    CLIENT_REFUSED,
    /** The configuration was loaded again, or was refused. */
    CONFIG_RELOADED,
    /** Somebody gave an order through the control socket. */
    CONTROL_CALL,
    /** Somebody was not let in to the control socket. */
    CONTROL_REFUSED,
    /** A KEK was destroyed at its source. */
    KEK_DESTROYED,
    /** The keys of all ranges left the process, for another program to read the volume. */
    KEYS_EXPORTED,
    /** The keys of an open volume were taken out of memory. */
    VOLUME_LOCKED,
    /** They were brought back. */
    VOLUME_UNLOCKED,
    /** The first line of an audit log. */
    LOG_BEGUN,
    /** The first line of a file that goes on from another one, which was renamed. */
    LOG_CONTINUED,
    /** The end of an audit log was not as it had been left; what was found stays as it is, and is told of here. */
    LOG_REPAIRED,
    /** Acts could not be written for so long that some of them are not in the file. */
    LOG_GAP;

    /** The word in the log, as in {@code rollback-accepted}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
