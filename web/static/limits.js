/** Every bound of the page, with its unit and reason. */

/** Lines held. The issue asks for 100,000; some 60 MB of memory with usual lines. */
export const HELD_LINES = 100_000;

/** Lines dropped at once from the front, so that a reader's place moves seldom. */
export const DROP_LINES = 2_000;

/** Characters held: keeps a log of 64 KiB lines from filling the tab (two bytes each at worst). */
export const HELD_CHARS = 64_000_000;

/** Records that wait while the view is paused or the tab sleeps; beyond, the oldest are dropped and counted. */
export const PENDING_RECORDS = 50_000;

/** Milliseconds between beats: 20 a second look continuous to a reader and cost a third of one for each frame. */
export const BEAT_EVERY_MS = 50;

/** Milliseconds of one beat spent on taking records in: some 4,000 lines, and a quarter of the time at most. */
export const BEAT_MS = 12;

/** Characters of one line shown in the list; the rest is in the line's details. */
export const SHOWN_CHARS = 4_000;

/** Highest element in CSS px: Chromium clamps near 33 million, Firefox near 17. */
export const TALLEST_PX = 15_000_000;

/** Backlog lines of a new view, all files together, and the bounds for one file. */
export const BACKLOG_LINES = 10_000;
export const BACKLOG_MIN = 100;
export const BACKLOG_MAX = 1_000;

/** Bytes of the socket's URL: servers refuse request lines over 8,192. */
export const URL_BYTES = 7_500;

/** Characters of a reason: it is a part of URLs, nine bytes a character at worst. The server takes more. */
export const REASON_CHARACTERS = 300;

/** Files whose last position is remembered. */
export const REMEMBERED_FILES = 5_000;

/** Milliseconds between polls of the hosts' states. */
export const POLL_MS = 5_000;

/** Milliseconds without a message before the connection counts as dead: two ticks and a half. */
export const SILENCE_MS = 40_000;

/** Milliseconds between attempts to reconnect: the first, and the longest. */
export const RETRY_FIRST_MS = 500;
export const RETRY_LONGEST_MS = 15_000;

/** Milliseconds between attempts while the audit log can't be written: a person has to act. */
export const RETRY_AUDIT_MS = 30_000;

/** Milliseconds after the last key before a pattern is applied. */
export const TYPING_MS = 450;

/** Milliseconds behind its place from which on a line is called late: less is logs whose stamps are whole seconds. */
export const LATE_MS = 2_000;

/** Lines that one click on a gap loads: as many as the server gives at once. */
export const FILL_LINES = 1_000;

/** Lines before, and after, a line that its context shows at first; that each click adds; and at most, as the server's. */
export const CONTEXT_FIRST = 10;
export const CONTEXT_MORE = 50;
export const CONTEXT_MOST = 1_000;

/** Seconds over which the errors of a host are counted: what happens now, and still there after a look away. */
export const ERRORS_S = 60;

/** Errors in that time from which on a host is named above the others: a few are any host's every day. */
export const HOT_ERRORS = 10;

/** Hosts from which on the side panel gets a search box. */
export const SEARCH_FROM_HOSTS = 16;

/** Lines of the past that one request asks for: some screens, and the most the server gives at once. */
export const PAST_LINES = 1_000;

/** Rows beside an end of what is held that may come again when it is read on from their time. */
export const NEAR_LINES = 2_000;

/** Pages that are read before the past takes the place of a live view's older lines, so that the reader's line is in it. */
export const SWAP_PAGES = 4;

/** Bars of a histogram: as many as a phone shows apart. */
export const BUCKETS = 90;

/** Milliseconds that the exact counts wait for the lines: those of a dead host must not hold them up for long. */
export const COUNT_AFTER_MS = 2_000;
