//! The one HTTP client: time-outs, size limits, limits owned by the connection and learnt from answers, no
//! credentials across hosts, private addresses refused unless allowed, redacted exchanges kept for the history.
