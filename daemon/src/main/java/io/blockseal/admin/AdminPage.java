package io.blockseal.admin;

/** One page of the admin server, made anew for each request. On the admin loop: it must not block. */
@FunctionalInterface
public interface AdminPage {
    /** What the page says now. */
    Answer render();

    /**
     * A whole response.
     *
     * @param status HTTP status code
     * @param contentType with its character set
     * @param body text, sent as UTF-8
     */
    record Answer(int status, String contentType, String body) {
        /** A JSON document. */
        public static Answer json(int status, String body) {
            return new Answer(status, "application/json; charset=utf-8", body);
        }

        /** Plain text. */
        public static Answer text(int status, String body) {
            return new Answer(status, "text/plain; charset=utf-8", body);
        }
    }
}
