//! Where the library's own words go: syslog, a file, standard error, or nowhere.
#![forbid(unsafe_code)]
