package io.blockseal.keysource;

/**
 * A key source did not let us in, as what we show to it is not its PIN: as definite as a wrong passphrase, and each try may
 * be one of the last that there are. The source itself is there and has said nothing about the key.
 *
 * <p>Whoever throws it is asked again, each minute for days by a daemon that serves the volume: so it remembers what was
 * refused, shows that no second time, and looks each time whether something else was put in its place.
 */
public class WrongPinException extends KeySourceException {
    /** In words for an operator. */
    public WrongPinException(String message) {
        super(Kind.MISCONFIGURED, message);
    }

    /** Likewise, keeping the cause for DEBUG logs. */
    public WrongPinException(String message, Throwable cause) {
        super(Kind.MISCONFIGURED, message, cause);
    }

    @Override
    public KeySourceException inWords(String message) {
        return new WrongPinException(message, this);
    }
}
