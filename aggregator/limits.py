"""Every number that bounds something, with its unit and its reason."""

# --- Hosts (aggregator.remote) -----------------------------------------------------------------------------------

FOLLOWS_PER_CONNECTION = 6  # channels; with the two below, under sshd's default MaxSessions of 10
COMMANDS_PER_CONNECTION = 2  # channels for short commands: listing, reading a range
FOLLOWS_PER_HOST = 24  # files; the product of follows per connection and the connections of a host
CONNECTIONS_PER_HOST = 4  # connections; more follows than these carry are a notice that names the files
DIALS_AT_ONCE = 128  # handshakes under way over all hosts: dead hosts must not keep the living ones waiting
DIALS_PER_SERVER = 8  # handshakes at once with one sshd, or through one: its MaxStartups starts refusing at 10
RESOLVERS = 64  # threads that look names up; libuv's own 4 are soon all waiting for a name server that is silent
BACKOFF_BASE = 1.0  # seconds; the n-th wait is uniform in [0, base * 2**n] (full jitter), never over the cap
BACKOFF_CAP = 25.0  # seconds; a host that comes back is live again within half a minute
FAILED_RETRY = 120.0  # seconds before a host that needs a person is tried again, doubled each time: OpenSSH >= 9.8 bans
FAILED_CAP = 960.0  # seconds; at most eight attempts in an hour of failing logins
FAILED_FILE_RETRY = 10.0  # seconds before a file that could not be opened is tried again
KEEPALIVE_MISSED = 3  # unanswered keepalives after which a connection counts as lost
COMMAND_TIMEOUT = 20.0  # seconds for a short command on a host
HEADER_TIMEOUT = 15.0  # seconds until a follow or a read has said what it opened
CLOSE_TIMEOUT = 3.0  # seconds for a connection to close before it is cut
HEARTBEATS_WAITING = 16  # bytes, heartbeats that a host does not take; no more are sent then
HEARTBEAT = 10.0  # seconds between newlines sent to a follower; it ends itself after 45 s without
CHANNEL_BUFFER = 1 << 20  # bytes received and not yet read, per channel: SSH's window
CHANNEL_SMALL = 1024  # bytes of a packet below which the next one is joined to it: a host may send them byte by byte
CHANNEL_READ = 32 << 10  # bytes taken from it at once: some ms of work, so that a burst does not hold up the others
CHANNEL_STDERR = 8 << 10  # bytes of a command's stderr that are kept
FILES_PER_GLOB = 500  # files that one path pattern may find on one host
KNOWN_BYTES = 4000  # of the list of files that need not be looked into again, which a request carries
GATED_OPENINGS = 20  # files of a pattern that are opened to see whether a gate lets them be read
GATE_ROOTS = 100  # folders that the gate on a host may name
GENERATIONS = 100  # files beside a log that are looked at as its generations
PROOF_BYTES = 1024  # bytes before an address that prove, hashed, that it is still the same place
GLOB_INTERVAL = 10.0  # seconds between two listings of a path pattern
SESSION_END = 0.3  # seconds that sessions which end on a host get before a refusal of one more counts
SESSION_ENDS = 10  # times that, where all its sessions are ending: a busy host takes seconds for it
LOGIN_NOISE = 64 << 10  # bytes that a login shell may print before our command runs: messages of the day
PROBE_BYTES = 4 << 10  # bytes of a probe's answer that are read
PROBE_USER = 64  # characters of the user's name in it
FILE_BYTES = 1 << 48  # bytes of a file that a host may claim: what the 12 hexadecimal digits of a position can say
LAST_SECOND = 253_402_300_799  # seconds since the epoch of the last mtime that can be written as a date: year 9999

# --- Doctor (aggregator.doctor) ----------------------------------------------------------------------------------

DOCTOR_BYTES = 4 << 20  # bytes of an answer of a host's that are read: some 40,000 files
DOCTOR_COMMAND = 32 << 10  # bytes of path patterns in one command; Linux takes an argument of 128 KiB
CLOCK_WARN = 2.0  # seconds that a host's clock may be off before somebody is told
CLOCK_FAIL = 60.0  # seconds; beyond FUTURE_STAMP, and stamps of different hosts say nothing about each other any more

# --- Lines (aggregator.stream) -----------------------------------------------------------------------------------

LINE_BYTES = 65_536  # bytes of a line that are delivered; longer ones are clipped and say their whole length
HEAD_BYTES = 1024  # bytes of a generation's first line that its hash is taken over
MERGE_HOLD = 0.18  # seconds that a view of several files holds a line back for the order's sake: with the beat, 0.2
HOSTS_BEAT = 0.1  # seconds after a host's change until the hosts in each state are counted: thousands may change
MERGE_BEAT = 0.01  # seconds that what is due waits for more to go out with it
MERGE_LINES = 50_000  # lines that a view holds back at most; what is over goes out at once
FUTURE_STAMP = 60.0  # seconds; a stamp further ahead than this does not move its file's place in the order
ONCE_BYTES = 128 << 20  # bytes of backlog that one viewer's files collect to be sorted; then what is there goes out
LINE_COST = 512  # bytes of memory that a line takes beside its text

# --- Hub and views (aggregator.hub) ------------------------------------------------------------------------------

TAIL_WINDOW = 64 << 10  # bytes before the end at which a new tail starts: most viewers' backlog in one round trip
RING_BYTES = 4 << 20  # bytes of memory kept behind each tail for viewers that join
RINGS_BYTES = 512 << 20  # bytes of memory for the rings of all tails, shared evenly
RING_LEAST = 64 << 10  # bytes of memory for a ring, however many there are
BATCH_COST = 512  # bytes of memory that a batch in a ring takes beside its text
DATED_LINGER = 3600.0  # seconds that yesterday's file of a dated path is followed on, for late lines
RESTARTS = 20  # times in a row that a file may turn out to be another before it was read to its end: some 5 s
LOCATE_TRIES = 3  # times that a lost place is looked for before it counts as gone
LOCATE_PAUSE = 0.3  # seconds between two of these
LISTINGS = 5  # listings of generations until two agree: one taken amid a rotation may miss a file
LOOK_BACKS = (2.0, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0)  # seconds after its end that a closed generation is looked at
PARTIAL_LOOKS = 3  # of these before a closed generation's last line is given out without its newline: 17 s
PLACES_INTERVAL = 1.0  # seconds between two writings of the places of logs, where something has changed
PLACES_SHARE = 20.0  # times what a writing took that the next one waits: a slow disk is not kept busy
PLACES_REFRESH = 600.0  # seconds after which they are written though nothing has changed: when they were seen counts
PLACES_AGE = 3600.0  # seconds that a log's place is kept after it was followed last
PLACES_LOGS = 10_000  # logs whose places are kept; some 3 MiB
PLACES_ENDED = 8  # closed generations of a log that are kept with it: those that are still looked back at
PLACES_BYTES = 32 << 20  # bytes of the file with the places; a larger one is not ours
GAP_PATIENCE = 5.0  # seconds that a gap waits for the line after it, to name it; rotation may leave an empty file
NAME_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)  # seconds between looks for a log whose name is missing: rotation is quick
FAR_END = 1 << 53  # bytes; "to the end" where a length must be a number that every shell can add to
TAIL_LINGER = 30.0  # seconds that a tail is kept after its last viewer
BACKLOG_LINES = 100_000  # lines of backlog per file that a viewer may ask for
BACKLOG_BYTES = 32 << 20  # bytes that a backlog is read back for at most, per file
BACKLOG_CHUNK = 1_000  # lines of backlog given out at once
BACKLOGS_AT_ONCE = 16  # files whose backlog one viewer has read at the same time
BACKLOG_PART = 4 << 20  # bytes of lines after a position that are given out at once
READ_CHUNK = 1 << 20  # bytes of one read by address; grows fourfold while a backlog is looked for
ROOM_BEAT = 0.05  # seconds between two looks whether any viewer of a file takes more
CONTEXT_LINES = 1_000  # lines before, and after, a line that its context may have
BLOCK_LINES = 1_000  # lines of history that are given out at once
HISTORY_NOTES = 1_000  # notes of one search about what went another way than usual
MERGE_PATIENCE = 0.75  # seconds that lines of history wait for slower hosts, where late ones can be put in place
BUCKETS = 60  # buckets of a histogram when nobody says
BUCKETS_MOST = 1_000  # buckets of one; more than a screen has columns for
HISTOGRAM_RANGE = 3600.0  # seconds before `until` that one begins when nobody says
PAGE_USUAL = 1_000  # lines of one page of history when nobody says
PAGE_LINES = 10_000  # lines of one page of history
SEARCH_LINES = 999_999_999  # lines that a terminal's search may be limited to
PAGE_BYTES = 32 << 20  # bytes of memory that the lines of one page take; its cursor goes on
PAGE_SCAN = 256 << 20  # bytes read for one page, where a filter passes few of them; its cursor goes on
ENTRY_BYTES = 1 << 20  # bytes of memory of a multi-line record that are decided together; a longer one is cut there
HITS_BYTES = 64 << 20  # bytes of memory of what one reader of history has waiting in all its files
HITS_LEAST = 256 << 10  # bytes of it that a file may have, however many files there are
HITS_MOST = 4 << 20  # bytes of it that a file may have, however few
USUAL_LINE = 120.0  # bytes of a line, where none was seen
USELESS_LEAST = 8 << 10  # bytes of lines that are read one by one, though some lie outside the range
CHUNK_FIRST = 64 << 10  # bytes of the first read back into a file's past where a filter makes it hard to tell how many
CHUNK_PAGE = 512 << 10  # bytes of it at most, where all lines are wanted and a page of them has so many
SIFT_LEAST = 128 << 10  # bytes of a log from which its host searches it; less is read faster than searched
SIFT_RARE = 16  # lines found in what is read first of a file's past, below which its host searches the rest
SIFT_FIRST = 16 << 20  # bytes of the first search back into a file's past where some were found; the later are larger
SIFT_MOST = 1 << 30  # bytes of one at most: some seconds of reading before its newest hits come
SIFT_GROWTH = 64  # times the size of the one before that one may have, while little is found
SIFT_LOST = 4  # times the room of a file's hits that a search may find too much, before a shorter one is tried
SIFT_MENDS = 3  # records of a compressed file that are read on for themselves, before all of it is read
CHUNK_MOST = 4 << 20  # bytes of a later one; each is four times the one before while little is found
CHUNK_LINES = 200  # lines found in one that are enough; the next one is no larger then
SETTLE_LEAST = 16 << 10  # bytes before a line that are read, paging backward, before it has its place among other files
SETTLE_MOST = 1 << 20  # bytes of them where stamps are seen to go back: some two minutes of a busy log
LANE_LINES = 100  # lines that wait of each file for a page, at least: hosts take turns, not strictly
DOWNLOAD_STALL = 300.0  # seconds that a download may not read at all: a person may be asked where to put it
PROGRESS_BEAT = 0.5  # seconds between two records of how far a search has come
HISTORY_PAUSE = 2.0  # seconds that a read goes on waiting for a slow reader before it lets the host go
HEAVY_SCAN = 64 << 20  # bytes on one host from which a search waits for its turn there: some seconds of reading
MAX_SCAN = 4 << 30  # bytes that a search may read of one host unless more is allowed
MAX_SCAN_MOST = 1 << 50  # bytes that may be allowed: more than a host has
HISTORY_LINGER = 30.0  # seconds that connections are kept after a read of history: the next page comes soon
HISTORY_PATIENCE = 5.0  # seconds beyond a host's connect_timeout that a reader of history waits for it
HISTORY_AGAIN = 1.0  # seconds that it waits for one that let it wait in vain a moment ago
HISTORY_TROUBLE = 60.0  # seconds that this is remembered: the pages of a range come one after the other
ESTIMATE_PATIENCE = 0.75  # seconds that an estimate waits for more once some hosts have answered
COUNTS_SHARE = 20.0  # times what telling the counts so far took that the next telling waits: counting goes first
DATED_DAYS = 100  # days of a range for which the names of dated files are worked out; beyond, all are looked at
CURSOR_CHARACTERS = 200 << 10  # of a cursor, which must fit into a request's head: some 3,500 files
QUEUE_LINES = 20_000  # lines that wait for one viewer
QUEUE_BYTES = 8 << 20  # bytes of lines that wait for one viewer
VIEWER_STALL = 30.0  # seconds that a viewer may not read at all before it is ended
VIEWERS = 500  # viewers at once
FILES_PER_VIEW = 5_000  # files of one view
LEFT_OUT = 100  # files beyond a view's end that its viewers are told of
AFTER_POSITIONS = 5_000  # `after` parameters of one request
TICK = 15.0  # seconds of quiet after which a viewer gets a tick

# --- Searching on hosts (aggregator.history) ----------------------------------------------------------------------

SCANS_PER_CONNECTION = 1  # channels of searches; they may wait long for whoever reads, and short commands must not
SCAN_CONTEXT = 20  # lines before and after a hit that come with it: most records come whole in one pass
SCAN_KIB = 512 << 10  # KiB of memory for a process of a search on a host; grep takes twice its longest line
SCAN_CPU = 600  # seconds of processor time for one; some 500 GiB of text, or 100 GiB of compressed text
SCAN_SILENCE = 4.0  # seconds over its connect_timeout that a host may say nothing in a search; it says so every one
SCAN_IDLE = 600  # seconds in which a host that is still at it finds nothing and reads no further, before it is given up
SCAN_LITERAL = 2  # bytes of a text that hosts look for at least; a shorter one is in nearly every line
SCAN_FRAME = 2 << 20  # bytes of the file around a hit that come at once from a host without GNU grep
SCAN_GROWTH = 16 << 20  # bytes behind its end that a file may have in a search: a line that goes on there
READ_GROWTH = 1 << 30  # bytes that a file may grow by while it is read to its end
SCAN_WINDOW = 256 << 20  # bytes that are read at once, growing fourfold to it, for the end of a line that has no end
UNPACKED_PIECE = 256 << 10  # bytes of text that are decompressed at once here: some ms of work
UNPACKED_LEAST = 2 << 20  # bytes of a compressed file that count at least for the next, for small files of one line
UNPACKED_RATIO = 512  # times its size (2 MiB at least) that a compressed file's text may be; logs come to 100

# --- Door and audit log (aggregator.access) ----------------------------------------------------------------------

AUDIT_SYNC_INTERVAL = 0.02  # seconds between two fdatasyncs: one for all who ask meanwhile, and no page waits long
AUDIT_WRITE_TIMEOUT = 2.0  # seconds for a record to reach the disk; a log that hangs longer is out
AUDIT_RETRY = 1.0  # seconds between two tries to write again while nobody asks: the log heals by itself
AUDIT_RECORDS = 1024  # records that wait for the disk with somebody waiting for them; above it, refused
AUDIT_NOTES = 16_384  # records that wait for the disk with nobody waiting (closes); above it, lost and counted
AUDIT_RECORD_BYTES = 16 << 20  # bytes of one record; a view of FILES_PER_VIEW long paths is some 2 MiB
AUDIT_CHECKPOINT_RECORDS = 1_000  # records after which the chain is signed
AUDIT_CHECKPOINT = 600.0  # seconds after which new records are signed, however few
AUDIT_FILE_BYTES = 256 << 20  # bytes after which a new file goes on with the chain
AUDIT_RANGES = 64  # ranges of positions of one file that a close record holds; more are joined, and said to be
AUDIT_RANGES_RECORD = 8192  # ranges of all files in it: some 2 MiB
AUDIT_PROGRESS = 60.0  # seconds between two progress records of a view
AUDIT_PROGRESS_BYTES = 64 << 20  # bytes of text after which one comes before that
AUDIT_COPY_RECORDS = 16_384  # records that wait for a syslog server that is out; above it, the oldest are not sent
AUDIT_COPY_TIMEOUT = 2.0  # seconds for a syslog server to take a record; one that hangs longer is out
AUDIT_COPY_BYTES = 64 << 20  # bytes of them
AUDIT_COPY_AGAIN = 64  # records that are sent again after a connection was lost: some may not have arrived
AUDIT_TAIL_BLOCK = 64 << 10  # bytes of one read backwards from the log's end, looking for its last record

# --- Inventory (aggregator.inventory) ----------------------------------------------------------------------------

INVENTORY_BYTES = 4 << 20  # bytes of one file; 10,000 hosts written out one by one are some 2 MiB
INVENTORY_DEPTH = 32  # nested lists and mappings; the deepest key of the schema is seven deep
INVENTORY_NODES = 300_000  # values of one file with its aliases written out: an alias bomb ends here, unexpanded
INVENTORY_READ = 10.0  # seconds for an inventory that comes through a pipe to arrive
INVENTORY_HOSTS = 10_000  # hosts; a folded range is counted before it is expanded
GROUP_DEPTH = 50  # groups that refer to groups, in a row
INVENTORY_FAULTS = 1_000  # faults that are reported; whoever has more will look at the first ones
NAME_CHARACTERS = 255  # of a name of a host, group, source or label: what a DNS name and a file name may hold
PATH_BYTES = 4096  # bytes of a path: Linux's PATH_MAX
SELECTOR_CHARACTERS = 16 << 10  # of one selector: 1,000 names in a row; folded ones are far shorter
SELECTOR_TERMS = 2_048  # names, ranges, wildcards and groups of one selector; each may be a set of all hosts
SELECTOR_LOOKS = 1_000_000  # hosts that wildcards look at and groups bring in, for one selector: some 150 ms of work
SELECTOR_NAMES = 20_000  # names that the ranges of one selector may expand to
SELECTOR_FAULTS = 10  # faults that are reported of one selector
HINT_NAMES = 2_000  # names that are looked through for a "did you mean"; more would take too long for a request

# --- Stamps, levels, filters (aggregator.stream) -----------------------------------------------------------------

STAMP_PREFIX = 384  # characters at a line's start in which its stamp begins; room for a client's address and name
KEYED_PREFIX = 4096  # characters of a JSON or logfmt line in which the keys of stamp and level are looked for
LEVEL_PREFIX = 256  # characters at a line's start in which its level stands
LEVEL_TOKENS = 10  # tokens in which it stands: date, time, zone, host, process, thread and logger may come before
STAMP_AHEAD = 86_400.0  # seconds that a stamp without a year may be ahead of now, before it is last year's
STAMP_BEHIND = 10 * 366 * 86_400.0  # seconds that a bare epoch number may be old; others of ten digits are no stamps
FOLD_JITTER = 5.0  # seconds that a line may be older than the one before without the hour of a fold having passed
PATTERNS = 16  # patterns of each of `grep` and `exclude`; each may hold PATTERN_MEMORY
PATTERN_CHARS = 1024  # characters of one pattern
PATTERN_MEMORY = 8 << 20  # bytes of one compiled pattern; RE2's own default, with less its slow path comes sooner
PATTERN_PROGRAM = 10_000  # RE2 instructions of one pattern; its slow path then takes a second for the longest line
SPANS = 100  # match spans sent with one line, for highlighting

# --- Demo fleet (aggregator.demo) --------------------------------------------------------------------------------

DEMO_HOSTS = 8  # hosts when nobody says; enough for three roles, few enough for one page
DEMO_HOSTS_MAX = 200  # each listens on a port and holds some ten open files of this one process
DEMO_RATE = 40.0  # lines per second over all hosts when nobody says; one can still read along
DEMO_RATE_MAX = 20_000.0  # lines per second that one thread can make up and write
DEMO_BEAT = 0.1  # seconds between two writes: quick for the eye, cheap for the machine
DEMO_CATCH_UP = 5.0  # seconds of missed beats that are made up for after the machine slept
DEMO_HISTORY = 3600.0  # seconds of log that are there at the start
DEMO_HISTORY_LINES = 3_000  # lines of that for each file, on average
DEMO_HISTORY_TOTAL = 120_000  # lines of that over all files: about a second to make them up
DEMO_DISK = 128 << 20  # bytes that all files with their old generations may take, about
DEMO_FILE = 2 << 20  # bytes at which a file is rotated at the latest
DEMO_GENERATIONS = 3  # rotated generations that are kept of each file
DEMO_ROTATION = 90.0  # seconds between two rotations of some file, so that there is one to see
DEMO_PIPE = 64 << 10  # bytes read at once from a command
DEMO_STOP = 5.0  # seconds for the sessions of a host to end when the demo ends

# --- Web's guard (web.guard) -------------------------------------------------------------------------------------

REQUEST_BODY_BYTES = 64 << 10  # bytes of a request's body: a login form is the largest that there is
SHOWN_HEADER = 200  # characters of a foreign Host or Origin that a refusal repeats

# --- Serving (aggregator.cli, web) -------------------------------------------------------------------------------

OUTPUT_BEAT = 0.5  # seconds between two looks whether anybody still reads what a terminal command prints
CLIENT_MESSAGE = 256 << 20  # bytes of a message from a server that a terminal takes: a burst of backlog
OPEN = 15.0  # seconds for a server to answer a terminal
SEARCH_PATIENCE = 3600.0  # seconds that a terminal waits for a server's next bytes: a search says nothing meanwhile
TERMINALS = 32  # state folders that terminals of one user share out among themselves
WS_MESSAGE = 1024  # bytes of a message from a browser: it has nothing to say
REQUEST_HEAD = 256 << 10  # bytes of a request line and its headers: a page's `after` of many files is long
REQUEST_HEAD_PATIENCE = 10.0  # seconds for a connection to say what it wants: half a request must not be held open
OPEN_FILES = 16_384  # descriptors that are asked for: some thousand viewers and hosts
DRAIN = 5  # seconds for answers to end at a stop, the next ones among them
FAREWELL = 2  # seconds for views to tell their end, before the server closes their sockets in its own words
FAREWELL_BEAT = 0.02  # seconds between two looks whether they have
BACKLOG_CONNECTIONS = 256  # connections that wait to be accepted

# --- Redaction (aggregator.stream.redact) ------------------------------------------------------------------------

REDACT_CONTEXT = 64 << 10  # characters of a record that are kept, so that a pattern may cross batches
REDACT_KEY_LINES = 200  # lines after its first in which a private key may go on: RSA of 16,384 bits has some 200
REDACT_KEY_ODD = 3  # of these, in a row, that do not look like one: then it has ended without saying so
REDACT_LOOKBACK = 64 << 10  # bytes before a place that are looked at where a key may go on: those lines, with stamps
REDACT_LOOKS = 100  # such looks in one read of a file; after that, what may be a key's is taken for one
REDACT_BEYOND = 4 << 10  # bytes behind a clipped line's delivered part, for a secret that crosses its end
REDACT_GENERATIONS = 8  # generations of a log of which late lines may come between those of others
REASON_CHARACTERS = 1000  # of the reason for raw text: a sentence or two, and a ticket's address
REDACT_MEMORY = 64 << 20  # bytes that RE2 may take for the built-in kinds in one pattern

# --- Logins (aggregator.access) ----------------------------------------------------------------------------------

PASSWORD_BYTES = 1024  # bytes of a password; longer ones never fit
PASSWORD_CHECKS = 2  # argon2 checks at once: each takes 64 MiB
SESSIONS = 10_000  # browsers that are logged in at once
SESSION_IDLE = 8 * 3600.0  # seconds without a request or an open view after which a login ends
SESSION_LIFE = 24 * 3600.0  # seconds after which a login ends whatever happens
LOGIN_WINDOW = 900.0  # seconds that failed logins are counted over
LOGIN_FAILURES_USER = 10  # failures of one user in it, from wherever
LOGIN_FAILURES_ADDRESS = 50  # failures from one address in it: many people may share it
SECRET_LEAST = 16  # bytes of a proxy's secret; shorter ones can be guessed
SECRET_BYTES = 4096  # bytes of it that are read
REVOKE_BEAT = 2.0  # seconds between two looks whether those who watch may still do so
LOGIN_KEYS = 20_000  # users and addresses whose failures are remembered

# --- The past (aggregator.history) -------------------------------------------------------------------------------

STAMP_DISORDER = 120.0  # seconds that a stamp may be older than one before it in its file and still be found by time
SEEK_HEAD = 2048  # bytes of a generation's beginning, and of its end, that its listing brings: some 15 lines
SEEK_BLOCK = 4096  # bytes of one look into a file: some 30 lines, and what a disk reads at least
SEEK_WIDE = 16  # blocks of a second look where the first held no stamped line: a stack trace, a long JSON line
SEEK_PARTS = 16  # parts that one round trip cuts a range into where nothing tells how lines are spread over it
SEEK_NARROW = (8192, 256, 16)  # where two stamps do: looks at these parts of the range around where a time should be
SEEK_CHECKS = 10  # parts of some two hours around a place that are looked at where an hour may be repeated
SEEK_NEAR = 256 << 10  # bytes that a place is not narrowed down any more: they are read sooner than looked at again
SEEK_FOLD = 3900.0  # seconds around a place in which clocks that are put back may repeat an hour
SEEK_ROUNDS = 10  # round trips at most; what is not narrowed down by then is read
SURVEY_ROUNDS = 2  # round trips in which the ends of a range are looked for when it is only estimated
SURVEY_PARTS = 64  # looks into a range for an estimate: one for each bucket of a histogram, about
SEEK_FIRST = 64 << 10  # bytes of a compressed file's text in which its first stamp is looked for
SEEK_SAMPLES = 100_000  # looks that are remembered, over all files: some 20 MiB
SEEK_SETTLED = 5.0  # seconds after its last write that a file counts as described by its inode, size and mtime
