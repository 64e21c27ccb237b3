/**
 * The shapes that the server sends and that the modules share. Unknown keys and types are ignored.
 *
 * @typedef {"idle"|"connecting"|"live"|"waiting"|"failed"} State
 *
 * @typedef {object} HostInfo one entry of `GET /api/v1/hosts`
 * @property {string} name
 * @property {string} address
 * @property {Record<string, string>} labels
 * @property {string[]} groups
 * @property {State} state
 * @property {string|null} error what is wrong and what to do, in words
 * @property {number|null} lag_s seconds
 * @property {number|null} clock_skew_s seconds
 * @property {number|null} [poll_s] seconds between two looks at a file there
 * @property {boolean|null} [gated] whether a gate there limits what may be done; null while that is not known
 *
 * @typedef {object} FileInfo
 * @property {string} host
 * @property {string} path
 * @property {State} state
 * @property {string|null} error
 *
 * @typedef {object} SourceInfo one entry of `GET /api/v1/sources`
 * @property {string} name
 * @property {string} kind
 * @property {FileInfo[]} files
 *
 * @typedef {object} Me `GET /api/v1/whoami`
 * @property {string} name
 * @property {"local"|"session"|"token"|"proxy"} via what shows who the reader is; `local`: nothing need be shown
 * @property {string[]} roles
 * @property {boolean} [reveals] whether they may see hidden text somewhere
 *
 * @typedef {object} LineRecord
 * @property {"line"} type
 * @property {string} host
 * @property {string} source
 * @property {string} path
 * @property {string} position opaque address of the line
 * @property {string} time RFC 3339, UTC
 * @property {string|null} level
 * @property {string} text without its newline; may hold control characters
 * @property {boolean} [stamped] false: `time` is not the line's own
 * @property {boolean} [late] it came after its place in the order
 * @property {boolean} [clipped]
 * @property {number} [length] bytes of the whole line, when clipped
 * @property {[number, number][]} [spans] matches: start and end, in Unicode code points
 * @property {boolean} [redacted] `[redacted:NAME]` stands in `text` for secrets
 * @property {string} [record] position of the first line of its multi-line record
 *
 * @typedef {object} GapRecord
 * @property {"gap"} type
 * @property {string} host
 * @property {string} source
 * @property {string} path
 * @property {string|null} from
 * @property {string|null} to
 * @property {number|null} lines
 * @property {number|null} bytes
 * @property {string} reason
 * @property {string|null} [cursor] the page's own: what was before it is loaded already
 *
 * @typedef {object} NoticeRecord
 * @property {"notice"} type
 * @property {string} host
 * @property {string} [source]
 * @property {string} [path]
 * @property {State} state
 * @property {string} detail
 *
 * @typedef {{type: "tick", time: string}} TickRecord
 * @typedef {{type: "end", reason: string}} EndRecord
 * @typedef {LineRecord|GapRecord|NoticeRecord|TickRecord|EndRecord} StreamRecord
 *
 * @typedef {object} LineRow a line as the list holds it
 * @property {"line"} kind
 * @property {number} time ms since the epoch; -Infinity where unknown
 * @property {string} file `host source path`, shared by all rows of one file
 * @property {number} height lines of the screen it takes
 * @property {number} version counted up when it is to be drawn anew
 * @property {number} behind ms that it came after its place in the order; 0: in time
 * @property {LineRecord} record
 *
 * @typedef {"plain"|"good"|"warn"|"bad"} Tone
 *
 * @typedef {object} MarkRow a sentence between the lines: a gap, a notice, a word about the connection
 * @property {"mark"} kind
 * @property {number} time
 * @property {string} file empty: of no file
 * @property {number} height
 * @property {number} version
 * @property {string} host empty: of no host
 * @property {string} text
 * @property {Tone} tone
 * @property {GapRecord|null} gap whose lines can be loaded
 * @property {boolean} busy they are being loaded
 * @property {boolean} [ends] it says that there is nothing before it
 *
 * @typedef {LineRow|MarkRow} Row
 *
 * @typedef {object} LinesPage answer of `GET /api/v1/lines` and `/api/v1/context`
 * @property {LineRecord[]} lines oldest first
 * @property {string|null} cursor goes on after them
 * @property {boolean} complete
 * @property {Failure[]} failed
 *
 * @typedef {object} View what is asked of the server, as it stands in the URL
 * @property {string} hosts a selector; empty: all
 * @property {string[]} source empty: all
 * @property {string[]} grep
 * @property {string[]} exclude
 * @property {string} level empty: all
 * @property {string} since RFC 3339 or `-15m`; empty: the live view
 * @property {string} until RFC 3339 or `-5m`; empty: now
 * @property {string} at position of a line; what is around it is shown then, whatever the range
 *
 * @typedef {object} Failure a host that was not read, or not to the end
 * @property {string} host
 * @property {string} detail
 * @property {number} [to_scan] bytes that it would have to read, when that is more than is allowed unasked
 *
 * @typedef {object} Note what went another way than usual on a host; nothing is missing by it
 * @property {string} host
 * @property {string} detail
 *
 * @typedef {object} ProgressRecord how far a host is; all numbers since the question was asked
 * @property {"progress"} type
 * @property {string} host
 * @property {string} stage
 * @property {number} scanned bytes
 * @property {number|null} to_scan bytes
 * @property {number} matches
 *
 * @typedef {object} Answered the end of an answer about the past
 * @property {string|null} cursor goes on after it; null: all there is was given out
 * @property {boolean} complete
 * @property {number} scanned_bytes
 * @property {Failure[]} failed
 * @property {boolean} [late] lines that belong among those that came are still to come, with the cursor
 * @property {Note[]} [notes]
 * @property {string} [reason] `complete`, or why it ended before
 * @property {string} [detail] the same in words
 *
 * @typedef {object} Bucket
 * @property {string} start RFC 3339
 * @property {number} count lines
 * @property {Record<string, number>} [by_host]
 * @property {Record<string, number>} by_level
 *
 * @typedef {object} Histogram answer of `GET /api/v1/histogram`
 * @property {Bucket[]} buckets
 * @property {boolean} exact false: `count` is an estimate by the bytes
 * @property {boolean} complete
 * @property {Failure[]} failed
 * @property {string} [until] RFC 3339, where the last bucket ends
 * @property {Histogram} [guess] the page's own: this is what was counted so far, and that the estimate of all
 * @property {number} [part] the page's own: how much of what is to be read was counted, from 0 to 1
 *
 * @typedef {{type: "counts", buckets: Bucket[], until: string, exact: boolean}} CountsRecord all that was counted so far
 * @typedef {{type: "total", scanned: number, to_scan: number}} TotalRecord bytes of all hosts
 * @typedef {Histogram & {type: "end", reason: string, detail?: string}} CountedRecord
 *
 * @typedef {object} Fault one wrong parameter, as the server names it
 * @property {string} parameter
 * @property {string} detail
 * @property {number} [column] from 1
 */

export {};
